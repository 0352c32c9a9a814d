# %% id="MySGD"
class MySGD(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    def step(self, closure=None):
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    v = group["momentum"] * self.state[p].get("v", 0) + p.grad
                    self.state[p]["v"] = v
                    p = p - group["lr"] * v
        return loss
