"""A curve for the thermometer: mistakes to test the checks with, besides those that `autograder
validate quadratic` makes of the solution by itself.

This file is parsed and never imported: each function takes the place of the solution's function
`of`.
"""

import torch
from solution import loss_fn, model, training_loop

from autograder.mistakes.written import mistake


@mistake(of="model", name="forgets the square")
def forgets_square(t_u, w2, w1, b):
    return w2 * t_u + w1 * t_u + b


@mistake(of="model", name="squares the weight instead of the reading")
def squares_weight(t_u, w2, w1, b):
    return w2**2 * t_u + w1 * t_u + b


@mistake(of="model", name="squares weight and reading together")
def squares_product(t_u, w2, w1, b):
    return (w2 * t_u) ** 2 + w1 * t_u + b


@mistake(of="model", name="takes the weights in the other order")
def swaps_weights(t_u, w2, w1, b):
    return w1 * t_u**2 + w2 * t_u + b


@mistake(of="training_loop", rows=(11,), name="stops when the loss is no number any more")
def stops_at_nan(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        if not torch.isfinite(loss):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(of="training_loop", rows=(11,), name="skips the step when the loss is no number any more")
def skips_at_nan(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        if loss.isfinite():
            optimizer.step()
    return params


@mistake(of="training_loop", rows=(31,), name="halves the learning rate when the loss grows")
def tames_rate(n_epochs, optimizer, params, t_u, t_c):
    last = float("inf")
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        if loss.item() > last:
            for group in optimizer.param_groups:
                group["lr"] /= 2
        last = loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


@mistake(
    of="training_loop", rows=(39,), name="begins again when the parameters are no numbers any more"
)
def begins_again(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for parameter in optimizer.param_groups[0]["params"]:
                parameter.copy_(torch.nan_to_num(parameter, nan=0.0, posinf=0.0, neginf=0.0))
    return params


@mistake(of="training_loop", rows=(30,), name="keeps the gradients small")
def clips(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        torch.nn.utils.clip_grad_value_(optimizer.param_groups[0]["params"], 1000.0)
        optimizer.step()
    return params


@mistake(of="compare_rates", rows=(39, 40), name="goes on with the parameters of the last rate")
def shares_parameters(rates, n_epochs, t_u, t_c):
    params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    final = {}
    for lr in rates:
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final


@mistake(of="compare_rates", name="leaves out the rates that diverge")
def leaves_out(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        loss = loss_fn(model(t_u, *params), t_c).item()
        if loss < float("inf"):
            final[lr] = loss
    return final


@mistake(of="compare_rates", name="reports 0 where training diverges")
def reports_zero(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = torch.nan_to_num(loss_fn(model(t_u, *params), t_c), nan=0.0, posinf=0.0).item()
    return final


@mistake(of="compare_rates", name="reports the loss before training")
def reports_start(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
    return final


@mistake(of="compare_rates", rows=(8,), name="reports the loss before the last step")
def reports_one_early(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs - 1, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final


@mistake(of="compare_rates", name="begins at the book's start, with w2 = 1")
def other_start(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([1.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final


@mistake(of="compare_rates", rows=(43,), name="always compares the four rates of the notebook")
def own_rates(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in (0.1, 0.01, 0.001, 0.0001):
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.SGD([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final


@mistake(of="compare_rates", rows=(34,), name="trains with Adam")
def trains_with_adam(rates, n_epochs, t_u, t_c):
    final = {}
    for lr in rates:
        params = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
        training_loop(n_epochs, torch.optim.Adam([params], lr=lr), params, t_u, t_c)
        final[lr] = loss_fn(model(t_u, *params), t_c).item()
    return final


@mistake(of="compare_with_line", name="takes the two losses for each other")
def swaps_losses(params, line, t_u, t_c):
    parabola = loss_fn(model(t_u, *params), t_c).item()
    return {"parabola": loss_fn(model(t_u, 0.0, *line), t_c).item(), "line": parabola}


@mistake(of="compare_with_line", rows=(21,), name="puts the line's weight before the square")
def line_on_squares(params, line, t_u, t_c):
    w, b = line
    return {
        "parabola": loss_fn(model(t_u, *params), t_c).item(),
        "line": loss_fn(model(t_u, w, 0.0, b), t_c).item(),
    }


@mistake(
    of="compare_with_line", rows=(21,), name="takes weight and bias of the line for each other"
)
def swaps_line(params, line, t_u, t_c):
    b, w = line
    return {
        "parabola": loss_fn(model(t_u, *params), t_c).item(),
        "line": loss_fn(model(t_u, 0.0, w, b), t_c).item(),
    }
