# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

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
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    lr = optimizer.param_groups[0]["lr"]
    tensors = [params] if torch.is_tensor(params) else params
    for epoch in range(1, n_epochs + 1):
        for p in tensors:
            if p.grad is not None:
                p.grad.zero_()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        with torch.no_grad():
            for p in tensors:
                p -= lr * p.grad
        if epoch % 500 == 0:
            print('Epoch %d, Loss %f' % (epoch, float(loss)))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt
