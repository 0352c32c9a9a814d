"""Calls that plain data can't say.

`student` has the notebook's definitions as attributes; nothing here knows an answer.
"""


def go_on(student, n_epochs, optimizer, params, t_u, t_c):
    """Train, then train on with a tenth of the learning rate: the optimizer keeps its momentum, and
    the loop keeps the settings it finds.
    """
    student.training_loop(n_epochs, optimizer, params, t_u, t_c)
    for group in optimizer.param_groups:
        group["lr"] /= 10
    return student.training_loop(n_epochs, optimizer, params, t_u, t_c)
