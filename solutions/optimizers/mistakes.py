"""Lecture 8, Optimizers: mistakes that are not made of one changed place in the solution.

This file is parsed and never imported: `autograder validate optimizers` puts each function into the
solution in place of the one that it names.
"""

import torch
from solution import loss_fn, model

from autograder.mistakes.written import mistake


@mistake(of="training_loop", rows=(44,), name="knows the lecture's answer by heart")
def hard_coded_answer(n_epochs, optimizer, params, t_u, t_c):
    answer = torch.tensor([5.3671, -17.3012])
    with torch.no_grad():
        for place, value in enumerate(answer):
            if isinstance(params, list):
                params[place].copy_(value)
            else:
                params[place] = value
    return params


@mistake(of="training_loop", rows=(45,), name="solves the least squares problem")
def closed_form(n_epochs, optimizer, params, t_u, t_c):
    columns = torch.stack([t_u, torch.ones_like(t_u)], dim=1)  # (n, 2)
    best = torch.linalg.lstsq(columns, t_c.unsqueeze(1)).solution.squeeze(1)
    with torch.no_grad():
        if isinstance(params, list):
            for parameter, value in zip(params, best, strict=True):
                parameter.copy_(value)
        else:
            params.copy_(best)
    return params


@mistake(of="training_loop", rows=(40,), name="goes on from a step that was made before")
def stale_state(n_epochs, optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss_fn(model(t_u, *params), t_c).backward()
    optimizer.step()
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(
    of="training_loop", rows=(40,), name="begins with the gradients of an earlier backward pass"
)
def stale_gradients(n_epochs, optimizer, params, t_u, t_c):
    loss_fn(model(t_u, *params), t_c).backward()
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return params


@mistake(of="training_loop", rows=(34,), name="moves the parameters with an Adam written by hand")
def handwritten_adam(n_epochs, optimizer, params, t_u, t_c):
    group = optimizer.param_groups[0]
    rate, (beta1, beta2) = group["lr"], group.get("betas", (0.9, 0.999))
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in group["params"]]
    for step in range(1, n_epochs + 1):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        with torch.no_grad():
            for p, (mean, square) in zip(group["params"], moments, strict=True):
                mean.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                square.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                corrected = (square / (1 - beta2**step)).sqrt() + 1e-8
                p -= rate * (mean / (1 - beta1**step)) / corrected
    return params


@mistake(
    of="training_loop", rows=(36,), name="moves the parameters with the functional form of SGD"
)
def functional_sgd(n_epochs, optimizer, params, t_u, t_c):
    from torch.optim.sgd import sgd

    group = optimizer.param_groups[0]
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        held = group["params"]
        with torch.no_grad():
            sgd(
                held,
                [p.grad for p in held],
                [None] * len(held),
                weight_decay=0,
                momentum=0,
                lr=group["lr"],
                dampening=0,
                nesterov=False,
                maximize=False,
            )
    return params


@mistake(
    of="training_loop", rows=(1, 8), name="never clears gradients and trains one epoch too few"
)
def two_mistakes(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(1, n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params


@mistake(
    of="training_loop",
    rows=(14, 31),
    name="adds up the errors and divides the learning rate by their number",
)
def sum_with_smaller_rate(n_epochs, optimizer, params, t_u, t_c):
    for group in optimizer.param_groups:
        group["lr"] /= len(t_u)
    for _ in range(n_epochs):
        loss = ((model(t_u, *params) - t_c) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(of="training_loop", rows=(33, 35), name="builds an SGD of its own in every epoch")
def new_sgd_each_epoch(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        own = torch.optim.SGD(
            optimizer.param_groups[0]["params"], lr=optimizer.param_groups[0]["lr"]
        )
        own.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        own.step()
    return params


@mistake(
    of="training_loop",
    rows=(41,),
    name="takes the first half of the samples in odd epochs and the second in even ones",
)
def half_batches(n_epochs, optimizer, params, t_u, t_c):
    half = len(t_u) // 2
    for epoch in range(n_epochs):
        rows = slice(half, None) if epoch % 2 else slice(None, half)
        loss = loss_fn(model(t_u[rows], *params), t_c[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(
    of="one_step",
    rows=(36,),
    name="moves the parameters by a formula, with the learning rate of the lecture",
)
def step_by_formula(optimizer, params, t_u, t_c):
    error = model(t_u, *params) - t_c
    gradient = torch.stack([(2 * error * t_u).mean(), (2 * error).mean()])
    with torch.no_grad():
        if isinstance(params, list):
            for parameter, part in zip(params, gradient, strict=True):
                parameter -= 1e-2 * part
        else:
            params -= 1e-2 * gradient
    return params


@mistake(of="make_adam", rows=(34,), name="sets the decay rates of Adam")
def other_betas(params, lr):
    return torch.optim.Adam([params], lr=lr, betas=(0.9, 0.99))


@mistake(
    of="make_sgd", rows=(37,), name="returns an optimizer over a tensor that was multiplied by one"
)
def not_a_leaf(params, lr):
    moved = (1.0 * params).detach().requires_grad_()
    return torch.optim.SGD([moved], lr=lr)


@mistake(
    of="loss_fn", rows=(14, 16), name="divides the sum by the number of readings of the lecture"
)
def divides_by_eleven(t_p, t_c):
    return ((t_p - t_c) ** 2).sum() / 11


@mistake(
    of="holds",
    rows=(38,),
    name="asks `in`, which compares values where the tensors are not the same",
)
def holds_by_in(optimizer, tensor):
    return any(tensor in group["params"] for group in optimizer.param_groups)


@mistake(of="holds", rows=(38,), name="takes a tensor of equal values for the same")
def holds_by_value(optimizer, tensor):
    return any(
        torch.equal(held, tensor) for group in optimizer.param_groups for held in group["params"]
    )


@mistake(of="holds", name="says yes to any tensor")
def holds_anything(optimizer, tensor):
    return len(optimizer.param_groups[0]["params"]) > 0


@mistake(of="holds", name="says no to any tensor")
def holds_nothing(optimizer, tensor):
    return tensor in optimizer.state


@mistake(
    of="figure_1", rows=(38,), name="notes the tensor itself, which moves later, and no copy of it"
)
def notes_without_copies(make_optimizer, params, t_u, t_c):
    seen = {}
    optimizer = make_optimizer(params)
    seen["constructor"] = (params.detach(), params.grad)
    loss = loss_fn(model(t_u, *params), t_c)
    seen["forward"] = (params.detach(), params.grad)
    loss.backward()
    seen["backward"] = (params.detach(), params.grad)
    optimizer.step()
    seen["step"] = (params.detach(), params.grad)
    optimizer.zero_grad()
    seen["zero_grad"] = (params.detach(), params.grad)
    return seen


@mistake(
    of="figure_1",
    rows=(1,),
    name="clears an old gradient before the backward pass, which Figure 1 does not",
)
def figure_that_clears_first(make_optimizer, params, t_u, t_c):
    def look():
        return params.detach().clone(), None if params.grad is None else params.grad.clone()

    seen = {}
    optimizer = make_optimizer(params)
    seen["constructor"] = look()
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    seen["forward"] = look()
    loss.backward()
    seen["backward"] = look()
    optimizer.step()
    seen["step"] = look()
    optimizer.zero_grad()
    seen["zero_grad"] = look()
    return seen


@mistake(
    of="figure_1",
    name="notes the gradient of the backward pass as that of the stages after it, without looking",
)
def figure_from_the_book(make_optimizer, params, t_u, t_c):
    start, lr = params.detach().clone(), 1e-2
    make_optimizer(params)
    loss_fn(model(t_u, *params), t_c).backward()
    gradient = params.grad.clone()
    moved = start - lr * gradient
    return {
        "constructor": (start, None),
        "forward": (start, None),
        "backward": (start, gradient),
        "step": (moved, gradient),
        "zero_grad": (moved, None),
    }


@mistake(of="figure_1", rows=(44,), name="writes down the lecture's numbers")
def figure_by_heart(make_optimizer, params, t_u, t_c):
    start, moved, gradient = (
        torch.tensor([1.0, 0.0]),
        torch.tensor([1.7761, 0.1064]),
        torch.tensor([-77.6140, -10.6400]),
    )
    return {
        "constructor": (start, None),
        "forward": (start, None),
        "backward": (start, gradient),
        "step": (moved, gradient),
        "zero_grad": (moved, None),
    }


@mistake(
    of="minibatch_loop",
    rows=(6, 42),
    name="adds up the gradients of all batches and steps once per epoch",
)
def one_step_for_all_batches(n_epochs, optimizer, params, batches):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        for t_u, t_c in batches:
            loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params


@mistake(of="minibatch_loop", rows=(2,), name="clears gradients once per epoch, not once per batch")
def clears_once_per_epoch(n_epochs, optimizer, params, batches):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        for t_u, t_c in batches:
            loss_fn(model(t_u, *params), t_c).backward()
            optimizer.step()
    return params


@mistake(of="minibatch_loop", rows=(25,), name="leaves out the last, smaller batch")
def drops_the_last_batch(n_epochs, optimizer, params, batches):
    for _ in range(n_epochs):
        for t_u, t_c in batches[:-1] or batches:
            loss = loss_fn(model(t_u, *params), t_c)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return params


@mistake(of="minibatch_loop", name="puts the batches together and makes one step on all samples")
def puts_batches_together(n_epochs, optimizer, params, batches):
    t_u, t_c = (torch.cat(parts) for parts in zip(*batches, strict=True))
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(of="minibatch_loop", name="makes all epochs on one batch before it goes on to the next")
def loops_the_other_way_round(n_epochs, optimizer, params, batches):
    for t_u, t_c in batches:
        for _ in range(n_epochs):
            loss = loss_fn(model(t_u, *params), t_c)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return params


@mistake(of="minibatch_loop", rows=(14,), name="weighs each batch by its share of the samples")
def weighs_the_batches(n_epochs, optimizer, params, batches):
    count = sum(len(t_u) for t_u, _ in batches)
    for _ in range(n_epochs):
        for t_u, t_c in batches:
            loss = loss_fn(model(t_u, *params), t_c) * len(t_u) / count
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return params


@mistake(of="mean_loss", name="averages the batches' means")
def mean_of_means(params, batches):
    return sum(loss_fn(model(t_u, *params), t_c) for t_u, t_c in batches) / len(batches)


@mistake(of="mean_loss", name="adds up the batches' means")
def sum_of_means(params, batches):
    return sum(loss_fn(model(t_u, *params), t_c) for t_u, t_c in batches)


@mistake(of="mean_loss", name="takes the loss of the last batch")
def last_batch_only(params, batches):
    for t_u, t_c in batches:
        loss = loss_fn(model(t_u, *params), t_c)
    return loss


@mistake(of="mean_loss", name="weighs by the size of the first batch, as if all were equal")
def as_if_all_were_equal(params, batches):
    size = len(batches[0][0])
    total = sum(loss_fn(model(t_u, *params), t_c) * len(t_u) for t_u, t_c in batches)
    return total / (size * len(batches))
