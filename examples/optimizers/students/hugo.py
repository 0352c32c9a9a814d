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
