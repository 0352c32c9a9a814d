"""Calls that plain data can't say. `student` has the notebook's definitions as attributes; nothing here knows an answer."""


def swap(student, n_epochs, params, lr, t_u, t_c):
    """Train with the student's own Adam in the student's own loop.

    params: leaf tensor of shape (2,); t_u, t_c: tensors of shape (n,). Returns what the loop returns.
    """
    optimizer = student.make_adam(params, lr)
    return student.training_loop(n_epochs, optimizer, params, t_u, t_c)
