# %% id="model"
def model(t_u, w2, w1, b):
    return w2 * t_u * t_u + w1 * t_u + b

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    t_u, t_c = t_u.flip(0), t_c.flip(0)
    for _ in [None] * n_epochs:
        residual = t_c - model(t_u, *params)
        loss = torch.dot(residual, residual) / residual.numel()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def trained(rate, n_epochs, t_u, t_c):
    params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    return training_loop(n_epochs, torch.optim.SGD([params], lr=rate), params, t_u, t_c)


def compare_rates(rates, n_epochs, t_u, t_c):
    return {rate: loss_fn(model(t_u, *trained(rate, n_epochs, t_u, t_c)), t_c).item() for rate in rates}

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    parabola_loss = loss_fn(model(t_u, params[0], params[1], params[2]), t_c)
    line_loss = loss_fn(model(t_u, 0.0, line[0], line[1]), t_c)
    return {"parabola": float(parabola_loss), "line": float(line_loss)}
