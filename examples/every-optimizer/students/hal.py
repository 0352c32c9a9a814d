# %% id="train_with_lbfgs"
def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    w, b = params

    def closure():
        loss = loss_fn(model(t_u, w, b), t_c)
        w.grad, b.grad = torch.autograd.grad(loss, [w, b])
        return loss

    for step in range(n_steps):
        optimizer.step(closure)
    return params
