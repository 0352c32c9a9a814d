# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

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
    for i in range(n_epochs):
        predicted = model(t_u, *params)
        loss = loss_fn(predicted, t_c)
        loss.backward()
        optimizer.step()
        if i % 500 == 499:
            print("Epoch", i + 1, "Loss", loss.item())
        optimizer.zero_grad()   # clean up for the next round
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part4_run"
# does it really hold the same tensor?
make_adam(params, 1e-1).param_groups[0]["params"][0] is params

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
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)

# %% [markdown] id="why_two_losses"
# The slide runs a single step (the cell before) and then calls the loop with the params it left, so its epoch 500 is really step 501. If I do not reset `params` after `one_step`, I get 7.843 too. Both go to the same minimum, the loss has only one.

# %% [markdown] id="why_sgd_diverges"
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.
