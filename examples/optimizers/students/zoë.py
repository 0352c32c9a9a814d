# %% id="model"
def model(t_u, w, b):
    return t_u * w + b  # tensor * number works elementwise

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

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
    for epoch in range(1, n_epochs + 1):
        # en avant
        loss = loss_fn(model(t_u, *params), t_c)
        # en arrière
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"époque {epoch} : perte {loss.item():.4f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.SGD([params], lr=lr)  # TODO copied from above
