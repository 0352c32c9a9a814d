# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam(params, lr=lr, betas=(0.99, 0.8))
