# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

# %% id="make_sgd"
def make_sgd(params, lr):
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
        predictions = model(t_un, *params)
        loss = loss_fn(predictions, t_c_true)
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

# %% after="part3"
t_c_true = t_c.clone()
