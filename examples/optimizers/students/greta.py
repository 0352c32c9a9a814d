# %% id="model" docstring="no"
def model(t_u, w, b):
    prediction = b + w * t_u  # shape (n,)

    return prediction

# %% id="loss_fn"
def loss_fn(t_p, t_c):
    return torch.mean((t_p - t_c).pow(2))

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

# %% id="training_loop" docstring="no"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while epoch < n_epochs:
        if epoch == 0:
            print("start:", [round(float(p), 3) for p in params])
        optimizer.zero_grad()
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
        epoch += 1
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item()}")
    return params

# %% id="make_adam"
def make_adam(params, lr):
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt

# %% after="part3_reading"
w, b = sgd_params.detach()
print(f"t_c = {w.item():.3f} * t_un + {b.item():.3f}")
