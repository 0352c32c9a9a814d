# %% id="model"
def model(t_u, w2, w1, b):
    return w1 * t_u**2 + w2 * t_u + b

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    losses = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        losses[lr] = loss_fn(model(t_u, *params), t_c).item()
    return losses

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    return {
        "parabola": loss_fn(model(t_u, *params), t_c).item(),
        "line": loss_fn(model(t_u, 0.0, *line), t_c).item(),
    }
