# %% id="MySGD"
class MySGD(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum))
        self.lr, self.momentum = lr, momentum

    def step(self, closure=None):
        loss = closure() if closure is not None else None
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        v = self.momentum * self.state[p].get("v", 0) + p.grad
                        self.state[p]["v"] = v
                        p -= self.lr * v
        return loss
