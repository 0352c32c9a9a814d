# %% id="model"
def model(t_u, w2, w1, b):
    return w2 * torch.square(t_u) + w1 * t_u + b

# %% id="training_loop"
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = [params] if isinstance(params, torch.Tensor) else list(params)
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        for p, g in zip(leaves, torch.autograd.grad(loss, leaves)):
            p.grad = g
        optimizer.step()
    return params

# %% id="compare_rates"
def compare_rates(rates, n_epochs, t_u, t_c):
    answer = {}
    for r in rates:
        t = torch.tensor([0., 1., 0.], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD(params=[t], lr=r), t, t_u, t_c)
        answer[r] = loss_fn(model(t_u, *t), t_c).item()
        if not math.isfinite(answer[r]):
            print(f"learning rate {r}: diverged")
    return answer

# %% id="compare_with_line"
def compare_with_line(params, line, t_u, t_c):
    def loss(*curve):
        return loss_fn(model(t_u, *curve), t_c).item()

    return {"parabola": loss(*params), "line": loss(0.0, *line)}
