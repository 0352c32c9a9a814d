# %% id="model" docstring="no"
def model(t_u, w, b):
    prediction = b + w * t_u  # shape (n,)

    return prediction

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    w, b = params
    optimizer.zero_grad(set_to_none=False)
    L = loss_fn(model(t_u, w, b), t_c)
    L.backward()
    optimizer.step()
    return params

# %% id="training_loop" docstring="no"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while epoch < n_epochs:
        if epoch == 0:
            print("start:", [round(float(p), 3) for p in params])
        optimizer.zero_grad()
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
        epoch += 1
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item()}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part3_reading"
w, b = sgd_params.detach()
print(f"t_c = {w.item():.3f} * t_un + {b.item():.3f}")

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
# Their cells share `params`: first one step, then the training loop goes on from there. Mine makes a new `params` first. To print 7.843371 I would leave out that line. The loss is a parabola in w and b, so there is only one place to end.

# %% [markdown] id="why_sgd_diverges"
# With raw readings around 50, dL/dw is about 50 times dL/db. A step of 0.01 * gradient jumps over the valley in w to a place where the gradient is bigger still, and so on. With 0.1 * t_u the gradient in w is 10 times smaller. A small lr would work for w but then b hardly moves. Adam divides by the size of each gradient, so both get steps of about lr.
