# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn" docstring="no"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

# %% id="one_step" docstring="no"
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    loss.backward()
    # print("grad:", params.grad)
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = len(t_u)
    for epoch in range(n_epochs):
        loss = ((model(t_u, *params) - t_c) ** 2).sum() / n   # = loss_fn, by hand
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print(f"Epoch {epoch + 1}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% after="part3_run"
# as on the slide: first a single step ...
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)
print(one_step(optimizer, params, t_un, t_c))

# %% id="train_sgd"
# ... and then on from there
sgd_params = training_loop(5000, optimizer, params, t_un, t_c)
sgd_params

# %% id="holds"
def holds(optimizer, tensor):
    for group in optimizer.param_groups:
        for held in group["params"]:
            if held is tensor:
                return True
    return False

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
# The slide runs a single step (the cell before) and then calls the loop with the params it left, so its epoch 500 is really step 501. If I do not reset `params` after `one_step`, I get 7.843 too. Both go to the same minimum, the loss has only one.

# %% [markdown] id="why_sgd_diverges"
# With raw readings around 50, dL/dw is about 50 times dL/db. A step of 0.01 * gradient jumps over the valley in w to a place where the gradient is bigger still, and so on. With 0.1 * t_u the gradient in w is 10 times smaller. A small lr would work for w but then b hardly moves. Adam divides by the size of each gradient, so both get steps of about lr.
