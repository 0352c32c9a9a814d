# %% id="model"
def model(t_u, w2, w1, b):
    y = w2 * (t_u ** 2)
    y = y + w1 * t_u
    y = y + b
    return y

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    warned = False
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        if torch.isnan(loss) and not warned:
            print("nan in epoch", epoch, "- going on all the same")
            warned = True
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    table = {}
    for lr in sorted(rates):
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        table[lr] = loss_fn(model(t_u, *params), t_c).item()
    return {lr: table[lr] for lr in rates}

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    """A straight line needs no model of its own."""
    straight = (0.0, line[0].item(), line[1].item())
    return {
        "parabola": loss_fn(model(t_u, *params), t_c).item(),
        "line": loss_fn(model(t_u, *straight), t_c).item(),
    }
