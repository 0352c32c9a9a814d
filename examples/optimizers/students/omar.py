# %% id="model"
def model(t_u, w, b):
    prediction = b + w * t_u  # shape (n,)

    return prediction

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    diff = t_c - t_p
    return (diff * diff).mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    # needs a list! (forgot that first: "params argument given to the optimizer should be an iterable")
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
    for epoch in range(1, n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("epoch:", epoch, "loss:", loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer
