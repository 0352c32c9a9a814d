"""Right programs made of the reference: operators that change how something is computed, and not
what.

By the rules of real numbers each gives the same; by those of floating point it may differ in the
last digits. How far that carries a training is the spread that calibration measures. A program that
can't be computed for a call (`torch.dot` of a matrix) raises there, and is left out.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.mistakes.mutants import parse, with_statement
from autograder.mistakes.operator import Function
from autograder.mistakes.trees import called, expression, import_torch, is_number, replace


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A solution that computes the same in another way.

    `definition` is the source of the function `function`, the only one that is changed.
    """

    name: str
    function: str
    definition: str


@dataclass(frozen=True, slots=True)
class Rewriting:
    """One rule of rewriting.

    `rewrite` gives the expression to put in the place of one that it is shown, together with its
    function, or None where it does not apply.
    """

    name: str
    rewrite: Callable[[ast.expr, Function], ast.expr | None]

    def apply(self, function: Function) -> Function | None:
        """Return a copy of `function` rewritten at every place where the rule applies.

        None if there is none.
        """
        changed = copy.deepcopy(function)
        places = [node for node in ast.walk(changed) if isinstance(node, ast.expr)]
        # inner ones first
        found = [
            (node, new)
            for node in reversed(places)
            if (new := self.rewrite(node, changed)) is not None
        ]
        for node, new in found:
            replace(changed, node, new)
        if not found:
            return None
        if any("torch" in ast.unparse(new) for _, new in found):
            import_torch(changed)
        return changed


def equivalents(source: str, path: Path) -> tuple[Equivalent, ...]:
    """Return one program for each rule and each top-level function that it applies to.

    `source` is the solution at `path`.

    Raises:
        AssignmentError: if `source` is not valid Python.
    """
    module = parse(source, path)
    return tuple(_made(module))


def _made(module: ast.Module) -> Iterator[Equivalent]:
    for number, function in enumerate(module.body):
        if isinstance(function, ast.FunctionDef):
            for rule in REWRITINGS:
                changed = rule.apply(function)
                if changed is not None:
                    whole = with_statement(module, number, changed)
                    yield Equivalent(rule.name, function.name, ast.unparse(whole.body[number]))


# --- the rules ------------------------------------------------------------------------------------


def mean_as_sum(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `x.mean()` as `x.sum() / x.numel()`."""
    values = _reduced(node, "mean")
    return (
        None
        if values is None or not _pure(values)
        else expression("(values).sum() / (values).numel()", values=values)
    )


def reversed_mean(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `x.mean()` as `x.flip(0).mean()`, which adds up from the other end."""
    values = _reduced(node, "mean")
    return None if values is None else expression("(values).flip(0).mean()", values=values)


def reversed_sum(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `x.sum()` as `x.flip(0).sum()`."""
    values = _reduced(node, "sum")
    return None if values is None else expression("(values).flip(0).sum()", values=values)


def square_as_product(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `x ** 2` as `x * x`."""
    values = _squared(node)
    return (
        None
        if values is None or not _pure(values)
        else expression("(values) * (values)", values=values)
    )


def square_of_opposite(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `(a - b) ** 2` as `(b - a) ** 2`."""
    match _squared(node):
        case ast.BinOp(left, ast.Sub(), right):
            return expression("(right - left) ** 2", left=left, right=right)
    return None


def sum_commuted(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `a * b + c` as `c + b * a`."""
    match node:
        case ast.BinOp(ast.BinOp(first, ast.Mult(), second), ast.Add(), rest):
            return expression("rest + second * first", first=first, second=second, rest=rest)
    return None


def sum_fused(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `a * b + c` as `torch.addcmul(c, a, b)`, which may round once instead of twice."""
    match node:
        case ast.BinOp(ast.BinOp(first, ast.Mult(), second), ast.Add(), rest):
            return expression(
                "torch.addcmul(rest, first, second)", first=first, second=second, rest=rest
            )
    return None


def quotient_as_product(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
    """Write `a / b` as `a * (1 / b)`."""
    match node:
        case ast.BinOp(left, ast.Div(), right) if not is_number(left, 1):
            return expression("left * (1 / (right))", left=left, right=right)
    return None


def mean_square_as_mse_loss(node: ast.expr, function: Function) -> ast.expr | None:
    """The mean of `(a - b) ** 2` is `mse_loss(a, b)`."""
    match _mean_square(node, function):
        case ast.BinOp(left, ast.Sub(), right):
            return expression("torch.nn.functional.mse_loss(left, right)", left=left, right=right)
    return None


def mean_square_as_dot(node: ast.expr, function: Function) -> ast.expr | None:
    """The mean of `x ** 2` is `torch.dot(x, x) / x.numel()`, for vectors."""
    values = _mean_square(node, function)
    return (
        None
        if values is None or not _pure(values)
        else expression("torch.dot(values, values) / (values).numel()", values=values)
    )


def _in_another_way(
    setting: str, classes: tuple[str, ...]
) -> Callable[[ast.expr, Function], ast.expr | None]:
    """Return a rule that asks an optimizer of torch.optim for another implementation.

    It makes the same update.
    """

    def rewrite(node: ast.expr, function: Function) -> ast.expr | None:  # noqa: ARG001
        match node:
            case ast.Call(func, args, keywords) if (
                called(node) in classes
                and args
                and not any(word.arg == setting for word in keywords)
            ):
                return ast.Call(
                    func, args, [*keywords, ast.keyword(setting, ast.Constant(value=True))]
                )
        return None

    return rewrite


FOREACH = (
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
)
FUSED = ("Adagrad", "Adam", "AdamW", "SGD")

REWRITINGS = (
    Rewriting("mean as sum / numel", mean_as_sum),
    Rewriting("mean of reversed values", reversed_mean),
    Rewriting("sum of reversed values", reversed_sum),
    Rewriting("square as product", square_as_product),
    Rewriting("square of the opposite difference", square_of_opposite),
    Rewriting("sum in another order", sum_commuted),
    Rewriting("torch.addcmul", sum_fused),
    Rewriting("quotient as product", quotient_as_product),
    Rewriting("torch.nn.functional.mse_loss", mean_square_as_mse_loss),
    Rewriting("torch.dot", mean_square_as_dot),
    Rewriting("foreach=True", _in_another_way("foreach", FOREACH)),
    Rewriting("fused=True", _in_another_way("fused", FUSED)),
)


# --- what they look for ---------------------------------------------------------------------------


def _reduced(node: ast.expr, name: str) -> ast.expr | None:
    """Return `x` of `x.mean()` or `torch.mean(x)`, all of x and nothing else asked for."""
    match node:
        case ast.Call(ast.Attribute(ast.Name("torch"), attr), [values], []) if (
            attr == name and not isinstance(values, ast.Starred)
        ):
            return values
        case ast.Call(ast.Attribute(ast.Name("torch")), _, _):
            return None
        case ast.Call(ast.Attribute(values, attr), [], []) if attr == name:
            return values
    return None


def _squared(node: ast.expr) -> ast.expr | None:
    """Return `x` of `x ** 2`, `x.pow(2)`, `torch.square(x)`, `x.square()`."""
    match node:
        case ast.BinOp(values, ast.Pow(), exponent) if is_number(exponent, 2):
            return values
        case ast.Call(ast.Attribute(ast.Name("torch"), "pow"), [values, exponent], []) if is_number(
            exponent, 2
        ):
            return values
        case ast.Call(ast.Attribute(values, "pow"), [exponent], []) if is_number(
            exponent, 2
        ) and not _is_torch(values):
            return values
    return _reduced(node, "square")


def _mean_square(node: ast.expr, function: Function) -> ast.expr | None:
    """Return `x` of the mean of `x ** 2`.

    A name may stand for one or the other, if the function binds it just once.
    """
    values = _reduced(node, "mean")
    if values is None:
        return None
    inner = _squared(_binding(values, function))
    return None if inner is None else _binding(inner, function)


def _binding(node: ast.expr, function: Function) -> ast.expr:
    """Return the expression that a name stands for in `function`, else the node itself.

    Nothing in that expression may have changed in between.
    """
    if not isinstance(node, ast.Name):
        return node
    bound = [
        statement.value
        for statement in function.body
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == node.id
    ]
    if len(bound) != 1 or len(_stores(function, node.id)) != 1 or not _pure(bound[0]):
        return node
    read = {item.id for item in ast.walk(bound[0]) if isinstance(item, ast.Name)}
    return node if any(_stores(function, name) for name in read) else bound[0]


def _stores(function: Function, name: str) -> list[ast.Name]:
    return [
        item
        for item in ast.walk(function)
        if isinstance(item, ast.Name) and item.id == name and not isinstance(item.ctx, ast.Load)
    ]


def _pure(node: ast.expr) -> bool:
    """Tell whether computing `node` twice gives the same twice.

    Names, numbers, arithmetic, and nothing that may draw random numbers.
    """
    kinds = (
        ast.Name,
        ast.Attribute,
        ast.Constant,
        ast.BinOp,
        ast.UnaryOp,
        ast.operator,
        ast.unaryop,
        ast.expr_context,
    )
    return all(
        isinstance(item, kinds) or called(item) in ("pow", "square", "abs")
        for item in ast.walk(node)
    )


def _is_torch(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "torch"
