"""Lecture 8, Optimizers: mistakes that are not made of one changed place in the solution.

This file is parsed and never imported: `autograder validate optimizers` puts each function into the solution in place of the one that it names.
"""

import torch
from solution import loss_fn, model

from autograder.mutation.written import mistake


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


@mistake(of="training_loop", rows=(40,), name="begins with the gradients of an earlier backward pass")
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


@mistake(of="training_loop", rows=(36,), name="moves the parameters with the functional form of SGD")
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


@mistake(of="training_loop", rows=(1, 8), name="never clears gradients and trains one epoch too few")
def two_mistakes(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(1, n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params


@mistake(of="training_loop", rows=(14, 31), name="adds up the errors and divides the learning rate by their number")
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
        own = torch.optim.SGD(optimizer.param_groups[0]["params"], lr=optimizer.param_groups[0]["lr"])
        own.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        own.step()
    return params


@mistake(of="training_loop", rows=(41,), name="takes the first half of the samples in odd epochs and the second in even ones")
def half_batches(n_epochs, optimizer, params, t_u, t_c):
    half = len(t_u) // 2
    for epoch in range(n_epochs):
        rows = slice(half, None) if epoch % 2 else slice(None, half)
        loss = loss_fn(model(t_u[rows], *params), t_c[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(of="one_step", rows=(36,), name="moves the parameters by a formula, with the learning rate of the lecture")
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


@mistake(of="make_sgd", rows=(37,), name="returns an optimizer over a tensor that was multiplied by one")
def not_a_leaf(params, lr):
    moved = (1.0 * params).detach().requires_grad_()
    return torch.optim.SGD([moved], lr=lr)


@mistake(of="loss_fn", rows=(14, 16), name="divides the sum by the number of readings of the lecture")
def divides_by_eleven(t_p, t_c):
    return ((t_p - t_c) ** 2).sum() / 11
