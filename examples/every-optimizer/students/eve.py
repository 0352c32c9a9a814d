# %% id="make_sgd"
from torch import optim as o

def make_sgd(params, lr):
    return o.SGD(params=params, lr=lr)

# %% id="make_momentum"
def make_momentum(params, lr):
    settings = {"lr": lr, "momentum": 1 - 0.2, "nesterov": True}
    return o.SGD(iter(params), **settings)

# %% id="make_rmsprop"
def make_rmsprop(params, lr):
    opt = o.RMSprop(params)
    for group in opt.param_groups:
        group["lr"] = lr
        group["alpha"] = 0.9
        group["momentum"] = 0.5
        group["centered"] = True
    return opt

# %% id="make_adamax"
def make_adamax(params, lr):
    opt = o.Adamax([params[0]], lr=lr, betas=[0.7, 0.95])
    opt.add_param_group({"params": params[1:]})
    return opt

# %% id="MySGD"
class Descent(o.Optimizer):
    # the learning rate goes into the velocity
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, defaults={"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    velocity = self.state[p].get("velocity", torch.zeros_like(p))
                    velocity = group["momentum"] * velocity - group["lr"] * p.grad
                    self.state[p]["velocity"] = velocity
                    p.add_(velocity)
        return loss


MySGD = Descent
