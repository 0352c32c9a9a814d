# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print('Epoch %d, Loss %f' % (epoch, float(loss)))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% after="test_lecture_run"
# ??? my loss goes up and down. one_step works fine
print(params, params.grad)

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
# Their cells share `params`: first one step, then the training loop goes on from there. Mine makes a new `params` first. To print 7.843371 I would leave out that line. The loss is a parabola in w and b, so there is only one place to end.

# %% [markdown] id="why_sgd_diverges"
# because the step is too large for w. scaling makes w and b more alike. Adam normalizes.
