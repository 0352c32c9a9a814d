# %% id="model"
def model(t_u, w2, w1, b):
    return b + t_u * w1 + t_u.pow(2) * w2

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for _ in range(n_epochs):
        optimizer.step(closure)
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    out = dict()
    for lr in rates:
        params = torch.zeros(3)
        params[1] = 1.0
        params.requires_grad_()
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        with torch.no_grad():
            out[lr] = loss_fn(model(t_u, *params), t_c)  # a tensor will do
    return out

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    with torch.no_grad():
        return {"parabola": loss_fn(model(t_u, *params), t_c), "line": loss_fn(model(t_u, 0, line[0], line[1]), t_c)}
