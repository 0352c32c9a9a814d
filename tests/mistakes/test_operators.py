"""Each operator where it applies, with the very code that it makes, and where it must not fire."""

import ast
import re

import pytest
from batch_samples import BATCH_APPLIES, BATCH_SILENT
from sample_programs import (
    ACCUMULATED,
    ACCURACY,
    BY_HAND,
    CLOSURE,
    COUNTED,
    CROSS_ENTROPY,
    IN_ELSE,
    LAYERS,
    LINE,
    LOADER,
    LOOP,
    MAKE_ADAM,
    MAKE_LBFGS,
    MAKE_SGD,
    MODULE_MSE,
    MSE,
    MSE_IN_ONE_NAME,
    MSE_IN_STEPS,
    NET,
    ONE_STEP,
    PARABOLA,
    PLAIN,
    SCHEDULED,
    STANDARDISE,
    TORCH_MSE,
    TWO_LOOPS,
    WHILE,
)

from autograder.mistakes.mutants import OPERATORS

ALL_OF_OPT = "for group in opt.param_groups for p in group['params']"

PENALISED = LOOP.replace(
    "        opt.zero", "        loss = loss + prior(params)\n        opt.zero"
)
LOGGED = LOOP.replace("        opt.step()\n", "        opt.step()\n        loss = loss.item()\n")

# code, program, and what changes in it: pieces of text with what stands in their place. Indentation
# of what is put in is that of the text.
APPLIES = [
    ("never-clears", LOOP, {"        opt.zero_grad()\n": ""}),
    ("never-clears", BY_HAND, {"        params.grad = None\n": ""}),
    ("zero-grad-without-parentheses", LOOP, {"opt.zero_grad()": "opt.zero_grad"}),
    (
        "clears-after-backward",
        LOOP,
        {
            "        opt.zero_grad()\n        loss.backward()\n": (
                "        loss.backward()\n        opt.zero_grad()\n"
            )
        },
    ),
    (
        "clears-every-second",
        LOOP,
        {
            "    for epoch": "    rounds = 0\n    for epoch",
            "        opt.zero_grad()\n": (
                "        if rounds % 2 == 0:\n            opt.zero_grad()\n        rounds += 1\n"
            ),
        },
    ),
    (
        "clears-once",
        LOOP,
        {"        opt.zero_grad()\n": "", "    for epoch": "    opt.zero_grad()\n    for epoch"},
    ),
    (
        "step-before-backward",
        LOOP,
        {
            "        opt.step()\n": "",
            "        opt.zero_grad()\n": "        opt.step()\n        opt.zero_grad()\n",
        },
    ),
    (
        "step-after-clearing",
        LOOP,
        {
            "        loss.backward()\n        opt.step()\n": (
                "        opt.step()\n        loss.backward()\n"
            )
        },
    ),
    ("step-missing", ONE_STEP, {"    opt.step()\n": ""}),
    ("step-without-parentheses", LOOP, {"opt.step()": "opt.step"}),
    ("step-after-the-loop", LOOP, {"        opt.step()\n": "    opt.step()\n"}),
    ("backward-missing", LOOP, {"        loss.backward()\n": ""}),
    ("backward-missing", CLOSURE, {"            loss.backward()\n": ""}),
    ("backward-without-parentheses", ONE_STEP, {"loss.backward()": "loss.backward"}),
    ("step-twice", LOOP, {"        opt.step()\n": "        opt.step()\n        opt.step()\n"}),
    (
        "backward-twice",
        LOOP,
        {
            "        loss.backward()\n": (
                "        loss.backward(retain_graph=True)\n        loss.backward()\n"
            )
        },
    ),
    (
        "steps-every-second",
        LOOP,
        {
            "    for epoch": "    rounds = 0\n    for epoch",
            "        opt.step()\n": (
                "        rounds += 1\n        if rounds % 2 == 0:\n            opt.step()\n"
            ),
        },
    ),
    (
        "extra-step-before-loop",
        WHILE,
        {
            "    while epoch < n:\n": (
                "    while epoch < n:\n        opt.zero_grad()\n        error(weights).backward()\n"
                "        opt.step()\n        epoch += 1\n        break\n    while epoch < n:\n"
            )
        },
    ),
    ("one-epoch-short", LOOP, {"range(n)": "range(1, n)"}),
    ("one-epoch-short", COUNTED, {"range(1, n + 1)": "range(1, n)"}),
    ("one-epoch-short", WHILE, {"epoch < n": "epoch < n - 1"}),
    ("one-epoch-more", LOOP, {"range(n)": "range(n + 1)"}),
    ("one-epoch-more", COUNTED, {"range(1, n + 1)": "range(1, n + 2)"}),
    ("one-epoch-more", WHILE, {"epoch < n": "epoch < n + 1"}),
    ("fixed-number-of-epochs", COUNTED, {"range(1, n + 1)": "range(1, 100)"}),
    (
        "return-inside-loop",
        LOOP,
        {"        opt.step()\n": "        opt.step()\n        return params\n"},
    ),
    (
        "early-break",
        LOOP,
        {
            "    for epoch": "    previous = 1e30\n    for epoch",
            "        opt.step()\n": (
                "        opt.step()\n        if abs(previous - loss.item()) < 0.2 *"
                " abs(previous):\n            break\n        previous = loss.item()\n"
            ),
        },
    ),
    ("sum-not-mean", MSE, {".mean()": ".sum()"}),
    ("sum-not-mean", MSE_IN_STEPS, {"torch.mean(squares)": "squares.sum()"}),
    ("sum-not-mean", TORCH_MSE, {"truth)\n": "truth, reduction='sum')\n"}),
    ("sum-not-mean", MODULE_MSE, {"MSELoss()": "MSELoss(reduction='sum')"}),
    ("half-loss", MSE, {".mean()": ".mean() / 2"}),
    ("half-loss", LOOP, {"error(guess, y)": "error(guess, y) / 2"}),
    (
        "divides-by-n-minus-1",
        MSE,
        {
            "((guess - truth) ** 2).mean()": (
                "((guess - truth) ** 2).sum() / (((guess - truth) ** 2).numel() - 1)"
            )
        },
    ),
    ("absolute-error", MSE_IN_STEPS, {".pow(2)": ".abs()"}),
    ("absolute-error", TORCH_MSE, {"mse_loss": "l1_loss"}),
    ("root-of-loss", MSE, {".mean()": ".mean() ** 0.5"}),
    ("huber", MODULE_MSE, {"MSELoss": "HuberLoss"}),
    ("fourth-power", MSE, {"** 2": "** 4"}),
    ("broadcast-n-by-n", MSE, {"(guess - truth)": "(guess.unsqueeze(-1) - truth)"}),
    ("broadcast-n-by-n", TORCH_MSE, {"mse_loss(guess": "mse_loss(guess.unsqueeze(-1)"}),
    (
        "l2-in-loss",
        ONE_STEP,
        {"params), y)": f"params), y) + 0.01 * sum((p ** 2).sum() {ALL_OF_OPT})"},
    ),
    ("maximises", LOOP, {"error(guess, y)": "-error(guess, y)"}),
    (
        "softmax-before-cross-entropy",
        CROSS_ENTROPY,
        {"entropy(logits": "entropy(logits.softmax(dim=-1)"},
    ),
    ("swaps-w-and-b", LINE, {"w * x + b": "b * x + w"}),
    ("swaps-w-and-b", LOOP, {"*params": "*reversed(params)"}),
    ("bias-missing", LINE, {" + b": ""}),
    ("bias-missing", LAYERS, {"(2, 3)": "(2, 3, bias=False)"}),
    (
        "detached-parameter",
        LINE,
        {"    return w": "    import torch\n    return torch.as_tensor(w).detach()"},
    ),
    ("frozen-layer", LAYERS, {"3)\n": "3)\n    self.first.requires_grad_(False)\n"}),
    ("swaps-input-and-target", LOOP, {"line(x": "line(y", "guess, y": "guess, x"}),
    ("swaps-input-and-target", NET, {"net(x)": "net(y)", "logits, y": "logits, x"}),
    ("scales-data-again", NET, {"in loader:\n": "in loader:\n            x = 0.1 * x\n"}),
    ("drops-samples", ONE_STEP, {"    loss =": "    x = x[:-1]\n    y = y[:-1]\n    loss ="}),
    ("misaligned-labels", ONE_STEP, {"    loss =": "    y = y.roll(1, 0)\n    loss ="}),
    (
        "one-sample-at-a-time",
        LOOP,
        {
            LOOP[LOOP.index("        guess") : LOOP.index("    return")]: (
                "        for one_input, one_target in zip(x.split(1), y.split(1)):\n           "
                " guess = line(one_input, *params)\n            loss = error(guess, one_target)\n  "
                "          opt.zero_grad()\n            loss.backward()\n            opt.step()\n"
            )
        },
    ),
    ("uses-globals", LOOP, {"    for epoch": "    x = globals()['x']\n    for epoch"}),
    ("no-shuffle", LOADER, {"shuffle=True": "shuffle=False"}),
    ("half-precision", ONE_STEP, {"    loss =": "    x = x.half()\n    loss ="}),
    ("loss-item-before-backward", MSE, {".mean()": ".mean().item()"}),
    (
        "no-grad-around-forward",
        LOOP,
        {
            "    for epoch": "    import torch\n    for epoch",
            "        loss = ": "        with torch.no_grad():\n            loss = ",
        },
    ),
    ("detached-loss", LOOP, {"error(guess, y)": "error(guess, y).detach().requires_grad_()"}),
    ("eval-mode", NET, {"net.train()": "net.eval()"}),
    (
        "clips-gradients",
        ONE_STEP,
        {
            "    opt.step": (
                f"    for p in [p {ALL_OF_OPT} if p.grad is not None]:\n        p.grad.clamp_(-0.1,"
                " 0.1)\n    opt.step"
            )
        },
    ),
    (
        "overwrites-lr",
        ONE_STEP,
        {
            "    loss =": (
                "    for group in opt.param_groups:\n        group['lr'] = 0.05\n    loss ="
            )
        },
    ),
    (
        "adds-scheduler",
        LOOP,
        {
            "        opt.step()\n": (
                "        opt.step()\n        for group in opt.param_groups:\n           "
                " group['lr'] *= 0.99\n"
            )
        },
    ),
    (
        "own-sgd",
        ONE_STEP,
        {
            "    loss =": (
                f"    import torch\n    opt = torch.optim.SGD([p {ALL_OF_OPT}], lr=0.01)\n   "
                " loss ="
            )
        },
    ),
    (
        "own-adam",
        ONE_STEP,
        {
            "    loss =": (
                f"    import torch\n    opt = torch.optim.Adam([p {ALL_OF_OPT}], lr=0.1)\n   "
                " loss ="
            )
        },
    ),
    (
        "rebuilds-optimizer",
        LOOP,
        {
            "        guess": (
                "        opt = type(opt)([dict(group) for group in opt.param_groups])\n       "
                " guess"
            )
        },
    ),
    (
        "manual-update",
        ONE_STEP,
        {
            "    loss =": "    import torch\n    loss =",
            "    opt.step()\n": (
                "    with torch.no_grad():\n        for group, p in [(group, p) "
                f"{ALL_OF_OPT} if p.grad is not None]:\n            p -= group['lr'] * p.grad\n"
            ),
        },
    ),
    (
        "rebinds-params",
        ONE_STEP,
        {
            "opt.step()": (
                "params = (params - opt.param_groups[0]['lr'] *"
                " params.grad).detach().requires_grad_()"
            )
        },
    ),
    (
        "trains-a-copy",
        ONE_STEP,
        {"    loss =": "    params = params.detach().clone().requires_grad_()\n    loss ="},
    ),
    (
        "resets-parameters-each-epoch",
        LOOP,
        {
            "    for epoch in range(n):\n": (
                f"    import torch\n    start = [p.detach().clone() {ALL_OF_OPT}]\n    for epoch in"
                " range(n):\n        with torch.no_grad():\n            for p, first in zip([p"
                f" {ALL_OF_OPT}], start):\n                p.copy_(first)\n"
            )
        },
    ),
    (
        "optimizer-holds-copy",
        MAKE_SGD,
        {"SGD(params": "SGD([p.detach().clone().requires_grad_() for p in params]"},
    ),
    ("wrong-optimizer-class", MAKE_SGD, {"SGD": "Adam"}),
    ("wrong-optimizer-class", MAKE_ADAM, {"Adam": "SGD", ", betas=(0.8, 0.9)": ""}),
    ("ignores-learning-rate", MAKE_SGD, {"lr=lr": "lr=0.01"}),
    ("default-learning-rate", MAKE_ADAM, {"lr=0.1, ": ""}),
    ("default-setting", MAKE_ADAM, {", betas=(0.8, 0.9)": ""}),
    ("default-setting", MAKE_LBFGS, {", max_iter=4": ""}),
    ("default-setting", MAKE_LBFGS, {', line_search_fn="strong_wolfe"': ""}),
    ("adds-momentum", MAKE_SGD, {"lr=lr": "lr=lr, momentum=0.9"}),
    ("adds-weight-decay", MAKE_SGD, {"lr=lr": "lr=lr, weight_decay=0.01"}),
    ("leaves-out-parameters", NET, {"SGD(net.parameters()": "SGD(list(net.parameters())[:-1]"}),
    ("returns-nothing", LINE, {"return w": "w"}),
    ("prints-instead-of-returning", LINE, {"return w * x + b": "print(w * x + b)"}),
    ("returns-something-else", LOOP, {"return params": "return loss.item()"}),
    (
        "returns-the-start",
        ONE_STEP,
        {
            "    loss =": (
                "    start = [p.detach().clone() for p in params] if isinstance(params, list) else"
                " params.detach().clone()\n    loss ="
            ),
            "return params": "return start",
        },
    ),
    ("sums-loss-tensors", NET, {"total += loss.item()": "total += loss"}),
    *BATCH_APPLIES,
    ("half-loss", MSE_IN_ONE_NAME, {".mean()": ".mean() / 2"}),
    (
        "overwrites-lr",
        ONE_STEP.replace("opt, ", "*, opt, "),
        {
            "    loss =": (
                "    for group in opt.param_groups:\n        group['lr'] = 0.05\n    loss ="
            )
        },
    ),
    ("never-clears", ACCUMULATED, {"        opt.zero_grad()\n": ""}),
    ("drops-samples", LOOP, {"    for epoch": "    x = x[:-1]\n    y = y[:-1]\n    for epoch"}),
    ("step-missing", TWO_LOOPS, {"        second.step()\n": ""}),
    ("backward-missing", IN_ELSE, {"            loss.backward()\n": ""}),
    ("half-loss", PENALISED, {"loss + prior(params)": "(loss + prior(params)) / 2"}),
    ("half-loss", LOGGED, {"error(guess, y)": "error(guess, y) / 2"}),
    ("one-epoch-short", WHILE.replace("epoch < n", "epoch <= n"), {"epoch <= n": "epoch <= n - 1"}),
    ("one-epoch-short", LOOP.replace("range(n)", "range(1, 51)"), {"range(1, 51)": "range(1, 50)"}),
    ("one-epoch-more", LOOP.replace("range(n)", "range(50)"), {"range(50)": "range(51)"}),
    ("one-epoch-more", LOOP.replace("range(n)", "range(n - 1)"), {"range(n - 1)": "range(n)"}),
    (
        "one-epoch-more",
        LOOP.replace("range(n)", "range(n - 2)"),
        {"range(n - 2)": "range(n - 2 + 1)"},
    ),
    (
        "steps-every-second",
        NET,
        {
            "        for x, y": "        rounds = 0\n        for x, y",
            "            optimizer.step()\n": (
                "            rounds += 1\n            if rounds % 2 == 0:\n               "
                " optimizer.step()\n"
            ),
        },
    ),
    (
        "early-break",
        NET,
        {
            "        for x, y": "        previous = 1e+30\n        for x, y",
            "            total += loss.item()\n": (
                "            total += loss.item()\n            if abs(previous - loss.item()) < 0.2"
                " * abs(previous):\n                break\n            previous = loss.item()\n"
            ),
        },
    ),
    (
        "return-inside-loop",
        NET,
        {
            "            total += loss.item()\n": (
                "            total += loss.item()\n        return total\n"
            )
        },
    ),
    (
        "one-sample-at-a-time",
        NET,
        {
            NET[NET.index("            optimizer.zero") : NET.index("            total +=")]: (
                "            for one_input, one_target in zip(x.split(1), y.split(1)):\n           "
                "     optimizer.zero_grad()\n                logits = net(one_input)\n             "
                "   loss = F.cross_entropy(logits, one_target)\n                loss.backward()\n  "
                "              optimizer.step()\n"
            )
        },
    ),
]

# code and a program in which it must find nothing to do
SILENT = [
    ("never-clears", PLAIN),
    ("zero-grad-without-parentheses", BY_HAND),
    ("clears-after-backward", CLOSURE),
    ("clears-every-second", ONE_STEP),
    ("clears-once", ONE_STEP),
    ("step-before-backward", CLOSURE),
    ("step-after-clearing", CLOSURE),
    ("step-missing", SCHEDULED),
    ("step-without-parentheses", SCHEDULED),
    ("step-after-the-loop", ONE_STEP),
    ("backward-missing", PLAIN),
    ("backward-without-parentheses", SCHEDULED),
    ("step-twice", SCHEDULED),
    ("backward-twice", SCHEDULED),
    ("steps-every-second", ONE_STEP),
    ("extra-step-before-loop", SCHEDULED),
    ("one-epoch-short", SCHEDULED),
    ("one-epoch-more", SCHEDULED),
    ("fixed-number-of-epochs", LOOP.replace("range(n)", "range(50)")),
    ("return-inside-loop", SCHEDULED),
    ("early-break", WHILE),
    ("sum-not-mean", ACCURACY),
    ("half-loss", STANDARDISE),
    ("divides-by-n-minus-1", STANDARDISE),
    ("absolute-error", PARABOLA),
    ("root-of-loss", ACCURACY),
    ("huber", PARABOLA),
    ("fourth-power", PARABOLA),
    ("broadcast-n-by-n", STANDARDISE),
    ("l2-in-loss", MSE),
    ("maximises", ACCURACY),
    ("softmax-before-cross-entropy", TORCH_MSE),
    ("swaps-w-and-b", PARABOLA),
    ("bias-missing", PARABOLA),
    ("detached-parameter", PARABOLA),
    ("frozen-layer", LINE),
    ("swaps-input-and-target", WHILE),
    ("scales-data-again", WHILE),
    ("drops-samples", WHILE),
    ("misaligned-labels", WHILE),
    ("one-sample-at-a-time", ONE_STEP),
    ("uses-globals", NET),
    ("no-shuffle", LOADER.replace("True", "False")),
    ("half-precision", WHILE),
    ("loss-item-before-backward", STANDARDISE),
    ("no-grad-around-forward", WHILE),
    ("detached-loss", MSE),
    ("eval-mode", LOOP),
    ("clips-gradients", BY_HAND),
    ("overwrites-lr", NET),
    ("adds-scheduler", ONE_STEP),
    ("own-sgd", NET),
    ("own-adam", NET),
    ("rebuilds-optimizer", ONE_STEP),
    ("manual-update", BY_HAND),
    ("rebinds-params", NET),
    ("trains-a-copy", NET),
    ("resets-parameters-each-epoch", ONE_STEP),
    ("optimizer-holds-copy", LOOP),
    ("wrong-optimizer-class", LOOP),
    ("ignores-learning-rate", MAKE_ADAM),
    ("default-learning-rate", MAKE_SGD.replace(", lr=lr", "")),
    ("default-setting", MAKE_SGD),
    ("adds-weight-decay", MAKE_LBFGS),
    ("adds-momentum", MAKE_ADAM),
    ("adds-weight-decay", LOOP),
    ("leaves-out-parameters", MAKE_ADAM),
    ("returns-nothing", PLAIN),
    ("prints-instead-of-returning", PLAIN),
    ("returns-something-else", MSE),
    ("returns-the-start", NET),
    ("sums-loss-tensors", LOOP),
    *BATCH_SILENT,
]

BY_CODE = {operator.code: operator for operator in OPERATORS}


def made(code, program):
    function = ast.parse(program).body[0]
    before = ast.dump(function)
    changed = [
        ast.unparse(ast.fix_missing_locations(tree)) for tree in BY_CODE[code].mutate(function)
    ]
    assert ast.dump(function) == before, "the reference's own tree was changed"
    return changed


def normal(program):
    return ast.unparse(ast.parse(program))


@pytest.mark.parametrize(
    ("code", "program", "changes"),
    APPLIES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(APPLIES)],
)
def test_it_makes_its_mistake(code, program, changes):
    """One of the programs that the operator makes is the given one with just this change."""
    expected = program
    for old, new in changes.items():
        assert expected.count(old) == 1, old
        expected = expected.replace(old, new)
    assert normal(expected) in made(code, program)


@pytest.mark.parametrize(("code", "program"), SILENT, ids=[code for code, _ in SILENT])
def test_it_keeps_silent_where_it_makes_no_sense(code, program):
    """No program."""
    assert made(code, program) == []


AUTOENCODER = NET.replace("F.cross_entropy(logits, y)", "F.mse_loss(logits, x)")


@pytest.mark.parametrize(
    "code", ["swaps-input-and-target", "misaligned-labels", "one-sample-at-a-time"]
)
def test_what_is_its_own_target_is_not_taken_for_labels(code):
    """An autoencoder: input and target, moved together, are still right, and such a mistake would
    be asked of the checks for nothing.
    """
    assert made(code, AUTOENCODER) == []


def test_every_operator_is_tested_both_ways_and_none_twice():
    """OPERATORS, the two tables and the codes agree."""
    codes = [operator.code for operator in OPERATORS]
    assert len(set(codes)) == len(codes) >= 40
    assert {code for code, _, _ in APPLIES} == {code for code, _ in SILENT} == set(codes)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)


def test_names_complete_a_sentence():
    """ "... identical to a loop that never clears gradients": a verb in the third person, no full
    stop.
    """
    for operator in OPERATORS:
        first = operator.name.split()[0]
        assert first.endswith("s") or first in ("never", "hardly"), operator.name
        assert not operator.name.endswith(".")
        assert operator.name[0].islower()


def test_rows_are_rows_of_the_catalogue():
    """1 to 53; and every row that one changed place in a function can express has its operator."""
    rows = {row for operator in OPERATORS for row in operator.rows}
    assert rows <= set(range(1, 54))
    # the answer by heart and the closed form are written down in mistakes.py
    assert rows >= set(range(1, 54)) - {
        44,
        45,
    }
