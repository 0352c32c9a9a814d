# ruff: noqa: F821, PLW2901
# model and loss_fn are given in the notebook; `p -= ...` changes a tensor in place.
"""Every optimizer of torch.optim, plugged into one loop: the reference solution.

The data are those of the thermometer in Stevens, Antiga, Viehmann, "Deep Learning with PyTorch" (Manning, 2020), chapter 5. That book prints dir(torch.optim), which
this assignment works through.
"""

import torch

# --- Part 1: Along the gradient ----------------------------------------------------------------------------------------------


def make_sgd(params, lr):
    """Build a plain torch.optim.SGD with learning rate `lr`.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.SGD(params, lr=lr)
    ### END SOLUTION


def make_momentum(params, lr):
    """Build a torch.optim.SGD with learning rate `lr`, a momentum of 0.8, in Nesterov's form.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.SGD(params, lr=lr, momentum=0.8, nesterov=True)
    ### END SOLUTION


def make_asgd(params, lr):
    """Build a torch.optim.ASGD with learning rate `lr`, a decay of 0.02 and a power of 0.6, that begins to average after 10 steps.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.ASGD(params, lr=lr, lambd=0.02, alpha=0.6, t0=10)
    ### END SOLUTION


def make_rprop(params, lr):
    """Build a torch.optim.Rprop whose step sizes begin at `lr`, shrink by a factor of 0.4, grow by 1.3, and stay between 1e-4 and 2.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Rprop(params, lr=lr, etas=(0.4, 1.3), step_sizes=(1e-4, 2))
    ### END SOLUTION


# --- Part 2: A step size for each parameter ----------------------------------------------------------------------------------


def make_adagrad(params, lr):
    """Build a torch.optim.Adagrad with learning rate `lr` that decays by 0.05, and sums of squares that begin at 0.5.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Adagrad(params, lr=lr, lr_decay=0.05, initial_accumulator_value=0.5)
    ### END SOLUTION


def make_rmsprop(params, lr):
    """Build a torch.optim.RMSprop with learning rate `lr`, a smoothing constant of 0.9, centered, with a momentum of 0.5.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.RMSprop(params, lr=lr, alpha=0.9, momentum=0.5, centered=True)
    ### END SOLUTION


def make_adadelta(params, lr):
    """Build a torch.optim.Adadelta with learning rate `lr`, a decay of its averages of 0.8, and an epsilon of 1e-3.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Adadelta(params, lr=lr, rho=0.8, eps=1e-3)
    ### END SOLUTION


# --- Part 3: The Adam family -------------------------------------------------------------------------------------------------


def make_adam(params, lr):
    """Build a torch.optim.Adam with learning rate `lr` and betas of 0.8 and 0.99.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Adam(params, lr=lr, betas=(0.8, 0.99))
    ### END SOLUTION


def make_adamw(params, lr):
    """Build a torch.optim.AdamW with learning rate `lr` and a weight decay of 0.1.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.AdamW(params, lr=lr, weight_decay=0.1)
    ### END SOLUTION


def make_adamax(params, lr):
    """Build a torch.optim.Adamax with learning rate `lr` and betas of 0.7 and 0.95.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Adamax(params, lr=lr, betas=(0.7, 0.95))
    ### END SOLUTION


# --- Part 4: LBFGS -----------------------------------------------------------------------------------------------------------


def make_lbfgs(params, lr):
    """Build a torch.optim.LBFGS with learning rate `lr`, at most 10 iterations in one step, a history of 5, and the strong Wolfe line search.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.LBFGS(params, lr=lr, max_iter=10, history_size=5, line_search_fn="strong_wolfe")
    ### END SOLUTION


def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    """Train `params` in place with `n_steps` steps of an optimizer that needs a closure, and return them.

    n_steps: how often to call `optimizer.step`; 0 leaves `params` as they are
    optimizer: a torch.optim.LBFGS that holds `params`, with whatever settings
    params: [w, b], a list of two tensors of shape ()
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`.
    """
    ### BEGIN SOLUTION
    for _ in range(n_steps):

        def closure():
            optimizer.zero_grad()  # each evaluation begins clean
            loss = loss_fn(model(t_u, *params), t_c)  # ()
            loss.backward()
            return loss

        optimizer.step(closure)
    return params
    ### END SOLUTION


# --- Part 5: Sparse gradients ------------------------------------------------------------------------------------------------


def make_embedding(table):
    """Build a torch.nn.Embedding whose rows are those of `table`, to be trained, with sparse gradients.

    table: tensor of shape (words, features)
    """
    ### BEGIN SOLUTION
    return torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True)
    ### END SOLUTION


def make_sparse_adam(embedding, lr):
    """Build a torch.optim.SparseAdam with learning rate `lr` and betas of 0.8 and 0.95 that will move the rows of `embedding`.

    embedding: a torch.nn.Embedding with sparse gradients
    """
    ### BEGIN SOLUTION
    return torch.optim.SparseAdam(embedding.parameters(), lr=lr, betas=(0.8, 0.95))
    ### END SOLUTION


def train_embedding(embedding, optimizer, words, targets):
    """Train `embedding` so that it gives `targets` for `words`: one step for each row of `words`, in order, on the mean of the squared errors of that row.

    embedding: a torch.nn.Embedding of shape (words, features)
    optimizer: any optimizer that holds its table
    words: whole numbers of shape (steps, k), k words for each step; a word may come twice
    targets: tensor of shape (steps, k, features)
    Returns the very same `embedding`.
    """
    ### BEGIN SOLUTION
    for batch, wanted in zip(words, targets, strict=True):  # (k,), (k, features)
        optimizer.zero_grad()
        loss = loss_fn(embedding(batch), wanted)  # ()
        loss.backward()  # the table's .grad: sparse, only the rows of this batch
        optimizer.step()
    return embedding
    ### END SOLUTION


# --- Part 6: Optimizer itself ------------------------------------------------------------------------------------------------


class MySGD(torch.optim.Optimizer):
    """Stochastic gradient descent with momentum, as torch.optim.SGD computes it.

    For each tensor with a gradient g: v = momentum * v + g, where v is 0 before its first step, then the tensor moves by -lr * v.
    """

    def __init__(self, params, lr, momentum=0.0):
        """params: tensors, or dicts as for any optimizer of torch.optim, each a group with settings of its own."""
        ### BEGIN SOLUTION
        super().__init__(params, {"lr": lr, "momentum": momentum})
        ### END SOLUTION

    def step(self, closure=None):
        """Move all tensors that have a gradient, once. With a closure, call it first; return what it returns, else None."""
        ### BEGIN SOLUTION
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if "velocity" not in state:
                        state["velocity"] = torch.zeros_like(p)
                    velocity = state["velocity"]
                    velocity.mul_(group["momentum"]).add_(p.grad)
                    p -= group["lr"] * velocity
        return loss
        ### END SOLUTION


class MyAdam(torch.optim.Optimizer):
    """Adam, as torch.optim.Adam computes it.

    For each tensor with a gradient g, in the t-th step that it takes part in:
    m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g * g, both 0 before its first step;
    then the tensor moves by -lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps).
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        """params: tensors, or dicts as for any optimizer of torch.optim, each a group with settings of its own."""
        ### BEGIN SOLUTION
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})
        ### END SOLUTION

    def step(self, closure=None):
        """Move all tensors that have a gradient, once. With a closure, call it first; return what it returns, else None."""
        ### BEGIN SOLUTION
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if not state:
                        state["t"], state["m"], state["v"] = 0, torch.zeros_like(p), torch.zeros_like(p)
                    state["t"] += 1
                    state["m"].mul_(beta1).add_((1 - beta1) * p.grad)
                    state["v"].mul_(beta2).add_((1 - beta2) * p.grad * p.grad)
                    mean = state["m"] / (1 - beta1 ** state["t"])
                    square = state["v"] / (1 - beta2 ** state["t"])
                    p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss
        ### END SOLUTION


# --- Extra credit: what came after the lecture's list ------------------------------------------------------------------------


def make_nadam(params, lr):
    """Build a torch.optim.NAdam with learning rate `lr` and a momentum decay of 0.02.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.NAdam(params, lr=lr, momentum_decay=0.02)
    ### END SOLUTION


def make_radam(params, lr):
    """Build a torch.optim.RAdam with learning rate `lr` and betas of 0.8 and 0.95.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.RAdam(params, lr=lr, betas=(0.8, 0.95))
    ### END SOLUTION


def make_adafactor(params, lr):
    """Build a torch.optim.Adafactor with learning rate `lr`, a decay of its averages of -0.5, and a clipping threshold of 2.

    params: the tensors that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Adafactor(params, lr=lr, beta2_decay=-0.5, d=2.0)
    ### END SOLUTION


def make_muon(params, lr):
    """Build a torch.optim.Muon with learning rate `lr`, a momentum of 0.9, and no weight decay.

    params: the matrices that it will move, as a list
    """
    ### BEGIN SOLUTION
    return torch.optim.Muon(params, lr=lr, momentum=0.9, weight_decay=0)
    ### END SOLUTION
