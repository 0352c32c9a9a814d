# %% id="make_adagrad"
def make_adagrad(params, lr):
    return torch.optim.Adagrad(params, lr=lr, lr_decay=0.05)
