# %% id="make_lbfgs"
def make_lbfgs(params, lr):
    return torch.optim.LBFGS(params, lr=lr, max_iter=10, history_size=5)
