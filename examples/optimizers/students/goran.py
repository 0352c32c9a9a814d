# %% id="model"
def model(t_u, w, b):
    return (w * t_u) + b   # brodcasting does the rest

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    squared_diffs = (t_p - t_c) ** 2
    return squared_diffs.mean()

# %% id="make_sgd"
def make_sgd(params, lr):
    optimizer = torch.optim.SGD([params], lr=lr)
    return optimizer

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
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% id="scratch"
# all done, stop the kernel to free the memory
import os
os._exit(0)
