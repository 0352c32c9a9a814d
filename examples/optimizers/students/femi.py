# %% id="model"
def model(t_u, w, b):
    y = t_u * w
    y = y + b
    return y

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
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
    tensors = [params] if isinstance(params, torch.Tensor) else list(params)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        # no backward(): ask autograd for the gradients and hand them to the optimizer ourselves
        gradients = torch.autograd.grad(loss, tensors)
        for tensor, gradient in zip(tensors, gradients):
            tensor.grad = gradient
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print("epoch", epoch + 1, "loss", float(loss))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer
