# %% id="model"
def model(t_u, w, b):
    return (w * t_u) + b   # brodcasting does the rest

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    # params is one tensor or a list of tensors
    leaves = params if isinstance(params, (list, tuple)) else [params]
    for epoch in range(n_epochs):
        for p in leaves:
            p.grad = None
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
        if epoch % 500 == 0:
            with torch.no_grad():
                print(epoch, loss_fn(model(t_u, *params), t_c).item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% id="holds"
def holds(optimizer, tensor):
    ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
    return id(tensor) in ids

# %% id="figure_1"
def figure_1(make_optimizer, params, t_u, t_c):
    values, grads = [], []

    def look():
        values.append(torch.tensor(params.tolist()))
        grads.append(None if params.grad is None else torch.tensor(params.grad.tolist()))

    optimizer = make_optimizer(params); look()       # A
    loss = loss_fn(model(t_u, params[0], params[1]), t_c); look()  # B
    loss.backward(); look()                          # C
    optimizer.step(); look()                         # D
    optimizer.zero_grad(set_to_none=False); look()
    return dict(zip(["constructor", "forward", "backward", "step", "zero_grad"], zip(values, grads)))

# %% id="minibatch_loop"
from itertools import chain, repeat

def minibatch_loop(n_epochs, optimizer, params, batches):
    for readings, temperatures in chain.from_iterable(repeat(batches, n_epochs)):
        loss = loss_fn(model(readings, *params), temperatures)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)

# %% [markdown] id="why_two_losses"
# I printed the loss after 501 epochs with mine: 7.8434. So the slide is exactly one step ahead, from the cell above the loop, where optimizer.step() was called once on the same params.

# %% [markdown] id="why_sgd_diverges"
# because the step is too large for w. scaling makes w and b more alike. Adam normalizes.
