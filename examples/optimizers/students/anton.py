# %% id="model"
def model(t_u, w, b):
    return b * t_u + w

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

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
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer
