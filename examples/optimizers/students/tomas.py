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

# %% id="holds"
def holds(optimizer, tensor):
    return any(p is tensor for g in optimizer.param_groups for p in g["params"])

# %% id="figure_1"
def figure_1(make_optimizer, params, t_u, t_c):
    values, grads = [], []

    def look():
        values.append(torch.tensor(params.tolist()))
        grads.append(None if params.grad is None else torch.tensor(params.grad.tolist()))

    optimizer = make_optimizer(params); look()       # A
    loss = loss_fn(model(t_u, params[0], params[1]), t_c); look()  # B
    loss.backward(); look()                          # C
    optimizer.step(); look()                         # D
    optimizer.zero_grad(set_to_none=False); look()
    return dict(zip(["constructor", "forward", "backward", "step", "zero_grad"], zip(values, grads)))

# %% id="minibatch_loop"
def minibatch_loop(n_epochs, optimizer, params, batches):
    # every batch is one step, so I can use one_step
    for epoch in range(n_epochs):
        for t_u, t_c in batches:
            one_step(optimizer, params, t_u, t_c)
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    total, n = 0.0, 0
    for t_u, t_c in batches:
        total = total + loss_fn(model(t_u, *params), t_c) * len(t_u)
        n += len(t_u)
    return total / n

# %% [markdown] id="why_two_losses"
# I printed the loss after 501 epochs with mine: 7.8434. So the slide is exactly one step ahead, from the cell above the loop, where optimizer.step() was called once on the same params.

# %% [markdown] id="why_sgd_diverges"
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.
