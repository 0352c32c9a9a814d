# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD(params, lr=lr)

# %% id="make_momentum"
def make_momentum(params, lr):
    return torch.optim.SGD(params, lr=lr, momentum=0.8, nesterov=True)

# %% id="make_asgd"
def make_asgd(params, lr):
    return torch.optim.ASGD(params, lr=lr, lambd=0.02, alpha=0.6, t0=10)

# %% id="make_rprop"
def make_rprop(params, lr):
    return torch.optim.Rprop(params, lr=lr, etas=(0.4, 1.3), step_sizes=(1e-4, 2))

# %% id="make_adagrad"
def make_adagrad(params, lr):
    return torch.optim.Adagrad(params, lr=lr, lr_decay=0.05, initial_accumulator_value=0.5)

# %% id="make_rmsprop"
def make_rmsprop(params, lr):
    return torch.optim.RMSprop(params, lr=lr, alpha=0.9, centered=True, momentum=0.5)

# %% id="make_adadelta"
def make_adadelta(params, lr):
    return torch.optim.Adadelta(params, lr=lr, rho=0.8, eps=1e-3)

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam(params, lr=lr, betas=(0.8, 0.99))

# %% id="make_adamw"
def make_adamw(params, lr):
    return torch.optim.AdamW(params, lr=lr, weight_decay=0.1)

# %% id="make_adamax"
def make_adamax(params, lr):
    return torch.optim.Adamax(params, lr=lr, betas=(0.7, 0.95))

# %% id="make_lbfgs"
def make_lbfgs(params, lr):
    return torch.optim.LBFGS(params, lr=lr, max_iter=10, history_size=5, line_search_fn="strong_wolfe")

# %% id="train_with_lbfgs"
def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    for i in range(n_steps):
        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
            return loss
        optimizer.step(closure)
    return params

# %% id="make_embedding"
def make_embedding(table):
    return torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True)

# %% id="make_sparse_adam"
def make_sparse_adam(embedding, lr):
    return torch.optim.SparseAdam(list(embedding.parameters()), lr=lr, betas=(0.8, 0.95))

# %% id="train_embedding"
def train_embedding(embedding, optimizer, words, targets):
    for i in range(len(words)):
        optimizer.zero_grad()
        loss = loss_fn(embedding(words[i]), targets[i])
        loss.backward()
        optimizer.step()
    return embedding

# %% id="MySGD"
class MySGD(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    def step(self, closure=None):
        loss = None
        if closure is not None:
            loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    if "v" not in self.state[p]:
                        self.state[p]["v"] = torch.zeros_like(p)
                    v = self.state[p]["v"]
                    v.copy_(group["momentum"] * v + p.grad)
                    p -= group["lr"] * v
        return loss

# %% id="MyAdam"
class MyAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    def step(self, closure=None):
        loss = None
        if closure is not None:
            loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                b1, b2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    s = self.state[p]
                    if len(s) == 0:
                        s["t"] = 0
                        s["m"] = torch.zeros_like(p)
                        s["v"] = torch.zeros_like(p)
                    s["t"] += 1
                    s["m"] = b1 * s["m"] + (1 - b1) * p.grad
                    s["v"] = b2 * s["v"] + (1 - b2) * p.grad ** 2
                    m_hat = s["m"] / (1 - b1 ** s["t"])
                    v_hat = s["v"] / (1 - b2 ** s["t"])
                    p -= group["lr"] * m_hat / (torch.sqrt(v_hat) + group["eps"])
        return loss

# %% id="make_nadam"
def make_nadam(params, lr):
    return torch.optim.NAdam(params, lr=lr, momentum_decay=0.02)

# %% id="make_radam"
def make_radam(params, lr):
    return torch.optim.RAdam(params, lr=lr, betas=(0.8, 0.95))

# %% id="make_adafactor"
def make_adafactor(params, lr):
    return torch.optim.Adafactor(params, lr=lr, beta2_decay=-0.5, d=2.0)

# %% id="make_muon"
def make_muon(params, lr):
    return torch.optim.Muon(params, lr=lr, momentum=0.9, weight_decay=0)
