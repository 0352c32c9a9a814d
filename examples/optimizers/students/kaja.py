# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    # 1. forward
    pred = model(t_u, *params)
    # 2. loss
    loss = loss_fn(pred, t_c)
    # 3. throw away old gradients, compute new ones
    optimizer.zero_grad()
    loss.backward()
    # 4. move
    optimizer.step()

    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        w, b = params
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, w, b), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("epoch %d, loss %f" % (epoch, loss))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part3_run"
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)

# %% after="part3_run" deleted="yes"
one_step(optimizer, params, t_un, t_c)

# %% id="train_sgd"
sgd_params = training_loop(5000, optimizer, params, t_un, t_c)
sgd_params
