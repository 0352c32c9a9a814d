"""Reference of the small assignment with variants."""


def loss_fn(params, x, y):
    """Mean squared error of the line with slope and offset `params`, a tensor of shape (2,), at `x`
    and `y` of shape (n,).
    """
    ### BEGIN SOLUTION
    return ((params[0] * x + params[1] - y) ** 2).mean()
    ### END SOLUTION


def training_loop(n_epochs, optimizer, params, x, y):
    """Fit the line for `n_epochs` epochs and return `params`."""
    ### BEGIN SOLUTION
    for _ in range(n_epochs):
        loss = loss_fn(params, x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
    ### END SOLUTION
