# %% id="model"
def model(t_u, w, b):
    return t_u * w + b  # tensor * number works elementwise

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
    def forward():
        return loss_fn(model(t_u, *params), t_c)

    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0 or epoch == n_epochs - 1:
            print(epoch, loss.item())
    return params

# %% id="make_adam"
def make_adam(params, lr):
    # a list again
    return torch.optim.Adam([params], lr=lr)

# %% id="data"
import torch

t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])
t_un = t_u / 10
print(t_un)

# %% id="test_model"
print("model: ok")

# %% [markdown] id="part2"
# # Part 2
#
# (long text, deleted so that I can scroll faster)

# %% delete="test_make_adam"

# %% delete="part4_reading"
