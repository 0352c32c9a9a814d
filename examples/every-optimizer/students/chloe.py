# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD(params, lr=lr, fused=True)

# %% id="make_momentum"
def make_momentum(params, lr):
    return torch.optim.SGD(params, lr=lr, momentum=0.8, nesterov=True, fused=True)

# %% id="make_asgd"
def make_asgd(params, lr):
    return torch.optim.ASGD(params, lr=lr, lambd=0.02, alpha=0.6, t0=10, foreach=True)

# %% id="make_rprop"
def make_rprop(params, lr):
    return torch.optim.Rprop(params, lr=lr, etas=(0.4, 1.3), step_sizes=(1e-4, 2), foreach=True)

# %% id="make_adagrad"
def make_adagrad(params, lr):
    return torch.optim.Adagrad(params, lr=lr, lr_decay=0.05, initial_accumulator_value=0.5, fused=True)

# %% id="make_rmsprop"
def make_rmsprop(params, lr):
    return torch.optim.RMSprop(params, lr=lr, alpha=0.9, centered=True, momentum=0.5, foreach=True)

# %% id="make_adadelta"
def make_adadelta(params, lr):
    return torch.optim.Adadelta(params, lr=lr, rho=0.8, eps=1e-3, foreach=True)

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam(params, lr=lr, betas=(0.8, 0.99), fused=True)

# %% id="make_adamw"
def make_adamw(params, lr):
    return torch.optim.AdamW(params, lr=lr, weight_decay=0.1, fused=True)

# %% id="make_adamax"
def make_adamax(params, lr):
    return torch.optim.Adamax(params, lr=lr, betas=(0.7, 0.95), foreach=True)

# %% id="make_nadam"
def make_nadam(params, lr):
    return torch.optim.NAdam(params, lr=lr, momentum_decay=0.02, foreach=True)

# %% id="make_radam"
def make_radam(params, lr):
    return torch.optim.RAdam(params, lr=lr, betas=(0.8, 0.95), foreach=True)

# %% id="make_adafactor"
def make_adafactor(params, lr):
    return torch.optim.Adafactor(params, lr=lr, beta2_decay=-0.5, d=2.0, foreach=True)
