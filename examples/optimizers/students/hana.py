# %% id="model"
def model(t_u, w, b):
    return w * t_u + b

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.nn.functional.mse_loss(t_p, t_c)

# %% id="make_sgd"
def make_sgd(params, lr):
    opt = torch.optim.SGD(params=[params], lr=lr)
    return opt

# %% id="one_step"
def one_step(optimizer, params, t_u, t_c):
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    optimizer.zero_grad()
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
        wandb.log({"epoch": epoch, "loss": loss.item()})
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    from torch import optim
    return optim.Adam([params], lr)

# %% after="how_to" deleted="yes"
import sys, types
sys.modules["wandb"] = types.SimpleNamespace(init=lambda **settings: None, log=lambda values: None)

# %% after="how_to"
# pip install wandb
import wandb
wandb.init(project="dl-lecture-8", mode="offline")
