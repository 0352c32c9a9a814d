# %% id="model" docstring="no"
def model(t_u, w, b):
    y = t_u * w
    y = y + b
    return y

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

# %% id="make_sgd"
def make_sgd(params, lr):
    # needs a list! (forgot that first: "params argument given to the optimizer should be an iterable")
    return torch.optim.SGD([params], lr=lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    w, b = params
    optimizer.zero_grad(set_to_none=False)
    L = loss_fn(model(t_u, w, b), t_c)
    L.backward()
    optimizer.step()
    return params

# %% id="training_loop" docstring="no"
def train(n_epochs, optimizer, params, t_u, t_c):
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
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% id="train_sgd"
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)
sgd_params = train(5000, optimizer, params, t_un, t_c)
sgd_params

# %% id="train_adam"
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_adam(params, 1e-1)
adam_params = train(2000, optimizer, params, t_u, t_c)
adam_params
