# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

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

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    steps = 0
    while True:
        if steps >= n_epochs:
            return params
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        steps += 1
        if steps % 500 == 0:
            print(steps, loss.item())

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt
