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
