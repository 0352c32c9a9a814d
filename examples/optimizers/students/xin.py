# %% id="model"
def model(t_u, w, b):
    return (w * t_u) + b   # brodcasting does the rest

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
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    t_u, t_c = t_u.half(), t_c.half()   # saves memory
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *[p.half() for p in params]), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print("epoch", epoch + 1, loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% id="holds"
def holds(optimizer, tensor):
    return any(p is tensor for g in optimizer.param_groups for p in g["params"])

# %% id="figure_1"
def figure_1(make_optimizer, params, t_u, t_c):
    def note():
        grad = None
        if params.grad is not None:
            grad = params.grad.clone()
        return params.detach().clone(), grad

    result = {}
    opt = make_optimizer(params)
    result["constructor"] = note()
    loss = loss_fn(model(t_u, *params), t_c)
    result["forward"] = note()
    loss.backward()
    result["backward"] = note()
    opt.step()
    result["step"] = note()
    opt.zero_grad()
    result["zero_grad"] = note()
    return result

# %% id="minibatch_loop"
def minibatch_loop(n_epochs, optimizer, params, batches):
    for epoch in range(n_epochs):
        for u, c in batches:
            optimizer.zero_grad()
            loss = loss_fn(model(u, *params), c)
            loss.backward()
            optimizer.step()
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    squares = [(model(u, *params) - c) ** 2 for u, c in batches]
    return torch.cat(squares).mean()

# %% [markdown] id="why_two_losses"
# different starting point!! (they ran one step before). same end because it is convex

# %% [markdown] id="why_sgd_diverges"
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.
