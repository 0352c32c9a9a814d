# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    squared_diffs = (t_p - t_c) ** 2
    return squared_diffs.mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

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
        # fresh optimizer with the same settings, so that nothing is left over
        optimizer = type(optimizer)(optimizer.param_groups)
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss:.6f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer
