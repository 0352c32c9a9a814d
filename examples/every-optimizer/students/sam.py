# %% id="train_with_lbfgs"
def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    for i in range(n_steps):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
