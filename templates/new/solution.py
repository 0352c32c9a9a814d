"""@title@: the reference solution.

Students get signatures and docstrings, and what stands between the marks is cut.
"""


def loss_fn(params, x, y):
    """Mean squared error of the line w * x + b.

    params: [w, b], a tensor of shape (2,)
    x, y: tensors of shape (n,)
    Returns a tensor of shape ().
    """
    ### BEGIN SOLUTION
    prediction = params[0] * x + params[1]  # (n,)
    return ((prediction - y) ** 2).mean()  # ()
    ### END SOLUTION


def training_loop(n_epochs, optimizer, params, x, y):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on all points each,
    and return them.

    optimizer: any torch optimizer that holds `params` params: [w, b], a leaf tensor of shape (2,)
    x, y: tensors of shape (n,)
    """
    ### BEGIN SOLUTION
    for _ in range(n_epochs):
        loss = loss_fn(params, x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
    ### END SOLUTION
