# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    squared_diffs = (t_p - t_c) ** 2
    return squared_diffs.mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    from torch import optim
    return optim.SGD([params], lr)

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
        # fresh optimizer with the same settings, so that nothing is left over
        optimizer = type(optimizer)(optimizer.param_groups)
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss:.6f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    optimizer = torch.optim.Adam([params], lr=lr)
    return optimizer

# %% id="holds"
def holds(optimizer, tensor):
    for group in optimizer.param_groups:
        for held in group["params"]:
            if held is tensor:
                return True
    return False

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
# different starting point!! (they ran one step before). same end because it is convex

# %% [markdown] id="why_sgd_diverges"
# With raw readings around 50, dL/dw is about 50 times dL/db. A step of 0.01 * gradient jumps over the valley in w to a place where the gradient is bigger still, and so on. With 0.1 * t_u the gradient in w is 10 times smaller. A small lr would work for w but then b hardly moves. Adam divides by the size of each gradient, so both get steps of about lr.
