# %% id="model"
def model(t_u, w, b):
    return torch.add(torch.mul(t_u, w), b)

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    mse = torch.nn.MSELoss()
    return mse(t_p, t_c)

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
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("Epoch", epoch, "Loss", loss.item())
    return params

# train until it is good enough
test_params = torch.tensor([1.0, 0.0], requires_grad=True)
test_optimizer = make_sgd(test_params, 1e-2)
while loss_fn(model(t_un, *test_params), t_c) > 2.9:
    training_loop(10, test_optimizer, test_params, t_un, t_c)

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

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
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)

# %% [markdown] id="why_two_losses"
# I printed the loss after 501 epochs with mine: 7.8434. So the slide is exactly one step ahead, from the cell above the loop, where optimizer.step() was called once on the same params.

# %% [markdown] id="why_sgd_diverges"
# With raw readings around 50, dL/dw is about 50 times dL/db. A step of 0.01 * gradient jumps over the valley in w to a place where the gradient is bigger still, and so on. With 0.1 * t_u the gradient in w is 10 times smaller. A small lr would work for w but then b hardly moves. Adam divides by the size of each gradient, so both get steps of about lr.
