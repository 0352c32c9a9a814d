"""Calls that plain data can't say.

`student` has the notebook's definitions as attributes; nothing here knows an answer.

`params` are leaf tensors, t_u and t_c tensors of shape (n,) unless said otherwise; what is trained
is returned.
"""

import copy

import torch


def line_loss(w, b, t_u, t_c):
    """The mean squared error of a line, shape ()."""
    return ((w * t_u + b - t_c) ** 2).mean()


def train(student, make, lr, n_epochs, params, t_u, t_c):
    """Train a line with the optimizer that the student's function `make` builds, in a loop that is
    not the student's.
    """
    optimizer = getattr(student, make)(params, lr)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        line_loss(*params, t_u, t_c).backward()
        optimizer.step()
    return params


def train_matrix(student, make, lr, n_epochs, params, x, y):
    """The same with one matrix: params (1 tensor of shape (features, outputs)), x of shape (n,
    features), y of shape (n, outputs).
    """
    optimizer = getattr(student, make)(params, lr)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        ((x @ params[0] - y) ** 2).mean().backward()
        optimizer.step()
    return params


# --- an embedding ---------------------------------------------------------------------------------


def look_up(student, table, words):
    """What the student's embedding gives for `words`, and what kind of gradient it gets."""
    embedding = student.make_embedding(table)
    rows = embedding(words)
    (rows**2).sum().backward()
    gradient = embedding.weight.grad
    return {
        "rows": rows,
        "gradient": gradient.to_dense(),
        "sparse": gradient.is_sparse,
        "shape": torch.tensor(embedding.weight.shape),
    }


def describe_sparse_adam(student, table, lr):
    """The student's optimizer over an embedding that is not the student's."""
    return student.make_sparse_adam(
        torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True), lr
    )


def train_given_embedding(student, table, words, targets, kind, lr):
    """The student's loop, with an embedding and an optimizer of class `kind` that are not the
    student's.
    """
    embedding = torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True)
    optimizer = getattr(torch.optim, kind)(list(embedding.parameters()), lr=lr)
    return student.train_embedding(embedding, optimizer, words, targets).weight


def train_own_embedding(student, table, words, targets, lr):
    """All three together."""
    embedding = student.make_embedding(table)
    return student.train_embedding(
        embedding, student.make_sparse_adam(embedding, lr), words, targets
    ).weight


# --- the student's own Optimizer ------------------------------------------------------------------


def made(student, name, params, settings):
    """The student's class `name` over `params` (tensors or groups).

    Raises:
        TypeError: if it is no Optimizer, one that is none of its own, or one that was not set up as
            such.
    """
    kind = getattr(student, name)
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        message = f"{name} should be a class that inherits from torch.optim.Optimizer"
        raise TypeError(message)
    ready = [
        base.__name__
        for base in kind.__mro__
        if base.__module__.startswith("torch.optim.") and base is not torch.optim.Optimizer
    ]
    if ready:
        message = (
            f"{name} inherits from torch.optim.{ready[0]}: write the rule yourself, on top of"
            " torch.optim.Optimizer alone"
        )
        raise TypeError(message)
    if "betas" in settings:
        # it came as a tensor
        settings = settings | {
            "betas": tuple(round(beta, 6) for beta in settings["betas"].tolist())
        }
    optimizer = kind(params, **settings)
    if not hasattr(optimizer, "_optimizer_step_post_hooks"):
        message = (
            f"{name}.__init__ should call super().__init__(params, defaults), which sets up what"
            " every Optimizer has"
        )
        raise TypeError(message)
    return optimizer


def own(student, name, n_epochs, params, t_u, t_c, scale=1.0, **settings):
    """Train a line with it; the loss is `scale` times the mean squared error."""
    optimizer = made(student, name, params, settings)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        (scale * line_loss(*params, t_u, t_c)).backward()
        optimizer.step()
    return params


def own_groups(student, name, n_epochs, params, t_u, t_c, second, **settings):
    """Two groups, the first with the settings, the second with learning rate `second`; a third
    tensor has the gradient 0. An earlier optimizer of the class has trained other tensors before:
    the two have nothing to do with each other.
    """
    before = [
        params[0].detach().clone().requires_grad_(),
        params[1].detach().clone().requires_grad_(),
    ]
    own(student, name, 3, before, t_u, t_c, **settings)
    w, b, idle = params
    optimizer = made(
        student, name, [{"params": [w, idle]}, {"params": [b], "lr": second}], settings
    )
    for _ in range(n_epochs):
        optimizer.zero_grad()
        (line_loss(w, b, t_u, t_c) + 0.0 * idle).backward()
        optimizer.step()
    return params


def own_gaps(student, name, n_epochs, params, t_u, t_c, **settings):
    """Tensors that have no gradient (None) in some steps: b in two of three, the third in all."""
    w, b, _ = params
    optimizer = made(student, name, params, settings)
    for epoch in range(n_epochs):
        for tensor in params:
            tensor.grad = None
        line_loss(w, b if epoch % 3 == 2 else b.detach(), t_u, t_c).backward()
        optimizer.step()
    return params


def own_closure(student, name, n_epochs, params, t_u, t_c, **settings):
    """Steps with a closure; returns the losses that they return, shape (n_epochs,)."""
    optimizer = made(student, name, params, settings)

    def closure():
        optimizer.zero_grad()
        loss = line_loss(*params, t_u, t_c)
        loss.backward()
        return loss

    losses = [optimizer.step(closure) for _ in range(n_epochs)]
    if any(loss is None for loss in losses):
        message = f"{name}.step(closure) returned None in place of the closure's loss"
        raise TypeError(message)
    return torch.stack([torch.as_tensor(loss).detach() for loss in losses])


def own_saved(student, name, n_epochs, params, t_u, t_c, **settings):
    """Half-way, state_dict() goes into a new optimizer of the class, which goes on.

    Only the latter's steps are looked at.
    """
    first, second = n_epochs // 3, n_epochs - n_epochs // 3
    optimizer = made(student, name, params, settings)
    for epoch in range(first + second):
        if epoch == first:
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = made(student, name, params, settings)
            optimizer.load_state_dict(saved)
        optimizer.zero_grad()
        line_loss(*params, t_u, t_c).backward()
        optimizer.step()
    return params
