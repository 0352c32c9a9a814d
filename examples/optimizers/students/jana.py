# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

# %% id="make_sgd"
def make_sgd(params, lr):
    # needs a list! (forgot that first: "params argument given to the optimizer should be an iterable")
    return torch.optim.SGD([params], lr=lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    loss.backward()
    # print("grad:", params.grad)
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not epoch % 500:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam([params], lr=lr)
