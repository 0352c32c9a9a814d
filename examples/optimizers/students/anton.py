# %% id="model"
def model(t_u, w, b):
    return b * t_u + w

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

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
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer

# %% id="holds"
def holds(optimizer, tensor):
    return any(torch.equal(p, tensor) for group in optimizer.param_groups for p in group["params"] if p.shape == tensor.shape)

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
    for epoch in range(n_epochs):
        for u, c in batches:
            optimizer.zero_grad()
            loss = loss_fn(model(u, *params), c)
            loss.backward()
            optimizer.step()
    return params

# %% id="mean_loss"
def mean_loss(params, batches):
    total, n = 0.0, 0
    for t_u, t_c in batches:
        total = total + loss_fn(model(t_u, *params), t_c) * len(t_u)
        n += len(t_u)
    return total / n

# %% [markdown] id="why_two_losses"
# Because the slide did not start at [1, 0] but at [1.7761, 0.1064], after one optimizer step. One step ahead means a bit less loss. After 5000 epochs it does not matter any more because both have arrived.

# %% [markdown] id="why_sgd_diverges"
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.
