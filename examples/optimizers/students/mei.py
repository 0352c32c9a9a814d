# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

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
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print('Epoch %d, Loss %f' % (epoch, float(loss)))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% after="test_lecture_run"
# ??? my loss goes up and down. one_step works fine
print(params, params.grad)
