# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("Epoch", epoch, "Loss", loss.item())
    return params

# train until it is good enough
test_params = torch.tensor([1.0, 0.0], requires_grad=True)
test_optimizer = make_sgd(test_params, 1e-2)
while loss_fn(model(t_un, *test_params), t_c) > 2.9:
    training_loop(10, test_optimizer, test_params, t_un, t_c)

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)
