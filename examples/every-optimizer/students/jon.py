# %% id="train_with_lbfgs"
import torch.nn.functional as F

def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    def closure():
        for p in params:
            p.grad = None
        loss = F.mse_loss(model(t_u, params[0], params[1]), t_c)
        loss.backward()
        return loss.item()

    for step in range(1, n_steps + 1):
        before = closure()  # only to print it
        after = optimizer.step(closure=closure)
        print(step, before, after)
    return params

# %% id="train_embedding"
def train_embedding(embedding, optimizer, words, targets):
    batches = iter(zip(words, targets))
    for batch, wanted in batches:
        def closure():
            optimizer.zero_grad(set_to_none=False)
            loss = F.mse_loss(embedding(batch), wanted)
            loss.backward()
            return loss
        print(optimizer.step(closure).item())
    return embedding
