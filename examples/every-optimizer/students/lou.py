# %% id="MySGD"
class Base(torch.optim.Optimizer):
    """Everything but the rule."""

    def __init__(self, params, **defaults):
        super().__init__(params, defaults)

    def zero_grad(self, set_to_none=True):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self, closure=None):
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data.sub_(group["lr"] * self.direction(p.grad, self.state[p], group))
        return loss


class MySGD(Base):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, lr=lr, momentum=momentum)

    def direction(self, g, memory, group):
        memory["v"] = g.clone() if "v" not in memory else group["momentum"] * memory["v"] + g
        return memory["v"]

# %% id="MyAdam"
class MyAdam(Base):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr=lr, betas=betas, eps=eps)

    def direction(self, g, memory, group):
        (b1, b2), t = group["betas"], memory.get("t", 0) + 1
        m = b1 * memory.get("m", 0) + (1 - b1) * g
        v = b2 * memory.get("v", 0) + (1 - b2) * g.square()
        memory.update(t=t, m=m, v=v)
        return (m / (1 - b1 ** t)) / ((v / (1 - b2 ** t)).sqrt() + group["eps"])
