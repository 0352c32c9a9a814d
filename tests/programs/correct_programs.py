"""Training loops that are right, each written in another way.

Every program replaces `training_loop` in the notebook of the optimizers assignment, where `torch`,
`model`, `loss_fn` and the lecture's data exist. Each makes exactly `n_epochs` steps of the given
optimizer with the gradient of the mean squared error over all readings, and returns the very same
`params`, which are one tensor of shape (2,) or a list of two tensors of shape (). None may ever be
accused.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    name: str
    source: str
    finding: frozenset[str] | None = None  # nothing is to be found
    note: str = ""


PROGRAMS = (
    Program(
        "slides",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print('Epoch %d, Loss %f' % (epoch, float(loss)))
    return params
""",
    ),
    Program(
        "zero_grad_first",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "zero_grad_last",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    for epoch in range(n_epochs):
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
        optimizer.zero_grad()
    return params
""",
        note="Gradients are cleared once before the loop and then after each step.",
    ),
    Program(
        "zero_grad_before_and_after",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
        optimizer.zero_grad()
    return params
""",
        note="Clears twice as often as needed, which harms nothing.",
    ),
    Program(
        "zeros_in_place",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while epoch < n_epochs:
        epoch += 1
        optimizer.zero_grad(set_to_none=False)
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if not epoch % 500:
            print(epoch, loss.item())
    return params
""",
    ),
    Program(
        "set_to_none_countdown",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    remaining = n_epochs
    while remaining > 0:
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        remaining -= 1
    return params
""",
    ),
    Program(
        "functional_mse",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    import torch.nn.functional as F

    w_and_b = params
    for i in range(n_epochs):
        optimizer.zero_grad()
        loss = F.mse_loss(model(t_u, *w_and_b), t_c)
        loss.backward()
        optimizer.step()
        if (i + 1) % 500 == 0:
            print(f"{i + 1:>6}: {loss:.6f}")
    return w_and_b
""",
    ),
    Program(
        "module_mse",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch import nn

    criterion = nn.MSELoss(reduction="mean")
    for _ in range(n_epochs):
        prediction = model(t_u, *params)
        error = criterion(prediction, t_c)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "swapped_arguments_of_the_loss",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(t_c, model(t_u, *params)).backward()
        optimizer.step()
    return params
""",
        note="The square does not mind the sign of its argument.",
    ),
    Program(
        "sum_over_n",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = t_u.shape[0]
    for _ in range(n_epochs):
        diffs = model(t_u, *params) - t_c
        loss = (diffs * diffs).sum() / n
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "mean_of_pow",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, 1 + n_epochs):
        w, b = params
        loss = (t_u * w + b - t_c).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("loss", loss.detach())
    return params
""",
    ),
    Program(
        "torch_square",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = None
        loss = torch.mean(torch.square(t_c - params[0] * t_u - params[1]))
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "zeroes_through_param_groups",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    owned = [p for group in optimizer.param_groups for p in group["params"]]
    for _ in range(n_epochs):
        for p in owned:
            if p.grad is not None:
                p.grad.zero_()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "grad_none_on_params",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = [params] if torch.is_tensor(params) else list(params)
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        for leaf in leaves:
            leaf.grad = None
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "grad_data_zero",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    tensors = (params,) if isinstance(params, torch.Tensor) else tuple(params)
    for _ in range(n_epochs):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        with torch.no_grad():
            for tensor in tensors:
                if tensor.grad is not None:
                    tensor.grad.mul_(0.0)
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "foreach_zero",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    ps = sum((g["params"] for g in optimizer.param_groups), [])
    for _ in range(n_epochs):
        grads = [p.grad for p in ps if p.grad is not None]
        if grads:
            torch._foreach_zero_(grads)
        torch.autograd.backward(loss_fn(model(t_u, *params), t_c))
        optimizer.step()
    return params
""",
    ),
    Program(
        "reversed_rows",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    x, y = t_u.flip(0), t_c.flip(0)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(x, *params), y).backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "shuffled_together",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    generator = torch.Generator().manual_seed(1)
    for _ in range(n_epochs):
        order = torch.randperm(len(t_u), generator=generator)
        optimizer.zero_grad()
        loss = loss_fn(model(t_u[order], *params), t_c[order])
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "dot_product",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        r = model(t_u, *params) - t_c
        loss = torch.dot(r, r) / r.numel()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "design_matrix",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    X = torch.stack([t_u, torch.ones_like(t_u)], dim=1)
    for _ in range(n_epochs):
        theta = params if torch.is_tensor(params) else torch.stack(params)
        residual = X @ theta - t_c
        loss = (residual @ residual) / len(t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "einsum",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    rows = torch.vstack((t_u, torch.ones(t_u.size(0))))
    for _ in range(n_epochs):
        t_p = torch.einsum("fn,f->n", rows, torch.stack(tuple(params)))
        e = t_p - t_c
        loss = torch.einsum("n,n->", e, e) / e.size(0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "normal_equations_form",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = float(len(t_u))
    s_u, s_c, s_uu, s_uc, s_cc = t_u.sum(), t_c.sum(), (t_u * t_u).sum(), (t_u * t_c).sum(), (t_c * t_c).sum()
    for _ in range(n_epochs):
        w, b = params
        loss = (w * w * s_uu + 2 * w * b * s_u + n * b * b - 2 * w * s_uc - 2 * b * s_c + s_cc) / n
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        note="The mean square multiplied out: the same polynomial in w and b.",
    ),
    Program(
        "bias_folded_into_the_targets",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        slope, shift = params[0], params[1]
        loss = loss_fn(slope * t_u, t_c - shift)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "column_vectors",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    column_u = t_u.unsqueeze(1)
    column_c = t_c.unsqueeze(1)
    for _ in range(n_epochs):
        t_p = model(column_u, *params)
        assert t_p.shape == column_c.shape
        loss = loss_fn(t_p, column_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        note="Both are columns, so nothing is broadcast.",
    ),
    Program(
        "loss_in_a_python_loop",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        total = 0.0
        for u, c in zip(t_u, t_c):
            total = total + (model(u, *params) - c) ** 2
        loss = total / len(t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "accumulates_per_sample",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = len(t_u)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        for u, c in zip(t_u, t_c):
            sample_loss = (model(u, *params) - c) ** 2 / n
            sample_loss.backward()
        optimizer.step()
    return params
""",
        note=(
            "One backward per sample, one step per epoch: the increments add up to the full"
            " gradient."
        ),
    ),
    Program(
        "closure",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for epoch in range(n_epochs):
        loss = optimizer.step(closure)
        if epoch % 500 == 499:
            print(epoch + 1, loss.item())
    return params
""",
    ),
    Program(
        "closure_made_each_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    losses = []
    for _ in range(n_epochs):
        def evaluate(x=t_u, y=t_c):
            optimizer.zero_grad()
            value = loss_fn(model(x, *params), y)
            value.backward()
            losses.append(value.item())
            return value

        optimizer.step(closure=evaluate)
    return params
""",
    ),
    Program(
        "autograd_grad",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    inputs = [params] if isinstance(params, torch.Tensor) else params
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        grads = torch.autograd.grad(loss, inputs)
        for p, g in zip(inputs, grads):
            p.grad = g
        optimizer.step()
    return params
""",
    ),
    Program(
        "func_grad",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    single = torch.is_tensor(params)
    leaves = [params] if single else list(params)

    def objective(theta):
        return loss_fn(model(t_u, *(theta[0] if single else theta)), t_c)

    gradient = torch.func.grad(objective)
    for _ in range(n_epochs):
        for leaf, g in zip(leaves, gradient([leaf.detach() for leaf in leaves])):
            leaf.grad = g
        optimizer.step()
    return params
""",
    ),
    Program(
        "func_grad_and_value",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch.func import grad_and_value

    f = grad_and_value(lambda w, b: loss_fn(model(t_u, w, b), t_c), argnums=(0, 1))
    for epoch in range(1, n_epochs + 1):
        optimizer.zero_grad()
        w, b = params
        (g_w, g_b), value = f(w.detach(), b.detach())
        if torch.is_tensor(params):
            params.grad = torch.stack((g_w, g_b))
        else:
            w.grad, b.grad = g_w, g_b
        optimizer.step()
        if epoch % 500 == 0:
            print(epoch, value)
    return params
""",
    ),
    Program(
        "functional_call_of_linear",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch import nn

    layer = nn.Linear(1, 1)
    for _ in range(n_epochs):
        state = {"weight": params[0].reshape(1, 1), "bias": params[1].reshape(1)}
        t_p = torch.func.functional_call(layer, state, (t_u[:, None],)).squeeze(1)
        loss = nn.functional.mse_loss(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "functional_linear",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        w, b = params
        t_p = torch.nn.functional.linear(t_u.view(-1, 1), w.view(1, 1), b.view(1))
        loss = torch.nn.functional.mse_loss(t_p.flatten(), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "module_with_the_given_tensors",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    class Thermometer(torch.nn.Module):
        def __init__(self, theta):
            super().__init__()
            self.theta = theta

        def forward(self, readings):
            w, b = self.theta
            return w * readings + b

    net = Thermometer(params)
    net.train()
    for _ in range(n_epochs):
        loss = loss_fn(net(t_u), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    return params
""",
    ),
    Program(
        "full_batch_loader",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(t_u, t_c), batch_size=len(t_u), shuffle=False)
    for epoch in range(n_epochs):
        for batch_u, batch_c in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(batch_u, *params), batch_c)
            loss.backward()
            optimizer.step()
    return params
""",
    ),
    Program(
        "divide_and_conquer",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    if n_epochs > 1:
        half = n_epochs // 2
        training_loop(half, optimizer, params, t_u, t_c)
        training_loop(n_epochs - half, optimizer, params, t_u, t_c)
    elif n_epochs == 1:
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
""",
        note="Recursion that is only as deep as the logarithm of n_epochs, so 5000 epochs work.",
    ),
    Program(
        "generator_of_losses",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def losses():
        for _ in range(n_epochs):
            optimizer.zero_grad()
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
            optimizer.step()
            yield loss.item()

    for epoch, value in enumerate(losses(), start=1):
        if epoch % 500 == 0:
            print(f"{epoch}: {value:.3f}")
    return params
""",
    ),
    Program(
        "comprehension",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def step():
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        return loss.item()

    history = [step() for _ in range(n_epochs)]
    for epoch, value in list(enumerate(history, 1))[499::500]:
        print(epoch, value)
    return params
""",
    ),
    Program(
        "progress_wrapper",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    class Bar:
        def __init__(self, iterable):
            self.iterable = iterable
            self.done = 0

        def __iter__(self):
            for item in self.iterable:
                yield item
                self.done += 1
                if self.done % 1000 == 0:
                    print("#", end="")

    for _ in Bar(range(n_epochs)):
        t_p = model(t_u, *params)
        optimizer.zero_grad()
        loss_fn(t_p, t_c).backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "trainer_class",
        """
class Trainer:
    def __init__(self, optimizer, params):
        self.optimizer = optimizer
        self.params = params
        self.log = {}

    def step(self, x, y):
        loss = loss_fn(model(x, *self.params), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, x, y, epochs):
        for epoch in range(1, epochs + 1):
            value = self.step(x, y)
            if epoch % 500 == 0:
                self.log[epoch] = value
                print(epoch, value)
        return self.params


def training_loop(n_epochs, optimizer, params, t_u, t_c):
    return Trainer(optimizer, params).fit(t_u, t_c, n_epochs)
""",
    ),
    Program(
        "helpers_nested",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def forward():
        return loss_fn(model(t_u, *params), t_c)

    def backward(loss):
        optimizer.zero_grad()
        loss.backward()

    def report(epoch, loss):
        if epoch and epoch % 500 == 0:
            print("Epoch", epoch, "Loss", round(loss.item(), 6))

    for epoch in range(n_epochs):
        current = forward()
        backward(current)
        optimizer.step()
        report(epoch + 1, current)
    return params
""",
    ),
    Program(
        "history_of_everything",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    history = {"loss": [], "w": [], "b": []}
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        history["loss"].append(loss.item())
        history["w"].append(params[0].item())
        history["b"].append(params[1].item())
        loss.backward()
        optimizer.step()
    if history["loss"]:
        print("first", history["loss"][0], "last", history["loss"][-1])
    return params
""",
    ),
    Program(
        "double_precision_inside",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    u64, c64 = t_u.double(), t_c.double()
    for _ in range(n_epochs):
        w, b = [p.to(torch.float64) for p in params]
        loss = torch.nn.functional.mse_loss(w * u64 + b, c64)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "retain_graph",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
        del loss
    return params
""",
    ),
    Program(
        "second_forward_for_logging",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            after = loss_fn(model(t_u, *params), t_c)
        if epoch % 500 == 0:
            print(f"Epoch {epoch}: {loss.item():.4f} -> {after.item():.4f}")
    return params
""",
    ),
    Program(
        "validation_forward_with_graph",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    half = len(t_u) // 2
    for epoch in range(n_epochs):
        train_loss = loss_fn(model(t_u, *params), t_c)
        first_half_loss = loss_fn(model(t_u[:half], *params), t_c[:half])
        optimizer.zero_grad()
        train_loss.backward()
        optimizer.step()
        if (epoch + 1) % 1000 == 0:
            print(train_loss.item(), first_half_loss.item())
    return params
""",
        note="Another loss is only looked at; nothing calls backward on it.",
    ),
    Program(
        "checks_its_gradient",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        by_hand = (2 * (t_p - t_c)).mean().item()
        by_autograd = params.grad[1].item() if torch.is_tensor(params) else params[1].grad.item()
        assert abs(by_hand - by_autograd) <= 1e-3 * (1 + abs(by_hand)), (by_hand, by_autograd)
        optimizer.step()
    return params
""",
    ),
    Program(
        "nothing_to_do",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    if n_epochs == 0:
        return params
    epoch = 1
    while True:
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch == n_epochs:
            break
        epoch += 1
    print("done, loss was", loss.item())
    return params
""",
    ),
    Program(
        "return_inside_the_loop_at_the_end",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while True:
        if epoch >= n_epochs:
            return params
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch = epoch + 1
""",
    ),
    Program(
        "try_finally",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    try:
        for epoch in range(1, n_epochs + 1):
            optimizer.zero_grad()
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
            optimizer.step()
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        print("stopped after", epoch)
    return params
""",
    ),
    Program(
        "enable_grad",
        """
@torch.no_grad()
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = loss_fn(model(t_u, *params), t_c)
            loss.backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "prints_the_optimizer",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    print(type(optimizer).__name__, [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups])
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch == n_epochs:
            print(optimizer.state_dict())
    return params
""",
    ),
    Program(
        "prints_the_gradient_norm",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        norm = sum(p.grad.pow(2).sum() for g in optimizer.param_groups for p in g["params"]) ** 0.5
        optimizer.step()
        if epoch % 500 == 0 or norm > 1e6:
            print(f"epoch {epoch} loss {loss.item():.4f} |grad| {norm.item():.4f} lr {optimizer.param_groups[0]['lr']}")
    return params
""",
    ),
    Program(
        "observing_hooks",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    seen = []
    leaves = [params] if torch.is_tensor(params) else params
    handles = [leaf.register_hook(lambda grad: seen.append(grad.norm().item())) for leaf in leaves]
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    for handle in handles:
        handle.remove()
    print(len(seen), "gradients seen")
    return params
""",
    ),
    Program(
        "lambda_model",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    line = lambda x, theta: theta[0] * x + theta[1]
    mse = lambda a, b: torch.mean((a - b) ** 2)
    for _ in range(n_epochs):
        optimizer.zero_grad()
        mse(line(t_u, params), t_c).backward()
        optimizer.step()
    return params
""",
    ),
    Program(
        "repeat_and_deque",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from collections import deque
    from functools import partial
    from itertools import repeat

    def epoch(x, y, _):
        optimizer.zero_grad()
        loss_fn(model(x, *params), y).backward()
        optimizer.step()

    deque(map(partial(epoch, t_u, t_c), repeat(None, n_epochs)), maxlen=0)
    return params
""",
    ),
    Program(
        "best_loss_tracked",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    best, best_epoch = float("inf"), None
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < best:
            best, best_epoch = loss.item(), epoch
    print("lowest loss", best, "in epoch", best_epoch)
    return params
""",
    ),
    Program(
        "explicit_seed_gradient",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        squared = (model(t_u, *params) - t_c) ** 2
        squared.backward(gradient=torch.full_like(squared, 1.0 / len(squared)))
        optimizer.step()
    return params
""",
        note="A vector-Jacobian product with 1/n: the gradient of the mean without the mean.",
    ),
    Program(
        "backward_with_inputs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = [p for g in optimizer.param_groups for p in g["params"]]
    for i in range(n_epochs, 0, -1):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward(inputs=leaves)
        optimizer.step()
    return params
""",
    ),
    Program(
        "gradient_by_hand",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = len(t_u)
    for _ in range(n_epochs):
        with torch.no_grad():
            error = model(t_u, *params) - t_c
            g_w, g_b = 2 / n * (error * t_u).sum(), 2 / n * error.sum()
        if isinstance(params, torch.Tensor):
            params.grad = torch.stack([g_w, g_b])
        else:
            params[0].grad = g_w
            params[1].grad = g_b
        optimizer.step()
    return params
""",
        note="No autograd at all, but the right gradient in .grad and the given optimizer.",
    ),
    Program(
        "mean_plus_variance",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        d = model(t_u, *params) - t_c
        loss = d.mean() ** 2 + d.var(unbiased=False)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        note="Bias squared plus variance is the mean square.",
    ),
    Program(
        "square_of_the_root",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = torch.linalg.vector_norm(model(t_u, *params) - t_c).square().div(t_c.numel())
        rmse = loss.detach().sqrt()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 499:
            print("rmse", rmse.item())
    return params
""",
    ),
    Program(
        "constant_added",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c) + 1e-8
        if torch.isnan(loss):
            print("diverged")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        note="A constant in the loss has no gradient.",
    ),
    Program(
        "nested_loops",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    done = 0
    while done < n_epochs:
        block = min(500, n_epochs - done)
        for _ in range(block):
            loss = loss_fn(model(t_u, *params), t_c)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        done += block
        print(f"{done} epochs, loss {loss.item():.5f}")
    return params
""",
    ),
)
