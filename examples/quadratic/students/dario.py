# %% id="model"
def model(t_u, w2, w1, b):
    return sum(c * t_u**k for k, c in enumerate((b, w1, w2)))

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while epoch < n_epochs:
        error = model(t_u, *params) - t_c
        loss = error.square().mean()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        epoch += 1
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    starts = [torch.tensor([0.0, 1.0, 0.0], requires_grad=True) for _ in rates]
    for lr, params in zip(rates, starts):
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
    return {lr: loss_fn(model(t_u, *params), t_c).item() for lr, params in zip(rates, starts)}

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    as_parabola = torch.cat([torch.zeros(1), line])
    losses = [loss_fn(model(t_u, *p), t_c).item() for p in (params, as_parabola)]
    return dict(zip(["parabola", "line"], losses))
