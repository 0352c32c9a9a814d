# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.nn.functional.mse_loss(t_p, t_c)

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
    for epoch in range(1, n_epochs + 1)
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("Epoch", epoch, "Loss", loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt
