"""Right programs made of the reference: what each rule rewrites, what it leaves alone, and that the
numbers stay.
"""

import ast
from pathlib import Path

import pytest
import torch

from autograder.mistakes.equivalents import REWRITINGS, equivalents

SOLUTION = Path("solution.py")
RULES = {rule.name: rule for rule in REWRITINGS}

APPLIES = {
    "mean as sum / numel": ("x.mean()", "torch.mean(x * y)", "(x ** 2).mean()"),
    "mean of reversed values": ("x.mean()", "torch.mean(x)", "torch.relu(x).mean()"),
    "sum of reversed values": ("x.sum()", "torch.sum(x * y)"),
    "square as product": (
        "x ** 2",
        "(x - y) ** 2",
        "x.pow(2)",
        "torch.pow(x, 2)",
        "torch.square(x)",
        "x.square()",
    ),
    "square of the opposite difference": ("(x - y) ** 2", "(x - y).pow(2)", "torch.square(x - y)"),
    "sum in another order": ("x * y + x", "2.0 * x + y"),
    "torch.addcmul": ("x * y + x", "(x - y) * y + x"),
    "quotient as product": ("x / y", "x.sum() / 3", "x / (y + 2)"),
    "torch.nn.functional.mse_loss": ("((x - y) ** 2).mean()", "torch.mean(torch.square(x - y))"),
    "torch.dot": ("((x - y) ** 2).mean()", "(x ** 2).mean()"),
    "foreach=True": (
        "stepped(torch.optim.Adamax([x], lr=0.1), x)",
        "stepped(torch.optim.SGD([x, y], 0.1, momentum=0.9), x + y)",
    ),
    "fused=True": (
        "stepped(torch.optim.AdamW([x], lr=0.1), x)",
        "stepped(torch.optim.Adagrad([x, y]), x + y)",
    ),
}

LEFT_ALONE = {
    "mean as sum / numel": (
        "x.mean(0)",
        "x.mean(dim=0, keepdim=True)",
        "torch.dropout(x, 0.0, True).mean()",
        "torch.mean(x, 0)",
        "x.sum()",
    ),
    "mean of reversed values": ("x.mean(0)", "x.mean(dim=0)", "x.std()"),
    "sum of reversed values": ("x.sum(0)", "torch.sum(x, dim=0)", "sum([1, 2])", "x.mean()"),
    "square as product": ("x ** 3", "2 ** x", "torch.dropout(x, 0.0, True) ** 2", "x * x"),
    "square of the opposite difference": ("(x + y) ** 2", "x - y", "abs(x - y)"),
    "sum in another order": ("x + y", "x * y - x", "x + x * y"),
    "torch.addcmul": ("x + y", "x * y - x"),
    "quotient as product": ("x // 2", "1 / y", "x * y"),
    "torch.nn.functional.mse_loss": (
        "((x + y) ** 2).mean()",
        "((x - y) ** 2).sum()",
        "((x - y) ** 2).mean(0)",
        "(x - y).abs().mean()",
    ),
    "torch.dot": ("(x ** 3).mean()", "x.mean()", "((x - y) ** 2).sum()"),
    "foreach=True": (
        "torch.optim.LBFGS([x])",
        "torch.optim.SGD([x], lr=0.1, foreach=False)",
        "torch.relu(x)",
    ),
    "fused=True": ("torch.optim.RMSprop([x])", "torch.optim.SGD([x], lr=0.1, fused=True)"),
}

CASES = [(rule, expression) for rule, expressions in APPLIES.items() for expression in expressions]


def function_of(expression):
    return ast.parse(f"def f(x, y):\n    return {expression}\n").body[0]


def stepped(optimizer, values):
    """Where three steps from the same start lead; the start is put back."""
    tensors = [p for group in optimizer.param_groups for p in group["params"]]
    starts = [p.detach().clone() for p in tensors]
    for _ in range(3):
        for p in tensors:
            p.grad = p.detach() ** 2 - 0.3
        optimizer.step()
    moved = torch.cat([p.detach().clone() for p in tensors])
    with torch.no_grad():
        for p, start in zip(tensors, starts, strict=True):
            p.copy_(start)
            p.grad = None
    return moved * values.sum()


def run(function, x, y):
    names = {"torch": torch, "stepped": stepped}
    exec(ast.unparse(ast.fix_missing_locations(function)), names)
    return names["f"](x, y)


def test_every_rule_is_tried_both_ways():
    """A rule without an example here would be one that nobody has seen at work."""
    assert APPLIES.keys() == LEFT_ALONE.keys() == RULES.keys()


@pytest.mark.parametrize(("rule", "expression"), CASES)
def test_a_rewritten_program_computes_the_same(rule, expression):
    """Values and gradients agree to float32's rounding, and the program is another one."""
    x = torch.tensor([0.3, -1.7, 2.9, 0.02], requires_grad=True)
    y = torch.tensor([1.1, 0.4, -2.2, 0.9], requires_grad=True)
    before = function_of(expression)
    after = RULES[rule].apply(before)
    assert after is not None
    assert ast.dump(after) != ast.dump(before)
    values = [run(function, x, y) for function in (before, after)]
    torch.testing.assert_close(*values, rtol=1e-6, atol=1e-6)
    gradients = [
        torch.autograd.grad(value.sum(), (x, y), allow_unused=True, materialize_grads=True)
        for value in values
    ]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "expression"), [(rule, one) for rule, every in LEFT_ALONE.items() for one in every]
)
def test_what_a_rule_does_not_recognise_it_leaves_alone(rule, expression):
    """Reductions along a dimension, random numbers that would be drawn twice, other operations."""
    assert RULES[rule].apply(function_of(expression)) is None


LOSS = """
import torch

def loss_fn(t_p, t_c):
    squared = (t_p - t_c) ** 2
    {between}
    return squared.mean()
"""


@pytest.mark.parametrize(
    ("between", "recognised"),
    [
        ("", True),
        ("squared = squared * 2", False),
        ("t_c = t_c + 1", False),
        ("squared += 1", False),
        ("print(squared)", True),
    ],
)
def test_a_name_stands_for_what_it_was_bound_to_once(between, recognised):
    """The mean square is seen through a variable, unless that, or what it is made of, may have
    changed between.
    """
    names = {one.name for one in equivalents(LOSS.format(between=between), SOLUTION)}
    assert ("torch.nn.functional.mse_loss" in names) is recognised


def test_programs_of_a_solution():
    """One for each function and rule; a rule works on every place of a function at once; docstrings
    and signatures stay.
    """
    source = (
        'def f(x):\n    """Doc."""\n    return x ** 2 + x ** 2\n\n\ndef g(x):\n    return'
        " x.mean()\n"
    )
    made = {(one.function, one.name): one.definition for one in equivalents(source, SOLUTION)}
    assert made["f", "square as product"] == 'def f(x):\n    """Doc."""\n    return x * x + x * x'
    assert made["g", "mean as sum / numel"] == "def g(x):\n    return x.sum() / x.numel()"
    assert ("f", "mean as sum / numel") not in made
