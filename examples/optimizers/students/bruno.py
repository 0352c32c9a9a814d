# %% id="model"
def model(t_u, w, b):
    return t_u * w + b  # tensor * number works elementwise

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.nn.functional.mse_loss(t_p, t_c)

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
import torch.nn.functional as F

def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = F.mse_loss(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print(f"epoch {epoch + 1:5d}  loss {loss.item():.6f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer

# %% [markdown] after="part2"
# *Note to self:* the list brackets around `params` are needed because an optimizer can hold **many** tensors.

# %% id="holds"
def holds(optimizer, tensor):
    tensors = []
    for group in optimizer.param_groups:
        tensors += group["params"]
    return len([t for t in tensors if t is tensor]) > 0

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
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)

# %% [markdown] id="why_two_losses"
# different starting point!! (they ran one step before). same end because it is convex

# %% [markdown] id="why_sgd_diverges"
# I tried: w goes 1, -44, 2000, ... The sign flips and it grows each time, so it overshoots. Scaling the input by 0.1 makes the gradient of w 10 times smaller (and of b the same), and then 0.01 is OK for both.
