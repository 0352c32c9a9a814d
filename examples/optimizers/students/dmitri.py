# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()

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
    history = []
    for epoch in range(1, n_epochs + 1):
        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        history.append(loss.item())
        if epoch % 500 == 0:
            print(epoch, history[-1])
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% id="scratch"
# with a closure LBFGS works too! 20 epochs are plenty
p = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(20, torch.optim.LBFGS([p]), p, t_un, t_c)
