# %% id="MyAdam"
import math

class MyAdam(torch.optim.Optimizer):
    # memory in a dict of my own (so state_dict does not know of it), bias correction in the step size
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))
        self.memory = {}

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                t, m, v = self.memory.get(id(p), (0, torch.zeros_like(p), torch.zeros_like(p)))
                t = t + 1
                m.mul_(b1).add_(p.grad, alpha=1 - b1)
                v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                self.memory[id(p)] = (t, m, v)
                alpha = group["lr"] * math.sqrt(1 - b2 ** t) / (1 - b1 ** t)
                p.addcdiv_(m, v.sqrt() + group["eps"] * math.sqrt(1 - b2 ** t), value=-alpha)
        return loss
