# %% id="model"
def model(t_u, w2, w1, b):
    square = t_u * t_u
    return torch.add(w2 * square + w1 * t_u, b)

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    losses = []
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    start = torch.tensor([0.0, 1.0, 0.0])
    d = {}
    for lr in rates:
        params = start.clone().requires_grad_()
        opt = torch.optim.SGD([params], lr=lr)
        d[lr] = loss_fn(model(t_u, *training_loop(n_epochs, opt, params, t_u, t_c)), t_c).item()
    return d

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    p_loss = torch.nn.MSELoss()(model(t_u, *params), t_c)
    l_loss = torch.nn.MSELoss()(line[0] * t_u + line[1], t_c)
    return {"parabola": p_loss.item(), "line": l_loss.item()}
