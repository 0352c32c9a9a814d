# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

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
    for epoch in range(1, n_epochs + 1):
        predictions = model(t_un, *params)
        loss = loss_fn(predictions, t_c_true)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% after="part3"
t_c_true = t_c.clone()

# %% id="holds"
def holds(optimizer, tensor):
    ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
    return id(tensor) in ids

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
from itertools import chain, repeat

def minibatch_loop(n_epochs, optimizer, params, batches):
    for readings, temperatures in chain.from_iterable(repeat(batches, n_epochs)):
        loss = loss_fn(model(readings, *params), temperatures)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)

# %% [markdown] id="why_two_losses"
# The slide runs a single step (the cell before) and then calls the loop with the params it left, so its epoch 500 is really step 501. If I do not reset `params` after `one_step`, I get 7.843 too. Both go to the same minimum, the loss has only one.

# %% [markdown] id="why_sgd_diverges"
# because the step is too large for w. scaling makes w and b more alike. Adam normalizes.
