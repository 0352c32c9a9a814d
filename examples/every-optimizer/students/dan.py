# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([{"params": [p]} for p in reversed(params)], lr=lr)

# %% id="make_momentum"
def make_momentum(params, lr):
    return torch.optim.SGD([{"params": [p]} for p in reversed(params)], lr=lr, momentum=0.8, nesterov=True)

# %% id="make_asgd"
def make_asgd(params, lr):
    return torch.optim.ASGD([{"params": [p]} for p in reversed(params)], lr=lr, lambd=0.02, alpha=0.6, t0=10)

# %% id="make_rprop"
def make_rprop(params, lr):
    return torch.optim.Rprop([{"params": [p]} for p in reversed(params)], lr=lr, etas=(0.4, 1.3), step_sizes=(1e-4, 2))

# %% id="make_adagrad"
def make_adagrad(params, lr):
    return torch.optim.Adagrad([{"params": [p]} for p in reversed(params)], lr=lr, lr_decay=0.05, initial_accumulator_value=0.5)

# %% id="make_rmsprop"
def make_rmsprop(params, lr):
    return torch.optim.RMSprop([{"params": [p]} for p in reversed(params)], lr=lr, alpha=0.9, centered=True, momentum=0.5)

# %% id="make_adadelta"
def make_adadelta(params, lr):
    return torch.optim.Adadelta([{"params": [p]} for p in reversed(params)], lr=lr, rho=0.8, eps=1e-3)

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam([{"params": [p]} for p in reversed(params)], lr=torch.tensor(lr), betas=(0.8, 0.99))

# %% id="make_adamw"
def make_adamw(params, lr):
    return torch.optim.AdamW([{"params": [p]} for p in reversed(params)], lr=lr, weight_decay=0.1)

# %% id="make_adamax"
def make_adamax(params, lr):
    return torch.optim.Adamax([{"params": [p]} for p in reversed(params)], lr=lr, betas=(0.7, 0.95))

# %% id="make_nadam"
def make_nadam(params, lr):
    return torch.optim.NAdam([{"params": [p]} for p in reversed(params)], lr=lr, momentum_decay=0.02)

# %% id="make_radam"
def make_radam(params, lr):
    return torch.optim.RAdam([{"params": [p]} for p in reversed(params)], lr=lr, betas=(0.8, 0.95))

# %% id="make_adafactor"
def make_adafactor(params, lr):
    return torch.optim.Adafactor([{"params": [p]} for p in reversed(params)], lr=lr, beta2_decay=-0.5, d=2.0)

# %% id="make_muon"
def make_muon(params, lr):
    return torch.optim.Muon([{"params": [p]} for p in reversed(params)], lr=lr, momentum=0.9, weight_decay=0)
