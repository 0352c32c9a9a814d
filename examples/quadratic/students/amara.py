# %% id="model"
def model(t_u, w2, w1, b):
    return w2 * t_u ** 2 + w1 * t_u + b

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    result = {}
    for rate in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        optimizer = torch.optim.SGD([params], lr=rate)
        training_loop(n_epochs, optimizer, params, t_u, t_c)
        result[rate] = loss_fn(model(t_u, *params), t_c).item()
    return result

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    parabola = loss_fn(model(t_u, *params), t_c).item()
    line = loss_fn(model(t_u, 0.0, *line), t_c).item()
    return {"parabola": parabola, "line": line}
