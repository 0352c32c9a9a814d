# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.nn.functional.mse_loss(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    loss.backward()
    # print("grad:", params.grad)
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1)
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("Epoch", epoch, "Loss", loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% id="holds"
def holds(optimizer, tensor):
    ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
    return id(tensor) in ids

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
    for epoch in range(1, n_epochs + 1):
        for batch in batches:
            t_p = model(batch[0], *params)
            loss = loss_fn(t_p, batch[1])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    total, n = 0.0, 0
    for t_u, t_c in batches:
        total = total + loss_fn(model(t_u, *params), t_c) * len(t_u)
        n += len(t_u)
    return total / n

# %% [markdown] id="why_two_losses"
# Their cells share `params`: first one step, then the training loop goes on from there. Mine makes a new `params` first. To print 7.843371 I would leave out that line. The loss is a parabola in w and b, so there is only one place to end.

# %% [markdown] id="why_sgd_diverges"
# because the step is too large for w. scaling makes w and b more alike. Adam normalizes.
