# %% id="MySGD"
class MySGD(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            ps = [p for p in group["params"] if p.grad is not None]
            if not ps:
                continue
            vs = [self.state[p].setdefault("v", torch.zeros_like(p)) for p in ps]
            torch._foreach_mul_(vs, group["momentum"])
            torch._foreach_add_(vs, [p.grad for p in ps])
            torch._foreach_add_(ps, vs, alpha=-group["lr"])
        return loss

# %% id="MyAdam"
class MyAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

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
                s = self.state[p]
                if not s:
                    s.update(step=torch.tensor(0.0), exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                s["step"] += 1
                s["exp_avg"].lerp_(p.grad, 1 - b1)
                s["exp_avg_sq"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                bc1, bc2 = 1 - b1 ** s["step"].item(), 1 - b2 ** s["step"].item()
                denom = (s["exp_avg_sq"].sqrt() / bc2 ** 0.5).add_(group["eps"])
                p.addcdiv_(s["exp_avg"], denom, value=-group["lr"] / bc1)
        return loss
