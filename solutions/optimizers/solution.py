"""Lecture 8, Optimizers: the reference solution.

The example is the thermometer of Stevens, Antiga, Viehmann, "Deep Learning with PyTorch" (Manning, 2020), chapter 5: readings t_u in an unknown unit,
true temperatures t_c in degrees Celsius, n = 11 of each, and a line t_c ~ w * t_u + b to be learned. Shapes stand behind the code.
"""

import torch


def model(t_u, w, b):
    """Predict temperatures in degrees Celsius from thermometer readings with a straight line.

    t_u: tensor of shape (n,), the readings
    w, b: the line's weight (slope) and bias (intercept), numbers or tensors of shape ()
    Returns a tensor of shape (n,).
    """
    ### BEGIN SOLUTION
    return w * t_u + b  # (n,)
    ### END SOLUTION


def loss_fn(t_p, t_c):
    """Mean squared error of predictions.

    t_p, t_c: tensors of shape (n,), predicted and true temperatures
    Returns a tensor of shape ().
    """
    ### BEGIN SOLUTION
    squared_diffs = (t_p - t_c) ** 2  # (n,)
    return squared_diffs.mean()  # ()
    ### END SOLUTION


def make_sgd(params, lr):
    """Build a plain stochastic gradient descent optimizer from torch.optim that will move `params`.

    params: one leaf tensor of shape (2,), [w, b], with requires_grad=True
    lr: learning rate
    Returns a torch.optim.SGD.
    """
    ### BEGIN SOLUTION
    return torch.optim.SGD([params], lr=lr)  # a list: there could be more tensors than one
    ### END SOLUTION


def one_step(optimizer, params, t_u, t_c):
    """Move `params` by one step of `optimizer`, downhill on the loss of all readings, and return them.

    Whatever `params.grad` holds from earlier work must not change the step.

    optimizer: any torch optimizer that holds `params`
    params: [w, b], one tensor of shape (2,)
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`, changed in place.
    """
    ### BEGIN SOLUTION
    t_p = model(t_u, *params)  # (n,)
    loss = loss_fn(t_p, t_c)  # ()
    optimizer.zero_grad()  # .grad: None
    loss.backward()  # .grad: (2,)
    optimizer.step()  # params -= lr * .grad, for plain SGD
    return params  # (2,)
    ### END SOLUTION


def training_loop(n_epochs, optimizer, params, t_u, t_c):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on all readings each, and return them.

    Prints the loss every 500 epochs, in a format of your choice.

    n_epochs: number of epochs; 0 leaves `params` as they are
    optimizer: any torch optimizer that holds `params`
    params: [w, b], as one tensor of shape (2,) or as a list of two tensors of shape (): hand them
        to the model as `model(t_u, *params)`, which unpacks either
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`.
    """
    ### BEGIN SOLUTION
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)  # forward: (n,)
        loss = loss_fn(t_p, t_c)  # ()

        optimizer.zero_grad()  # forget the last epoch's gradients
        loss.backward()  # fill in this epoch's
        optimizer.step()  # move

        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params
    ### END SOLUTION


def make_adam(params, lr):
    """Build an Adam optimizer from torch.optim that will move `params`.

    params: one leaf tensor of shape (2,), [w, b], with requires_grad=True
    lr: learning rate
    Returns a torch.optim.Adam.
    """
    ### BEGIN SOLUTION
    return torch.optim.Adam([params], lr=lr)
    ### END SOLUTION
