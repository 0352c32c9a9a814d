# %% id="model"
def model(t_u, w2, w1, b):
    t = t_u.double()  # float64, to be on the safe side
    return w2 * t * t + w1 * t + b

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c.double()).backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    losses = {}
    for lr in rates:
        theta = torch.tensor([0, 1, 0], dtype=torch.float64, requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([theta], lr=lr), theta, t_u, t_c)
        losses[lr] = float(loss_fn(model(t_u, *theta), t_c))
    return losses

# %% id="train"
params = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64, requires_grad=True)
parabola = training_loop(2000, torch.optim.SGD([params], lr=1e-4), params, t_un, t_c)
parabola

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    curves = {"parabola": params, "line": [0.0, *line]}
    return {name: float(loss_fn(model(t_u, *curve), t_c)) for name, curve in curves.items()}
