# %% id="make_rmsprop"
def make_rmsprop(params, lr):
    return torch.optim.RMSprop(params, lr=lr, centered=True, momentum=0.5)
