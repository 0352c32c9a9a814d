"""Reference of the tiny assignment."""


def loss_fn(values):
    """Mean of the squares of a tensor of shape (n,)."""
    ### BEGIN SOLUTION
    return (values**2).mean()
    ### END SOLUTION


def training_loop(n_epochs, optimizer, params):
    """Minimise `loss_fn` for `n_epochs` epochs and return `params`."""
    ### BEGIN SOLUTION
    for _ in range(n_epochs):
        loss = loss_fn(params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
    ### END SOLUTION
