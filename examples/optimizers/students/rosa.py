# %% id="model" docstring="no"
def model(t_u, w, b):
    return t_u * w + b  # tensor * number works elementwise

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
    # 1. forward
    pred = model(t_u, *params)
    # 2. loss
    loss = loss_fn(pred, t_c)
    # 3. throw away old gradients, compute new ones
    optimizer.zero_grad()
    loss.backward()
    # 4. move
    optimizer.step()

    return params

# %% id="training_loop" docstring="no"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    my_optimizer = torch.optim.SGD([params], lr=1e-2)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        my_optimizer.zero_grad()
        loss.backward()
        my_optimizer.step()
        if epoch % 500 == 0:
            print(epoch, loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam([params], lr=lr)
