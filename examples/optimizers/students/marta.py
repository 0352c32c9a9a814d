# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

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
    steps = 0
    while True:
        if steps >= n_epochs:
            return params
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        steps += 1
        if steps % 500 == 0:
            print(steps, loss.item())

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
# Because the slide did not start at [1, 0] but at [1.7761, 0.1064], after one optimizer step. One step ahead means a bit less loss. After 5000 epochs it does not matter any more because both have arrived.

# %% [markdown] id="why_sgd_diverges"
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.
