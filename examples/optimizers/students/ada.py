# %% id="model"
def model(t_u, w, b):
    return w * t_u + b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    squared_diffs = (t_p - t_c) ** 2
    return squared_diffs.mean()

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
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        if epoch % 500 == 0:
            print('Epoch %d, Loss %f' % (epoch, float(loss)))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    return torch.optim.Adam([params], lr=lr)

# %% id="scratch"
# lr 1e-2 on the raw readings -> nan, as promised
p = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(60, make_sgd(p, 1e-2), p, t_u, t_c)

# %% after="scratch"
# and with 1e-4 it works, but b hardly moves
p = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(1000, make_sgd(p, 1e-4), p, t_u, t_c)
