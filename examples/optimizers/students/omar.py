# %% id="model"
def model(t_u, w, b):
    prediction = b + w * t_u  # shape (n,)

    return prediction

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
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("epoch:", epoch, "loss:", loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer

# %% id="holds"
def holds(optimizer, tensor):
    for group in optimizer.param_groups:
        for held in group["params"]:
            if held is tensor:
                return True
    return False

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
# I printed the loss after 501 epochs with mine: 7.8434. So the slide is exactly one step ahead, from the cell above the loop, where optimizer.step() was called once on the same params.
