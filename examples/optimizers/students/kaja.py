# %% id="model"
def model(t_u, w, b):
    t_p = w * t_u + b
    return t_p

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    return torch.optim.SGD([params], lr=lr)

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
        w, b = params
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, w, b), t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("epoch %d, loss %f" % (epoch, loss))
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part3_run"
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)

# %% after="part3_run" deleted="yes"
one_step(optimizer, params, t_un, t_c)

# %% id="train_sgd"
sgd_params = training_loop(5000, optimizer, params, t_un, t_c)
sgd_params

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
# I printed the loss after 501 epochs with mine: 7.8434. So the slide is exactly one step ahead, from the cell above the loop, where optimizer.step() was called once on the same params.

# %% [markdown] id="why_sgd_diverges"
# I tried: w goes 1, -44, 2000, ... The sign flips and it grows each time, so it overshoots. Scaling the input by 0.1 makes the gradient of w 10 times smaller (and of b the same), and then 0.01 is OK for both.
