"""Training loops with the mistakes of the catalogue, and the findings that each must get.

Every program replaces `training_loop` in the notebook of the optimizers assignment (a few replace
`one_step`, as `function` says), where `torch`, `model`, `loss_fn` and the lecture's data `t_u`,
`t_un`, `t_c` exist as globals. All codes in `finding` must be named; a finding that merely follows
from them (a count that is off because of the very same line) may stand beside them.
"""

from dataclasses import dataclass

CODES = {
    "never-clears": "gradients are never cleared, so each epoch adds to the sum of all before",
    "clears-sometimes": "gradients are cleared in some epochs only",
    "clears-between-backward-and-step": (
        "gradients are cleared after backward, before step uses them"
    ),
    "starts-dirty": "the first backward adds to a gradient that was there before",
    "step-before-backward": "step comes before backward and uses the gradient of the epoch before",
    "no-step": "the optimizer never makes a step",
    "no-backward": "backward is never called, so there is no gradient",
    "too-few-steps": "fewer updates than n_epochs",
    "too-many-steps": "more updates than n_epochs",
    "step-twice": "two steps per backward",
    "backward-twice": "two backwards of the same loss per step, so the gradient doubles",
    "loss-scaled": "the gradient is a constant multiple of the right one (sum, half, n - 1)",
    "other-objective": (
        "the gradient is not that of the mean squared error at the student's parameters"
    ),
    "absolute-error": "mean absolute error instead of mean squared error",
    "root-of-loss": "root of the mean squared error",
    "fourth-power": "fourth power instead of the square",
    "huber": "Huber or smooth L1 loss",
    "swaps-input-and-target": "predicts t_u from t_c",
    "swaps-w-and-b": "weight and bias change places",
    "bias-missing": "the bias is not part of the prediction",
    "l2-in-loss": "a penalty on the parameters is added to the loss",
    "scales-data": "readings or temperatures are scaled or shifted before training",
    "drops-samples": "the loss leaves samples out",
    "misaligned": "readings and temperatures are not of the same sample",
    "broadcast": "a column minus a row: all pairs instead of matching ones",
    "maximises": "goes uphill",
    "changes-gradients": ".grad is changed between backward and step (clipped, scaled, noised)",
    "changes-settings": "learning rate or another setting of the optimizer is changed",
    "own-optimizer": "another optimizer than the given one makes the steps",
    "rebuilt-optimizer": "the optimizer is built anew, or its memory wiped, during training",
    "manual-update": "parameters are moved by hand instead of by step",
    "rebinds-params": "params is bound to a new tensor during training",
    "optimizer-holds-other-tensor": (
        "the loss is computed from a copy that the optimizer does not hold"
    ),
    "detached-parameter": "the graph to w or b (or both) is cut, so it gets no gradient",
    "resets-parameters": "parameters are set back during training",
    "moves-parameters": (
        "something besides step changes the parameters (clamping, rounding, decay by hand)"
    ),
    "minibatches": "several updates per epoch, each on a part of the samples",
    "steps-every-second": "a step only every k epochs",
    "uses-globals": "trains on the notebook's globals instead of the arguments",
    "hard-coded": "no training: the answer is written down or computed at once",
    "returns-other": "does not return the very params it was given",
    "half-precision": "computes in half precision",
    "crashes": "raises",
}


@dataclass(frozen=True)
class Program:
    name: str
    source: str
    finding: frozenset[str]
    note: str = ""
    function: str = "training_loop"


def codes(*names: str) -> frozenset[str]:
    assert set(names) <= set(CODES), names
    return frozenset(names)


PROGRAMS = (
    # --- Rows 1-7: the order of the three calls ---------------------------------------------------
    Program(
        "never_clears",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params
""",
        codes("never-clears"),
        "row 1",
    ),
    Program(
        "clears_once_before_the_loop",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    for _ in range(n_epochs):
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
""",
        codes("never-clears"),
        "row 1: before the loop is not in the loop",
    ),
    Program(
        "clears_once_after_the_loop",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for i in range(n_epochs):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
    optimizer.zero_grad()
    return params
""",
        codes("never-clears"),
        "row 1: one indentation too few",
    ),
    Program(
        "zeroes_views_of_the_parameters",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        for p in params:
            p = p.detach()
            p.grad = None
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears"),
        "row 1: the gradient of a detached view is not the parameter's",
    ),
    Program(
        "clears_every_second_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        if epoch % 2 == 0:
            optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("clears-sometimes"),
        "row 2",
    ),
    Program(
        "clears_in_the_first_epochs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        if epoch <= 10:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("clears-sometimes"),
        "row 2",
    ),
    Program(
        "zero_grad_not_called",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears"),
        "row 3",
    ),
    Program(
        "clears_between",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        if epoch % 500 == 0:
            print(epoch, loss.item())
    return params
""",
        codes("clears-between-backward-and-step"),
        "row 4",
    ),
    Program(
        "clears_between_with_zeros",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
    return params
""",
        codes("clears-between-backward-and-step"),
        "row 4: with zeros instead of None",
    ),
    Program(
        "looks_at_the_loss_first",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    first = loss_fn(model(t_u, *params), t_c)
    first.backward()
    print("before training:", first.item())
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return params
""",
        codes("starts-dirty"),
        "row 40: a gradient from a trial before the loop gets into the first step",
    ),
    Program(
        "step_before_backward",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
    return params
""",
        codes("step-before-backward"),
        "row 5: the first step finds no gradient at all",
    ),
    Program(
        "step_opens_the_loop",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        optimizer.step()
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {loss.item():f}")
    return params
""",
        codes("step-before-backward"),
        "row 5: each gradient is fresh, but the first step finds none, and the last gradient is"
        " never used",
    ),
    Program(
        "no_step",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        if epoch % 500 == 0:
            print(epoch, loss.item())
    return params
""",
        codes("no-step"),
        "row 6",
    ),
    Program(
        "step_not_called",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step
    return params
""",
        codes("no-step"),
        "row 6: without brackets",
    ),
    Program(
        "no_backward",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        optimizer.step()
    return params
""",
        codes("no-backward"),
        "row 7",
    ),
    Program(
        "backward_not_called",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward
        optimizer.step()
        if epoch % 500 == 0:
            print(loss.item())
    return params
""",
        codes("no-backward"),
        "row 7: without brackets",
    ),
    # --- Rows 8-13: counts ------------------------------------------------------------------------
    Program(
        "range_from_one",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("too-few-steps"),
        "row 8",
    ),
    Program(
        "while_stops_early",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 1
    while epoch < n_epochs:
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
        epoch += 1
    return params
""",
        codes("too-few-steps"),
        "row 8: as a while loop",
    ),
    Program(
        "range_one_too_many",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("too-many-steps"),
        "row 9",
    ),
    Program(
        "warm_up_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    loss_fn(model(t_u, *params), t_c).backward()
    optimizer.step()
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
""",
        codes("too-many-steps"),
        "rows 9 and 40: a trial step before the loop counts too",
    ),
    Program(
        "return_inside",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return params
""",
        codes("too-few-steps"),
        "row 10",
    ),
    Program(
        "early_break",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch == 30:
            break
    return params
""",
        codes("too-few-steps"),
        "row 11",
    ),
    Program(
        "step_twice",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.step()
    return params
""",
        codes("step-twice"),
        "row 12",
    ),
    Program(
        "backward_twice",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("backward-twice"),
        "row 13",
    ),
    # --- Rows 14-16: the loss times a constant ----------------------------------------------------
    Program(
        "summed",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = model(t_u, *params)
        loss = ((t_p - t_c) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        "row 14: factor n",
    ),
    Program(
        "summed_by_torch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    criterion = torch.nn.MSELoss(reduction="sum")
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = criterion(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        "row 14: factor n",
    ),
    Program(
        "half",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = 0.5 * loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        "row 15: factor 1/2",
    ),
    Program(
        "n_minus_one",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = model(t_u, *params)
        loss = ((t_p - t_c) ** 2).sum() / (len(t_c) - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        "row 16: factor n / (n - 1)",
    ),
    # --- Rows 17-29: another objective ------------------------------------------------------------
    Program(
        "absolute_error",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = (model(t_u, *params) - t_c).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("absolute-error"),
        "row 17",
    ),
    Program(
        "root",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = torch.sqrt(loss_fn(model(t_u, *params), t_c))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("root-of-loss"),
        "row 18",
    ),
    Program(
        "huber",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = torch.nn.functional.huber_loss(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("huber"),
        "row 19",
    ),
    Program(
        "fourth_power",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = ((model(t_u, *params) - t_c) ** 4).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("fourth-power"),
        "row 19: the loss explodes on the lecture's data",
    ),
    Program(
        "input_and_target_swapped",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_c, *params), t_u)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("swaps-input-and-target"),
        "row 20",
    ),
    Program(
        "w_and_b_swapped",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        b, w = params
        loss = loss_fn(model(t_u, w, b), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("swaps-w-and-b"),
        "row 21",
    ),
    Program(
        "bias_missing",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(params[0] * t_u, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("bias-missing"),
        "row 22",
    ),
    Program(
        "bias_detached",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        w, b = params
        loss = loss_fn(model(t_u, w, b.detach()), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("detached-parameter"),
        "row 23",
    ),
    Program(
        "weight_as_a_number",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = model(t_u, params[0].item(), params[1])
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("detached-parameter"),
        "row 23: .item() cuts the graph to w",
    ),
    Program(
        "scaled_again",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    t_un = 0.1 * t_u
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_un, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("scales-data"),
        "row 24",
    ),
    Program(
        "standardised",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    x = (t_u - t_u.mean()) / t_u.std()
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(x, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("scales-data"),
        "row 24",
    ),
    Program(
        "last_sample_dropped",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u[:-1], *params), t_c[:-1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("drops-samples"),
        "row 25",
    ),
    Program(
        "train_validation_split",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n_val = max(1, int(0.2 * len(t_u)))
    train_u, train_c = t_u[n_val:], t_c[n_val:]
    for epoch in range(n_epochs):
        loss = loss_fn(model(train_u, *params), train_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("drops-samples"),
        "row 25: a fifth is kept aside",
    ),
    Program(
        "only_readings_shuffled",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    order = torch.randperm(len(t_u), generator=torch.Generator().manual_seed(3))
    shuffled = t_u[order]
    for epoch in range(n_epochs):
        loss = loss_fn(model(shuffled, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("misaligned"),
        "row 26",
    ),
    Program(
        "shifted_by_one",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), torch.roll(t_c, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("misaligned"),
        "row 26",
    ),
    Program(
        "column_minus_row",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    x = t_u.unsqueeze(1)
    for epoch in range(n_epochs):
        loss = loss_fn(model(x, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("broadcast"),
        "row 27",
    ),
    Program(
        "penalty",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c) + 0.01 * sum(p.pow(2).sum() for p in params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("l2-in-loss"),
        "row 28",
    ),
    Program(
        "minus",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = -loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("maximises"),
        "row 29",
    ),
    # --- Rows 30-36: gradients, settings, another optimizer ---------------------------------------
    Program(
        "clips",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
    return params
""",
        codes("changes-gradients"),
        "row 30",
    ),
    Program(
        "clips_values",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad.clamp_(-0.5, 0.5)
        optimizer.step()
    return params
""",
        codes("changes-gradients"),
        "row 30",
    ),
    Program(
        "learning_rate_overwritten",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for group in optimizer.param_groups:
        group["lr"] = 1e-2
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("changes-settings"),
        "row 31: the lecture's rate, whatever was asked for",
    ),
    Program(
        "scheduler",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return params
""",
        codes("changes-settings"),
        "row 31",
    ),
    Program(
        "momentum_switched_on",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.param_groups[0]["weight_decay"] = 0.1
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("changes-settings"),
        "row 32",
    ),
    Program(
        "own_sgd",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = [params] if isinstance(params, torch.Tensor) else params
    optimizer = torch.optim.SGD(leaves, lr=1e-2)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("own-optimizer"),
        "row 33",
    ),
    Program(
        "own_sgd_with_the_given_rate",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = optimizer.param_groups[0]["params"]
    sgd = torch.optim.SGD(leaves, lr=optimizer.param_groups[0]["lr"])
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return params
""",
        codes("own-optimizer"),
        "row 33: right numbers for plain SGD, and still not the given optimizer",
    ),
    Program(
        "own_adam",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    opt = torch.optim.Adam([params] if torch.is_tensor(params) else params, lr=0.1)
    for epoch in range(n_epochs):
        opt.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        opt.step()
    return params
""",
        codes("own-optimizer"),
        "row 34",
    ),
    Program(
        "wiped_each_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.state.clear()
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("rebuilt-optimizer"),
        "row 35: momentum and Adam's averages are lost in each epoch; inert under plain SGD",
    ),
    Program(
        "rebuilt_each_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    leaves = [params] if torch.is_tensor(params) else params
    for epoch in range(n_epochs):
        optimizer = type(optimizer)(leaves, **optimizer.defaults)
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("rebuilt-optimizer"),
        "row 35: the same kind with the same settings, new in each epoch",
    ),
    Program(
        "manual_update",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    lr = optimizer.param_groups[0]["lr"]
    leaves = [params] if torch.is_tensor(params) else params
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        with torch.no_grad():
            for p in leaves:
                p -= lr * p.grad
    return params
""",
        codes("manual-update"),
        "row 36",
    ),
    Program(
        "manual_update_through_data",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    learning_rate = 1e-2
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        for p in [params] if torch.is_tensor(params) else params:
            p.data = p.data - learning_rate * p.grad
            p.grad = None
    return params
""",
        codes("manual-update"),
        "row 36",
    ),
    # --- Rows 37-40: which tensor, which start ----------------------------------------------------
    Program(
        "rebinds",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    lr = optimizer.param_groups[0]["lr"]
    for epoch in range(n_epochs):
        w, b = params
        w = w.detach().requires_grad_()
        b = b.detach().requires_grad_()
        loss = loss_fn(model(t_u, w, b), t_c)
        loss.backward()
        params = [w - lr * w.grad, b - lr * b.grad]
    return params
""",
        codes("rebinds-params"),
        "row 37: the slide before the one on optimizers",
    ),
    Program(
        "rebinds_after_the_step",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if torch.is_tensor(params):
            params = params.detach().clone().requires_grad_()
        else:
            params = [p.detach().clone().requires_grad_() for p in params]
    return params
""",
        codes("rebinds-params"),
        "row 37: from the second epoch the optimizer holds tensors that nobody uses",
    ),
    Program(
        "trains_a_copy",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    theta = [p.detach().clone().requires_grad_(True) for p in params]
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *theta), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("optimizer-holds-other-tensor"),
        "row 38",
    ),
    Program(
        "resets",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    start = [p.item() for p in params]
    for epoch in range(n_epochs):
        with torch.no_grad():
            params[0].fill_(start[0])
            params[1].fill_(start[1])
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("resets-parameters"),
        "row 39",
    ),
    Program(
        "starts_at_one_and_zero",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    with torch.no_grad():
        params[0].fill_(1.0)
        params[1].fill_(0.0)
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("resets-parameters"),
        "rows 39 and 40: the lecture's start, whatever was given",
    ),
    Program(
        "keeps_the_parameters_small",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.data.clamp_(-1.0, 1.0)
    return params
""",
        codes("moves-parameters"),
        "beside row 39: something besides step moves the parameters, in each epoch",
    ),
    # --- Rows 41-48 -------------------------------------------------------------------------------
    Program(
        "per_sample",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        for u, c in zip(t_u, t_c):
            loss = loss_fn(model(u, *params), c)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return params
""",
        codes("minibatches"),
        "row 41",
    ),
    Program(
        "batches_of_four",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(t_u, t_c), batch_size=4)
    for epoch in range(n_epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss_fn(model(x, *params), y).backward()
            optimizer.step()
    return params
""",
        codes("minibatches"),
        "row 41",
    ),
    Program(
        "every_second_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        if epoch % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
    return params
""",
        codes("steps-every-second"),
        "row 42: with accumulation",
    ),
    Program(
        "every_second_epoch_without_accumulation",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        if epoch % 2 == 0:
            optimizer.step()
    return params
""",
        codes("steps-every-second"),
        "row 42: the gradient of every other epoch is thrown away",
    ),
    Program(
        "global_readings",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_un, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("uses-globals"),
        "row 43: raises where the number of samples is another; right on the lecture's scaled data",
    ),
    Program(
        "global_data_in_a_helper",
        """
def current_loss(params):
    return loss_fn(model(t_un, *params), t_c)


def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = current_loss(params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("uses-globals"),
        "row 43: nothing raises, the arguments are just not looked at",
    ),
    Program(
        "hard_coded",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    with torch.no_grad():
        params[0].fill_(5.3671)
        params[1].fill_(-17.3012)
    return params
""",
        codes("hard-coded"),
        "row 44",
    ),
    Program(
        "closed_form",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    A = torch.stack([t_u, torch.ones_like(t_u)], dim=1)
    solution = torch.linalg.lstsq(A, t_c[:, None]).solution.flatten()
    with torch.no_grad():
        for i in range(2):
            params[i].copy_(solution[i])
    return params
""",
        codes("hard-coded"),
        "row 45",
    ),
    Program(
        "returns_nothing",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(params)
""",
        codes("returns-other"),
        "row 46",
    ),
    Program(
        "returns_the_loss",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    losses = []
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        codes("returns-other"),
        "row 46",
    ),
    Program(
        "half_precision",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        w, b = [p.half() for p in params]
        loss = loss_fn(model(t_u.half(), w, b), t_c.half())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("half-precision"),
        "row 47",
    ),
    Program(
        "brain_float",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    x = t_u.to(torch.bfloat16)
    y = t_c.to(torch.bfloat16)
    for epoch in range(n_epochs):
        t_p = model(x, params[0].to(torch.bfloat16), params[1].to(torch.bfloat16))
        loss = loss_fn(t_p, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("half-precision"),
        "row 47",
    ),
    Program(
        "item_before_backward",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c).item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("crashes"),
        "row 48",
    ),
    Program(
        "forward_without_grad",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        with torch.no_grad():
            t_p = model(t_u, *params)
            loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("crashes"),
        "row 48",
    ),
    # --- Two at once ------------------------------------------------------------------------------
    Program(
        "never_clears_and_one_short",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears", "too-few-steps"),
        "rows 1 and 8",
    ),
    Program(
        "summed_and_one_too_many",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while epoch <= n_epochs:
        optimizer.zero_grad()
        loss = torch.sum((model(t_u, *params) - t_c) ** 2)
        loss.backward()
        optimizer.step()
        epoch += 1
    return params
""",
        codes("loss-scaled", "too-many-steps"),
        "rows 14 and 9",
    ),
    Program(
        "half_and_returns_numbers",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params[0].item(), params[1].item()
""",
        codes("loss-scaled", "returns-other"),
        "rows 15 and 46",
    ),
    Program(
        "clips_and_decays",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    sched = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        torch.nn.utils.clip_grad_value_(optimizer.param_groups[0]["params"], 1.0)
        optimizer.step()
        sched.step()
    return params
""",
        codes("changes-gradients", "changes-settings"),
        "rows 30 and 31",
    ),
    Program(
        "never_clears_absolute_error",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    l1 = torch.nn.L1Loss()
    for epoch in range(n_epochs):
        loss = l1(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears", "absolute-error"),
        "rows 1 and 17",
    ),
    Program(
        "own_sgd_of_the_sum",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    my_optimizer = torch.optim.SGD(optimizer.param_groups[0]["params"], lr=1e-3)
    for epoch in range(n_epochs):
        error = model(t_u, *params) - t_c
        loss = (error ** 2).sum()
        my_optimizer.zero_grad()
        loss.backward()
        my_optimizer.step()
    return params
""",
        codes("own-optimizer", "loss-scaled"),
        "rows 33 and 14",
    ),
    Program(
        "column_minus_row_and_one_short",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs - 1):
        t_p = model(t_u, *params).reshape(-1, 1)
        loss = torch.mean((t_p - t_c) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("broadcast", "too-few-steps"),
        "rows 27 and 8",
    ),
    # --- one_step ---------------------------------------------------------------------------------
    Program(
        "one_step_never_clears",
        """
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    return params
""",
        codes("never-clears"),
        "row 1",
        function="one_step",
    ),
    Program(
        "one_step_clears_too_late",
        """
def one_step(optimizer, params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return params
""",
        codes("starts-dirty"),
        "row 40: fine in a loop of one's own, but what .grad held before is still in the step",
        function="one_step",
    ),
    Program(
        "one_step_order",
        """
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    optimizer.step()
    loss.backward()
    return params
""",
        codes("step-before-backward"),
        "row 5",
        function="one_step",
    ),
    Program(
        "one_step_own_sgd",
        """
def one_step(optimizer, params, t_u, t_c):
    optimizer = torch.optim.SGD([params], lr=1e-2)
    loss = loss_fn(model(t_u, *params), t_c)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return params
""",
        codes("own-optimizer"),
        "row 33",
        function="one_step",
    ),
)
