# %% id="model"
def model(t_u, w, b):
    y = t_u * w
    y = y + b
    return y

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
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
    tensors = [params] if isinstance(params, torch.Tensor) else list(params)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        # no backward(): ask autograd for the gradients and hand them to the optimizer ourselves
        gradients = torch.autograd.grad(loss, tensors)
        for tensor, gradient in zip(tensors, gradients):
            tensor.grad = gradient
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print("epoch", epoch + 1, "loss", float(loss))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer

# %% id="holds"
def holds(optimizer, tensor):
    ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
    return id(tensor) in ids

# %% id="figure_1"
import copy

def figure_1(make_optimizer, params, t_u, t_c):
    seen = {}

    def after(stage):
        seen[stage] = [copy.deepcopy(params.data), copy.deepcopy(params.grad)]   # deepcopy(None) is None

    optimizer = make_optimizer(params)
    after("constructor")
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    after("forward")
    loss.backward()
    after("backward")
    optimizer.step()
    after("step")
    optimizer.zero_grad()
    after("zero_grad")
    return seen

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
# The slide runs a single step (the cell before) and then calls the loop with the params it left, so its epoch 500 is really step 501. If I do not reset `params` after `one_step`, I get 7.843 too. Both go to the same minimum, the loss has only one.

# %% [markdown] id="why_sgd_diverges"
# because the step is too large for w. scaling makes w and b more alike. Adam normalizes.
