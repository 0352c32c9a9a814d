# %% id="MyAdam"
class MyAdam(torch.optim.Optimizer):
    # the corrected averages directly: weights that change with t, and nothing to correct afterwards
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    s = self.state[p]
                    s["t"] = s.get("t", 0) + 1
                    new = []
                    for name, beta, value in zip("mv", group["betas"], (p.grad, p.grad ** 2)):
                        weight = (1 - beta) / (1 - beta ** s["t"])
                        s[name] = value.clone() if s["t"] == 1 else s[name] + weight * (value - s[name])
                        new.append(s[name])
                    p -= group["lr"] * new[0] / (new[1].sqrt() + group["eps"])
        return loss
