# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn" docstring="no"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

# %% id="one_step" docstring="no"
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    loss.backward()
    # print("grad:", params.grad)
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = len(t_u)
    for epoch in range(n_epochs):
        loss = ((model(t_u, *params) - t_c) ** 2).sum() / n   # = loss_fn, by hand
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print(f"Epoch {epoch + 1}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% after="part3_run"
# as on the slide: first a single step ...
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)
print(one_step(optimizer, params, t_un, t_c))

# %% id="train_sgd"
# ... and then on from there
sgd_params = training_loop(5000, optimizer, params, t_un, t_c)
sgd_params
