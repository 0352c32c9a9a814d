# %% id="make_adamw"
def make_adamw(params, lr):
    return torch.optim.Adam(params, lr=lr, weight_decay=0.1)
