"""After Lecture 8: the reference solution of the homework in which the line becomes a parabola.

The exercise is that of Stevens, Antiga, Viehmann, "Deep Learning with PyTorch" (Manning, 2020), chapter 5. Data and loop are those of `optimizers`; shapes stand behind the code.
"""

import torch


def loss_fn(t_p, t_c):
    """Mean squared error of predictions t_p for true temperatures t_c, both of shape (n,). Returns a tensor of shape ()."""
    return ((t_p - t_c) ** 2).mean()


def model(t_u, w2, w1, b):
    """Predict temperatures from thermometer readings with a parabola, w2 * t_u**2 + w1 * t_u + b.

    t_u: tensor of shape (n,), the readings
    w2, w1, b: the weights of the square and of the reading, and the bias; numbers or tensors of shape ()
    Returns a tensor of shape (n,).
    """
    ### BEGIN SOLUTION
    return w2 * t_u**2 + w1 * t_u + b  # (n,)
    ### END SOLUTION


def training_loop(n_epochs, optimizer, params, t_u, t_c):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on all readings each, and return them.

    All epochs are run, also when the loss has become inf or nan: that is a result too.

    optimizer: any torch optimizer that holds `params`
    params: [w2, w1, b], as one tensor of shape (3,) or as a list of three tensors of shape (): `model(t_u, *params)` takes either
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`.
    """
    ### BEGIN SOLUTION
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)  # ()
        optimizer.zero_grad()
        loss.backward()  # .grad: (3,)
        optimizer.step()
    return params
    ### END SOLUTION


def compare_rates(rates, n_epochs, t_u, t_c):
    """Train a new parabola with plain SGD for each learning rate, always from w2 = 0, w1 = 1, b = 0, and look where it ends.

    rates: list of learning rates
    n_epochs: number of epochs for each
    Returns a dict from learning rate to the loss after training, a float: inf or nan where training diverged, as it is.
    """
    ### BEGIN SOLUTION
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)  # (3,)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final
    ### END SOLUTION


def compare_with_line(params, line, t_u, t_c):
    """Compare a parabola with a straight line on the same readings.

    params: [w2, w1, b] of the parabola, tensor of shape (3,)
    line: [w, b] of the line, tensor of shape (2,)
    Returns their losses as floats: {"parabola": ..., "line": ...}.
    """
    ### BEGIN SOLUTION
    w, b = line
    parabola_loss = loss_fn(model(t_u, *params), t_c)  # ()
    line_loss = loss_fn(model(t_u, 0.0, w, b), t_c)  # (), a line is a parabola without its square
    return {"parabola": parabola_loss.item(), "line": line_loss.item()}
    ### END SOLUTION
