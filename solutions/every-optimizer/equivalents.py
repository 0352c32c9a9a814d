# ruff: noqa: F821
# model and loss_fn are given in the notebook.
"""Every optimizer: right programs that no rewriting makes, each another formulation of one
definition of the solution.

This file is parsed and never imported: `autograder calibrate every-optimizer` runs each in the
solution's place, and counts how far it lies out as spread.
"""

import torch

from autograder.mistakes.written import equivalent


@equivalent(of="MySGD", name="the learning rate inside the velocity, from buffers in a list")
class RateInVelocity(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.velocities = [[None] * len(group["params"]) for group in self.param_groups]

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, velocities in zip(self.param_groups, self.velocities, strict=True):
            for place, p in enumerate(group["params"]):
                if p.grad is None:
                    continue
                before = torch.zeros_like(p) if velocities[place] is None else velocities[place]
                velocities[place] = group["momentum"] * before - group["lr"] * p.grad
                p.add_(velocities[place])
        return loss


@equivalent(
    of="MyAdam",
    name=(
        "the bias correction folded into the learning rate, as at the end of section 2 of the paper"
    ),
)
class FoldedCorrection(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                t = state["t"] = state.get("t", 0) + 1
                state["m"] = torch.lerp(state.get("m", torch.zeros_like(p)), p.grad, 1 - beta1)
                state["v"] = torch.lerp(
                    state.get("v", torch.zeros_like(p)), p.grad.square(), 1 - beta2
                )
                rate = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
                p.addcdiv_(state["m"], state["v"].sqrt() + group["eps"], value=-rate)
        return loss


@equivalent(of="MyAdam", name="torch's own order of operations")
class AsTorchDoes(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"], state["exp_avg"], state["exp_avg_sq"] = (
                        0,
                        torch.zeros_like(p),
                        torch.zeros_like(p),
                    )
                state["step"] += 1
                state["exp_avg"].lerp_(p.grad, 1 - beta1)
                state["exp_avg_sq"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                correction1, correction2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
                denominator = (state["exp_avg_sq"].sqrt() / correction2**0.5).add_(group["eps"])
                p.addcdiv_(state["exp_avg"], denominator, value=-group["lr"] / correction1)
        return loss


@equivalent(of="MyAdam", name="averages in double precision")
class DoublePrecision(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, gradient = self.state[p], p.grad.double()
                state["t"] = state.get("t", 0) + 1
                state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * gradient
                state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * gradient**2
                mean, square = (
                    state["m"] / (1 - beta1 ** state["t"]),
                    state["v"] / (1 - beta2 ** state["t"]),
                )
                p.data -= (group["lr"] * mean / (square.sqrt() + group["eps"])).to(p.dtype)
        return loss


@equivalent(of="train_with_lbfgs", name="gradients assigned by hand in the closure, defined once")
def gradients_by_hand(n_steps, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        for p, gradient in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.grad = gradient
        return loss

    for _ in range(n_steps):
        optimizer.step(closure)
    return params


@equivalent(of="train_with_lbfgs", name="clears at the beginning with None, an error summed over n")
def clears_with_none(n_steps, optimizer, params, t_u, t_c):
    def closure():
        for p in params:
            p.grad = None
        loss = ((t_c - model(t_u, *params)) ** 2).sum() / len(t_c)
        loss.backward()
        return loss.item()

    for _ in range(n_steps):
        optimizer.step(closure)
    return params


@equivalent(
    of="train_embedding", name="rows picked out of the table, gradients cleared after the step"
)
def functional_embedding(embedding, optimizer, words, targets):
    for step in range(len(words)):
        rows = torch.nn.functional.embedding(words[step], embedding.weight, sparse=True)
        torch.nn.functional.mse_loss(rows, targets[step]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return embedding
