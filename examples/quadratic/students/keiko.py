# %% id="model"
def model(t_u, w2, w1, b):
    features = torch.stack([t_u**2, t_u, torch.ones_like(t_u)], dim=1)  # (n, 3)
    weights = torch.stack([torch.as_tensor(c, dtype=t_u.dtype) for c in (w2, w1, b)])  # (3,)
    return features @ weights

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        with torch.enable_grad():
            loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    losses = {rate: None for rate in rates}
    for rate in losses:
        params = torch.nn.Parameter(torch.tensor([0.0, 1.0, 0.0]))
        training_loop(n_epochs, torch.optim.SGD([params], lr=rate), params, t_u, t_c)
        losses[rate] = loss_fn(model(t_u, *params), t_c).detach().item()
    return losses

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    losses = {}
    for name, (w2, w1, b) in {"parabola": tuple(params), "line": (torch.zeros(()), *line)}.items():
        losses[name] = loss_fn(model(t_u, w2, w1, b), t_c).item()
    return losses
