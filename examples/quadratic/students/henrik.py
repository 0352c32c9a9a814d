# %% id="model"
def model(t_u, w2, w1, b):
    return w2 * t_u ** 2 + (w1 * t_u + b)

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch.utils.data import DataLoader, TensorDataset

    batches = DataLoader(TensorDataset(t_u, t_c), batch_size=len(t_u))
    for _ in range(n_epochs):
        for x, y in batches:
            loss = loss_fn(model(x, *params), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    result = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        trained = training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        result[lr] = loss_fn(model(t_u, *trained), t_c).item()
    return result

# %% id="train"
params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
optimizer = torch.optim.SGD([params], lr=1e-4)
parabola = training_loop(2000, optimizer, params, t_un, t_c)
print(parabola)

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    w2, w1, b = params
    w, c = line
    result = {"parabola": loss_fn(model(t_u, w2, w1, b), t_c).item()}
    result["line"] = loss_fn(model(t_u, 0 * w, w, c), t_c).item()
    return result
