"""Calls that plain data can't say.

`student` has the notebook's definitions as attributes; nothing here knows an answer.
"""

import torch


def held(student, params):
    """Ask the student's `holds` about an optimizer over the first of `params`, about each of them,
    and about a copy of the first.

    params: list of leaf tensors. Returns a list of what `holds` said, one more than there are
    params.
    """
    optimizer = torch.optim.SGD(params[:1], lr=0.1)
    return [student.holds(optimizer, tensor) for tensor in (*params, params[0].detach().clone())]


def trip(student, kind, lr, params, t_u, t_c):
    """Send `torch.optim.<kind>` through the student's `figure_1`.

    params: leaf tensor of shape (2,); t_u, t_c: tensors of shape (n,). Returns what `figure_1`
    returns.
    """
    return student.figure_1(
        lambda tensor: getattr(torch.optim, kind)([tensor], lr=lr), params, t_u, t_c
    )


def swap(student, n_epochs, params, lr, t_u, t_c):
    """Train with the student's own Adam in the student's own loop.

    params: leaf tensor of shape (2,); t_u, t_c: tensors of shape (n,). Returns what the loop
    returns.
    """
    optimizer = student.make_adam(params, lr)
    return student.training_loop(n_epochs, optimizer, params, t_u, t_c)
