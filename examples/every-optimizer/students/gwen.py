# %% id="MyAdam"
class MyAdam(torch.optim.Optimizer):
    # all sums in float64, to be on the safe side
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    def step(self, closure=None):
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in [p for p in group["params"] if p.grad is not None]:
                g = p.grad.detach().double()
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                for name, beta, value in (("m", group["betas"][0], g), ("v", group["betas"][1], g * g)):
                    state[name] = beta * state.get(name, torch.zeros_like(g)) + (1 - beta) * value
                m = state["m"] / (1 - group["betas"][0] ** state["step"])
                v = state["v"] / (1 - group["betas"][1] ** state["step"])
                p.data = (p.data.double() - group["lr"] * m / (v ** 0.5 + group["eps"])).to(p.dtype)
        return loss

# %% id="train_embedding"
def train_embedding(embedding, optimizer, words, targets):
    for batch, wanted in zip(words, targets):
        embedding.zero_grad()
        error = embedding(batch) - wanted
        (error.double() ** 2).mean().backward()
        optimizer.step()
    return embedding
