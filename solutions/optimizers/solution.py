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


def holds(optimizer, tensor):
    """Say whether `optimizer` holds `tensor`: the very object, not another tensor of equal values.

    optimizer: any torch optimizer; `optimizer.param_groups` is a list of dicts, each with a list of tensors under "params"
    tensor: a tensor of any shape
    Returns True or False.
    """
    ### BEGIN SOLUTION
    return any(held is tensor for group in optimizer.param_groups for held in group["params"])  # `is`, for == compares values
    ### END SOLUTION


def figure_1(make_optimizer, params, t_u, t_c):
    """Go once through Figure 1, and write down what `params` and `params.grad` hold after each stage.

    The stages, in this order: the constructor; forward (model and loss on all readings); backward; step; zero_grad.

    make_optimizer: a function; `make_optimizer(params)` builds an optimizer over `params`
    params: one leaf tensor of shape (2,), [w, b]; what its .grad holds beforehand stays until a stage changes it
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns a dict with the keys "constructor", "forward", "backward", "step" and "zero_grad". Each value is a pair: a copy of `params`
        as they are after that stage, shape (2,), and a copy of `params.grad`, shape (2,), or None where there is none.
    """

    ### BEGIN SOLUTION
    def look():
        gradient = None if params.grad is None else params.grad.clone()
        return params.detach().clone(), gradient  # clone: what step() moves in place would move in here too

    seen = {}
    optimizer = make_optimizer(params)  # (A) keeps a reference to params
    seen["constructor"] = look()
    loss = loss_fn(model(t_u, *params), t_c)  # (B)
    seen["forward"] = look()
    loss.backward()  # (C) adds to .grad
    seen["backward"] = look()
    optimizer.step()  # (D) reads .grad, moves params
    seen["step"] = look()
    optimizer.zero_grad()  # .grad: None again
    seen["zero_grad"] = look()
    return seen
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


def minibatch_loop(n_epochs, optimizer, params, batches):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on each batch, in the order given, and return them.

    n_epochs: number of epochs; in each, every batch has its turn
    optimizer: any torch optimizer that holds `params`
    params: [w, b], as one tensor of shape (2,) or as a list of two tensors of shape ()
    batches: a list of pairs (t_u, t_c), two tensors of shape (m,) each; m may differ from batch to batch
    Returns the very same `params`.
    """
    ### BEGIN SOLUTION
    for _ in range(n_epochs):
        for t_u, t_c in batches:
            loss = loss_fn(model(t_u, *params), t_c)  # the mean over this batch only: ()
            optimizer.zero_grad()  # each batch begins clean
            loss.backward()
            optimizer.step()
    return params
    ### END SOLUTION


def mean_loss(params, batches):
    """Mean squared error over all samples of all batches: what `loss_fn` gives for the samples put together again.

    params: [w, b], one tensor of shape (2,)
    batches: a list of pairs (t_u, t_c), two tensors of shape (m,) each; m may differ from batch to batch
    Returns a tensor of shape ().
    """
    ### BEGIN SOLUTION
    total = sum(len(t_u) * loss_fn(model(t_u, *params), t_c) for t_u, t_c in batches)  # mean times m is the sum: ()
    return total / sum(len(t_u) for t_u, _ in batches)  # ()
    ### END SOLUTION
