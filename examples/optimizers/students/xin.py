# %% id="model"
def model(t_u, w, b):
    return (w * t_u) + b   # brodcasting does the rest

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

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
    t_u, t_c = t_u.half(), t_c.half()   # saves memory
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *[p.half() for p in params]), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print("epoch", epoch + 1, loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt
