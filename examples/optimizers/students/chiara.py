# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

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
    for i in range(n_epochs):
        predicted = model(t_u, *params)
        loss = loss_fn(predicted, t_c)
        loss.backward()
        optimizer.step()
        if i % 500 == 499:
            print("Epoch", i + 1, "Loss", loss.item())
        optimizer.zero_grad()   # clean up for the next round
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part4_run"
# does it really hold the same tensor?
make_adam(params, 1e-1).param_groups[0]["params"][0] is params
