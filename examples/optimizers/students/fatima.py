# %% id="model"
def model(t_u, w, b):
    prediction = b + w * t_u  # shape (n,)

    return prediction

# %% id="loss_fn" docstring="no"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

# %% id="one_step" docstring="no"
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        # progress bar
        print("epoch", epoch, "#" * 7500, f"{100 * epoch / n_epochs:.1f} %", "loss", loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer
