"""Mistakes in the loss."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.mistakes.losses import LOSS_FUNCTIONS, SQUARED_LOSSES, Place, losses, reduces
from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, source_of, stepping
from autograder.mistakes.trees import at_each, called, expression, import_torch, is_number


def _wrapped(template: str, function: Function) -> Iterator[Function]:
    """The loss, put into a formula."""
    yield from at_each(losses, lambda place: place.put(template), function)


def means(tree: Function) -> list[Place]:
    """Calls of mean within the losses."""
    return [
        Place(tree, item)  # type: ignore[arg-type]
        for place in losses(tree)
        for item in ast.walk(place.node)
        if _is_mean(item)
    ]


def _is_mean(node: ast.AST) -> bool:
    return (
        called(node) == "mean"
        and isinstance(node, ast.Call)
        and not node.keywords
        and isinstance(node.func, ast.Attribute)
    )


def _averaged(place: Place) -> ast.expr:
    """X of `X.mean()` and of `torch.mean(X)`."""
    call = place.node
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    return call.args[0] if call.args else call.func.value


def sum_not_mean(function: Function) -> Iterator[Function]:
    """Write `.sum()` for `.mean()`, reduction="sum" for a loss of torch's."""

    def torch_losses(tree: Function) -> list[ast.Call]:
        inside = [
            item
            for place in losses(tree)
            for item in ast.walk(place.node)
            if called(item) in LOSS_FUNCTIONS
        ]
        modules = [item for item in ast.walk(tree) if called(item).endswith("Loss")]
        calls = {id(item): item for item in (*inside, *modules)}
        return [
            item
            for item in calls.values()
            if isinstance(item, ast.Call) and all(word.arg != "reduction" for word in item.keywords)
        ]

    yield from at_each(means, lambda place: place.put("X.sum()", X=_averaged(place)), function)
    yield from at_each(
        torch_losses,
        lambda call: call.keywords.append(ast.keyword("reduction", ast.Constant("sum"))),
        function,
    )


def divides_by_one_less(function: Function) -> Iterator[Function]:
    """n - 1 in place of n."""
    yield from at_each(
        means, lambda place: place.put("X.sum() / (X.numel() - 1)", X=_averaged(place)), function
    )


@dataclass(frozen=True, slots=True)
class Square:
    """The square of `base`, or (`of_torch`) a squared loss of torch's."""

    place: Place
    base: ast.expr | None


def squares(tree: Function) -> list[Square]:
    """Squares in a function that has a loss with a mean."""
    if not any(reduces(place.node) for place in losses(tree)) and not any(
        called(item) in SQUARED_LOSSES for item in ast.walk(tree)
    ):
        return []
    found = []
    for item in ast.walk(tree):
        match item:
            case ast.BinOp(left=base, op=ast.Pow(), right=exponent) if is_number(exponent, 2):
                found.append(Square(Place(tree, item), base))
            case ast.Call(func=ast.Attribute(value=base, attr="pow"), args=[exponent]) if is_number(
                exponent, 2
            ):
                found.append(Square(Place(tree, item), base))
            case ast.Call(func=ast.Attribute(value=ast.Name("torch"), attr="square"), args=[base]):
                found.append(Square(Place(tree, item), base))
            case ast.Call(func=ast.Attribute(value=base, attr="square"), args=[]):
                found.append(Square(Place(tree, item), base))
            case ast.Call() if called(item) in SQUARED_LOSSES:
                found.append(Square(Place(tree, item), None))
    return found


def _other_power(
    template: str, torch_names: tuple[str, str], function: Function
) -> Iterator[Function]:
    """Write another function of the error.

    It is a formula in the base B of a square, or the name of another loss of torch's (function,
    module).
    """

    def edit(square: Square) -> None:
        if square.base is not None:
            square.place.put(template, B=square.base)
            return
        call = square.place.node
        assert isinstance(call, ast.Call)
        other = torch_names[SQUARED_LOSSES.index(called(call))]
        if isinstance(call.func, ast.Attribute):
            call.func.attr = other
        else:
            call.func = expression(
                f"torch.nn.functional.{other}" if other.islower() else f"torch.nn.{other}"
            )
            import_torch(square.place.root)

    yield from at_each(squares, edit, function)


def fourth_power(function: Function) -> Iterator[Function]:
    """The fourth power in place of the square."""
    written = [square for square in squares(function) if square.base is not None]
    if written:
        yield from at_each(
            lambda tree: [one for one in squares(tree) if one.base is not None],
            lambda square: square.place.put("B ** 4", B=square.base or ast.Constant(0)),
            function,
        )


def all_pairs(function: Function) -> Iterator[Function]:
    """A column minus a row: every prediction is compared with every target."""

    def found(tree: Function) -> list[Place]:
        places = []
        for square in squares(tree):
            if isinstance(square.base, ast.BinOp) and isinstance(square.base.op, ast.Sub):
                places.append(Place(tree, square.base.left))
            elif isinstance(square.base, ast.Name):
                value = _assigned(tree, square.base.id)
                if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
                    places.append(Place(tree, value.left))
            elif (
                square.base is None
                and isinstance(call := square.place.node, ast.Call)
                and len(call.args) == 2
            ):
                places.append(Place(tree, call.args[0]))
        return places

    yield from at_each(found, lambda place: place.put("E.unsqueeze(-1)"), function)


def _assigned(tree: Function, name: str) -> ast.expr | None:
    for item in ast.walk(tree):
        match item:
            case ast.Assign(targets=[ast.Name(bound)], value=value) if bound == name:
                return value
    return None


def penalty(function: Function) -> Iterator[Function]:
    """A squared norm of the parameters is added."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in stepping(tree) if not isinstance(source_of(one), ast.Name)]

    def edit(one: Pass) -> None:
        assert one.optimizer is not None
        text = (
            'E + 0.01 * sum((p ** 2).sum() for group in OPT.param_groups for p in group["params"])'
        )
        Place(one.function, source_of(one)).put(text, OPT=one.optimizer)

    yield from at_each(found, edit, function)


def softmax_first(function: Function) -> Iterator[Function]:
    """Probabilities where cross entropy wants logits."""

    def found(tree: Function) -> list[Place]:
        names = {"cross_entropy"} | _cross_entropies(tree)
        return [
            Place(tree, item.args[0])
            for item in ast.walk(tree)
            if isinstance(item, ast.Call) and called(item) in names and len(item.args) == 2
        ]

    yield from at_each(found, lambda place: place.put("E.softmax(dim=-1)"), function)


def _cross_entropies(tree: Function) -> set[str]:
    """Names bound to a CrossEntropyLoss."""
    return {
        item.targets[0].id
        for item in ast.walk(tree)
        if isinstance(item, ast.Assign)
        and isinstance(item.targets[0], ast.Name)
        and called(item.value) == "CrossEntropyLoss"
    }


half_loss = functools.partial(_wrapped, "E / 2")
maximises = functools.partial(_wrapped, "-E")
root_of_loss = functools.partial(_wrapped, "E ** 0.5")
absolute_error = functools.partial(_other_power, "B.abs()", ("l1_loss", "L1Loss"))
huber = functools.partial(
    _other_power,
    "B.abs().clamp(max=1.0) * (B.abs() - 0.5 * B.abs().clamp(max=1.0))",
    ("huber_loss", "HuberLoss"),
)

OBJECTIVE = (
    Operator(
        "sum-not-mean", (14,), "adds up the errors where their mean was asked for", sum_not_mean
    ),
    Operator("half-loss", (15,), "halves the loss", half_loss),
    Operator("divides-by-n-minus-1", (16,), "divides by n - 1, not by n", divides_by_one_less),
    Operator("absolute-error", (17,), "takes absolute errors, not squared ones", absolute_error),
    Operator("root-of-loss", (18,), "takes the root of the loss", root_of_loss),
    Operator("huber", (19,), "takes the Huber loss", huber),
    Operator("fourth-power", (19,), "takes the fourth power of the errors", fourth_power),
    Operator("broadcast-n-by-n", (27,), "compares every prediction with every target", all_pairs),
    Operator("l2-in-loss", (28,), "adds a penalty to the loss", penalty),
    Operator("maximises", (29,), "climbs the loss", maximises),
    Operator(
        "softmax-before-cross-entropy", (49,), "puts softmax before cross entropy", softmax_first
    ),
)
