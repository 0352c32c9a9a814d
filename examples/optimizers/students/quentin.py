# %% id="model"
def model(t_u, w, b):
    return w * t_u + b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).sum()

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

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
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print('Epoch', epoch, 'Loss', loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% id="scratch"
# loss is nan above, why??? learning rate too big?
p = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(1000, make_sgd(p, 1e-3), p, t_un, t_c)
