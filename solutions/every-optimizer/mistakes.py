# ruff: noqa: F821, RUF012
# model and loss_fn are given in the notebook.
"""Every optimizer: mistakes that are not made of one changed place in the solution.

This file is parsed and never imported: `autograder validate every-optimizer` puts each definition
into the solution in place of the one that it names.
"""

import torch

from autograder.mistakes.written import mistake

# --- constructors ---------------------------------------------------------------------------------


@mistake(
    of="make_adamw",
    rows=(34,),
    name="builds an Adam with weight decay, which goes through the division",
)
def adam_for_adamw(params, lr):
    return torch.optim.Adam(params, lr=lr, weight_decay=0.1)


@mistake(of="make_adamax", rows=(34,), name="builds an Adam")
def adam_for_adamax(params, lr):
    return torch.optim.Adam(params, lr=lr, betas=(0.7, 0.95))


@mistake(of="make_rmsprop", rows=(31,), name="takes 1 - alpha for alpha")
def smoothing_the_other_way_round(params, lr):
    return torch.optim.RMSprop(params, lr=lr, alpha=0.1, momentum=0.5, centered=True)


@mistake(of="make_momentum", rows=(31,), name="damps the gradient by the momentum")
def damped(params, lr):
    return torch.optim.SGD(params, lr=lr, momentum=0.8, dampening=0.8)


@mistake(of="make_adadelta", rows=(34,), name="builds an RMSprop with the same average")
def rmsprop_for_adadelta(params, lr):
    return torch.optim.RMSprop(params, lr=lr, alpha=0.8, eps=1e-3)


@mistake(of="make_sgd", rows=(31,), name="gives the second tensor a group with a rate of its own")
def other_rate_for_the_second_group(params, lr):
    return torch.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.1 * lr}], lr=lr)


# --- LBFGS ----------------------------------------------------------------------------------------


@mistake(of="train_with_lbfgs", rows=(1,), name="forgets to clear gradients in the closure")
def closure_never_clears(n_steps, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for _ in range(n_steps):
        optimizer.step(closure)
    return params


@mistake(
    of="train_with_lbfgs",
    rows=(1,),
    name="clears before the step, and not in the closure, which runs several times",
)
def clears_outside_the_closure(n_steps, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for _ in range(n_steps):
        optimizer.zero_grad()
        optimizer.step(closure)
    return params


@mistake(of="train_with_lbfgs", rows=(6,), name="calls step() without a closure")
def step_without_closure(n_steps, optimizer, params, t_u, t_c):
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params


@mistake(of="train_with_lbfgs", rows=(5,), name="computes the loss once, outside the closure")
def loss_outside_the_closure(n_steps, optimizer, params, t_u, t_c):
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step(lambda loss=loss: loss)
    return params


@mistake(of="train_with_lbfgs", rows=(46,), name="returns nothing from the closure")
def closure_returns_nothing(n_steps, optimizer, params, t_u, t_c):
    def closure():
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()

    for _ in range(n_steps):
        optimizer.step(closure)
    return params


@mistake(
    of="train_with_lbfgs",
    rows=(33, 35),
    name="builds an LBFGS of its own in every step, which has forgotten the curvature",
)
def new_lbfgs_each_step(n_steps, optimizer, params, t_u, t_c):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for _ in range(n_steps):
        settings = {
            name: value for name, value in optimizer.param_groups[0].items() if name != "params"
        }
        torch.optim.LBFGS(params, **settings).step(closure)
    return params


# --- sparse gradients -----------------------------------------------------------------------------


@mistake(of="make_embedding", rows=(52,), name="leaves the table frozen")
def frozen_table(table):
    embedding = torch.nn.Embedding.from_pretrained(table, sparse=True)
    return embedding  # noqa: RET504


@mistake(of="make_embedding", rows=(31,), name="makes dense gradients")
def dense_gradients(table):
    return torch.nn.Embedding.from_pretrained(table, freeze=False)


@mistake(of="make_embedding", rows=(44,), name="draws its own rows")
def random_rows(table):
    return torch.nn.Embedding(*table.shape, sparse=True)


@mistake(of="make_sparse_adam", rows=(34,), name="builds an Adam, which takes no sparse gradients")
def adam_for_sparse_adam(embedding, lr):
    return torch.optim.Adam(embedding.parameters(), lr=lr, betas=(0.8, 0.95))


@mistake(of="train_embedding", rows=(41,), name="takes all words in every step")
def all_words_in_every_step(embedding, optimizer, words, targets):
    for _ in words:
        optimizer.zero_grad()
        loss_fn(embedding(words), targets).backward()
        optimizer.step()
    return embedding


@mistake(of="train_embedding", rows=(26,), name="compares with the targets of the step before")
def targets_of_the_step_before(embedding, optimizer, words, targets):
    for step, batch in enumerate(words):
        optimizer.zero_grad()
        loss_fn(embedding(batch), targets[step - 1]).backward()
        optimizer.step()
    return embedding


@mistake(of="train_embedding", rows=(25,), name="looks each word up once, however often it comes")
def each_word_once(embedding, optimizer, words, targets):
    for batch, wanted in zip(words, targets, strict=True):
        places = {int(word): place for place, word in enumerate(batch)}
        chosen = list(places.values())
        optimizer.zero_grad()
        loss_fn(embedding(batch[chosen]), wanted[chosen]).backward()
        optimizer.step()
    return embedding


# --- an SGD of one's own --------------------------------------------------------------------------


@mistake(of="MySGD", rows=(35,), name="begins with a new velocity in every step")
class VelocityForgotten(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        velocity = torch.zeros_like(p)
                        velocity.mul_(group["momentum"]).add_(p.grad)
                        p -= group["lr"] * velocity
        return loss


@mistake(of="MySGD", rows=(35,), name="shares one velocity among all tensors")
class VelocityShared(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.velocity = 0.0

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self.velocity = group["momentum"] * self.velocity + p.grad
                        p -= group["lr"] * self.velocity
        return loss


@mistake(of="MySGD", rows=(31,), name="weighs the gradient with 1 - momentum, as Adam does")
class VelocityDamped(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        velocity = self.state[p].get("velocity", 0.0)
                        self.state[p]["velocity"] = (
                            group["momentum"] * velocity + (1 - group["momentum"]) * p.grad
                        )
                        p -= group["lr"] * self.state[p]["velocity"]
        return loss


@mistake(of="MySGD", rows=(12,), name="moves by the velocity of the step before")
class VelocityOfTheStepBefore(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        velocity = self.state[p].get("velocity", p.grad.clone())
                        p -= group["lr"] * velocity
                        self.state[p]["velocity"] = group["momentum"] * velocity + p.grad
        return loss


@mistake(of="MySGD", rows=(31,), name="looks one momentum ahead, as Nesterov's form does")
class NesterovForPlain(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + p.grad
                        self.state[p]["velocity"] = velocity
                        p -= group["lr"] * (p.grad + group["momentum"] * velocity)
        return loss


@mistake(
    of="MySGD",
    rows=(3,),
    name="keeps the first gradient itself as velocity, which later changes with it",
)
class VelocityAliasesGradient(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        if "velocity" not in self.state[p]:
                            self.state[p]["velocity"] = p.grad
                        else:
                            p.grad.add_(self.state[p]["velocity"], alpha=group["momentum"])
                            self.state[p]["velocity"] = p.grad
                        p -= group["lr"] * self.state[p]["velocity"]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.zero_()
        return loss


@mistake(
    of="MySGD", rows=(37,), name="puts a new tensor in the parameter's place in place of moving it"
)
class ParameterRebound(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + p.grad
                    self.state[p]["velocity"] = velocity
                    p = p - group["lr"] * velocity
        return loss


@mistake(of="MySGD", rows=(48,), name="moves the parameters as part of the graph")
class UnderGrad(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + p.grad
                    self.state[p]["velocity"] = velocity
                    p -= group["lr"] * velocity
        return loss


@mistake(of="MySGD", rows=(52,), name="moves the first group only")
class FirstGroupOnly(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        group = self.param_groups[0]
        with torch.no_grad():
            for p in group["params"]:
                if p.grad is not None:
                    velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + p.grad
                    self.state[p]["velocity"] = velocity
                    p -= group["lr"] * velocity
        return loss


@mistake(of="MySGD", rows=(31,), name="uses the constructor's learning rate for all groups")
class OneRateForAllGroups(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.lr = lr

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + p.grad
                        self.state[p]["velocity"] = velocity
                        p -= self.lr * velocity
        return loss


@mistake(of="MySGD", rows=(52,), name="moves on by the old velocity where there is no gradient")
class MovesWithoutGradient(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    gradient = torch.zeros_like(p) if p.grad is None else p.grad
                    velocity = group["momentum"] * self.state[p].get("velocity", 0.0) + gradient
                    self.state[p]["velocity"] = velocity
                    p -= group["lr"] * velocity
        return loss


@mistake(of="MySGD", rows=(34,), name="lets torch.optim.SGD do it")
class SGDInside(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.inner = torch.optim.SGD(self.param_groups, lr=lr, momentum=momentum)

    def step(self, closure=None):
        return self.inner.step(closure)


# --- an Adam of one's own -------------------------------------------------------------------------


@mistake(of="MyAdam", rows=(34,), name="does not correct the bias")
class NoBiasCorrection(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        p -= group["lr"] * state["m"] / (state["v"].sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(34,), name="corrects the bias of the first average only")
class HalfBiasCorrection(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        p -= (
                            group["lr"]
                            * state["m"]
                            / (1 - beta1 ** state["t"])
                            / (state["v"].sqrt() + group["eps"])
                        )
        return loss


@mistake(of="MyAdam", rows=(34,), name="adds epsilon inside the root")
class EpsilonInside(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1 ** state["t"]),
                            state["v"] / (1 - beta2 ** state["t"]),
                        )
                        p -= group["lr"] * mean / (square + group["eps"]).sqrt()
        return loss


@mistake(of="MyAdam", rows=(34,), name="leaves epsilon out")
class NoEpsilon(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1 ** state["t"]),
                            state["v"] / (1 - beta2 ** state["t"]),
                        )
                        p -= group["lr"] * mean / square.sqrt()
        return loss


@mistake(of="MyAdam", rows=(34,), name="averages the gradient's size in place of its square")
class SizeForSquare(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad.abs()
                        mean, size = (
                            state["m"] / (1 - beta1 ** state["t"]),
                            state["v"] / (1 - beta2 ** state["t"]),
                        )
                        p -= group["lr"] * mean / (size + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(34,), name="forgets the root")
class NoRoot(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1 ** state["t"]),
                            state["v"] / (1 - beta2 ** state["t"]),
                        )
                        p -= group["lr"] * mean / (square + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(8,), name="corrects with one step less than were made")
class CountsOneStepLess(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        t = max(1, state["t"] - 1)
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        p -= (
                            group["lr"]
                            * state["m"]
                            / (1 - beta1**t)
                            / ((state["v"] / (1 - beta2**t)).sqrt() + group["eps"])
                        )
        return loss


@mistake(of="MyAdam", rows=(8,), name="counts the steps of all tensors together")
class OneCountForAllTensors(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})
        self.t = 0

    def step(self, closure=None):
        loss = None if closure is None else closure()
        self.t += 1
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1**self.t),
                            state["v"] / (1 - beta2**self.t),
                        )
                        p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(8,), name="counts once for each tensor in place of each step")
class CountsTensors(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})
        self.t = 0

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        self.t += 1
                        state = self.state[p]
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1**self.t),
                            state["v"] / (1 - beta2**self.t),
                        )
                        p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(31,), name="has the usual betas built in")
class FixedBetas(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * p.grad
                        state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * p.grad**2
                        mean, square = (
                            state["m"] / (1 - 0.9 ** state["t"]),
                            state["v"] / (1 - 0.999 ** state["t"]),
                        )
                        p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(35,), name="keeps its memory in the class, for all optimizers together")
class MemoryInTheClass(torch.optim.Optimizer):
    memory = []

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        tensors = [(group, p) for group in self.param_groups for p in group["params"]]
        if len(self.memory) < len(tensors):
            self.memory.extend([0, 0.0, 0.0] for _ in range(len(tensors) - len(self.memory)))
        with torch.no_grad():
            for state, (group, p) in zip(self.memory, tensors, strict=False):
                beta1, beta2 = group["betas"]
                if p.grad is not None:
                    state[0] += 1
                    state[1] = beta1 * state[1] + (1 - beta1) * p.grad
                    state[2] = beta2 * state[2] + (1 - beta2) * p.grad**2
                    mean, square = (
                        state[1] / (1 - beta1 ** state[0]),
                        state[2] / (1 - beta2 ** state[0]),
                    )
                    p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(52,), name="gives up at the first tensor without a gradient")
class StopsAtNone(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    state = self.state[p]
                    state["t"] = state.get("t", 0) + 1
                    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                    mean, square = (
                        state["m"] / (1 - beta1 ** state["t"]),
                        state["v"] / (1 - beta2 ** state["t"]),
                    )
                    p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(48,), name="calls the closure with gradients off")
class ClosureWithoutGradients(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    state["t"] = state.get("t", 0) + 1
                    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                    mean, square = (
                        state["m"] / (1 - beta1 ** state["t"]),
                        state["v"] / (1 - beta2 ** state["t"]),
                    )
                    p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return loss


@mistake(of="MyAdam", rows=(5,), name="calls the closure after it has moved")
class ClosureAfterwards(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        with torch.no_grad():
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * p.grad
                        state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * p.grad**2
                        mean, square = (
                            state["m"] / (1 - beta1 ** state["t"]),
                            state["v"] / (1 - beta2 ** state["t"]),
                        )
                        p -= group["lr"] * mean / (square.sqrt() + group["eps"])
        return None if closure is None else closure()
