# %% id="model"
def model(t_u, w, b):
    # y = mx + b !!
    return w*t_u+b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    history = []
    for epoch in range(1, n_epochs + 1):
        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        history.append(loss.item())
        if epoch % 500 == 0:
            print(epoch, history[-1])
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% id="scratch"
# with a closure LBFGS works too! 20 epochs are plenty
p = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(20, torch.optim.LBFGS([p]), p, t_un, t_c)

# %% id="holds"
def holds(optimizer, tensor):
    tensors = []
    for group in optimizer.param_groups:
        tensors += group["params"]
    return len([t for t in tensors if t is tensor]) > 0

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
# Their cells share `params`: first one step, then the training loop goes on from there. Mine makes a new `params` first. To print 7.843371 I would leave out that line. The loss is a parabola in w and b, so there is only one place to end.

# %% [markdown] id="why_sgd_diverges"
# I tried: w goes 1, -44, 2000, ... The sign flips and it grows each time, so it overshoots. Scaling the input by 0.1 makes the gradient of w 10 times smaller (and of b the same), and then 0.01 is OK for both.
