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
