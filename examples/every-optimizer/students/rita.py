# %% id="train_with_lbfgs"
def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for i in range(n_steps):
        optimizer.step(closure)
    return params
