# %% id="model"
def model(t_u, w, b):
    return w * t_u + b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

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
from torch.utils.data import DataLoader, TensorDataset

def training_loop(n_epochs, optimizer, params, t_u, t_c):
    loader = DataLoader(TensorDataset(t_u, t_c), batch_size=len(t_u), shuffle=False)
    for epoch in range(1, n_epochs + 1):
        for readings, targets in loader:  # one batch with everything in it
            loss = loss_fn(model(readings, *params), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 500 == 0:
            print(f"[{epoch:>5}] loss = {loss.item():.5f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% after="part4_reading"
# %matplotlib inline
import matplotlib.pyplot as plt

w, b = adam_params.detach()
x = torch.linspace(20, 85, 50)
plt.figure(figsize=(4, 3), dpi=60)
plt.plot(t_u.numpy(), t_c.numpy(), "o")
plt.plot(x.numpy(), (w * x + b).numpy())
plt.xlabel("reading")
plt.ylabel("Celsius");

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
    squares = [(model(u, *params) - c) ** 2 for u, c in batches]
    return torch.cat(squares).mean()

# %% [markdown] id="why_two_losses"
# The slide runs a single step (the cell before) and then calls the loop with the params it left, so its epoch 500 is really step 501. If I do not reset `params` after `one_step`, I get 7.843 too. Both go to the same minimum, the loss has only one.

# %% [markdown] id="why_sgd_diverges"
# I tried: w goes 1, -44, 2000, ... The sign flips and it grows each time, so it overshoots. Scaling the input by 0.1 makes the gradient of w 10 times smaller (and of b the same), and then 0.01 is OK for both.
