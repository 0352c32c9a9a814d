# %% id="model"
def model(t_u, w, b):
    return (w * t_u) + b   # brodcasting does the rest

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    errors = t_p - t_c
    return torch.sum(errors ** 2) / errors.numel()

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    w, b = params
    optimizer.zero_grad(set_to_none=False)
    L = loss_fn(model(t_u, w, b), t_c)
    L.backward()
    optimizer.step()
    return params

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    previous = float("inf")
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
        if previous - loss.item() < 1e-6:
            print("converged, stopping early at epoch", epoch)
            break
        previous = loss.item()
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% id="holds"
def holds(optimizer, tensor):
    return any(p is tensor for g in optimizer.param_groups for p in g["params"])

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
    squares = [(model(u, *params) - c) ** 2 for u, c in batches]
    return torch.cat(squares).mean()
