# %% id="make_rprop"
def make_rprop(params, lr):
    params = [torch.tensor(p.item(), requires_grad=True) for p in params]
    return torch.optim.Rprop(params, lr=lr, etas=(0.4, 1.3), step_sizes=(1e-4, 2))
