"""Mistakes where an optimizer is built."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.trees import at_each, called, expression, import_torch, is_number

WITH_DECAY = (
    "SGD",
    "Adam",
    "AdamW",
    "NAdam",
    "RAdam",
    "Adamax",
    "Adagrad",
    "Adadelta",
    "RMSprop",
    "ASGD",
    "Adafactor",
    "Muon",
)
CLASSES = (*WITH_DECAY, "Rprop", "LBFGS", "SparseAdam")


def makings(tree: Function) -> list[ast.Call]:
    """Return calls that build an optimizer of torch.optim.

    They are `torch.optim.X(...)`, `optim.X(...)` or `X(...)`, with parameters.
    """
    return [
        item
        for item in ast.walk(tree)
        if isinstance(item, ast.Call) and called(item) in CLASSES and item.args
    ]


def _keyword(call: ast.Call, name: str) -> ast.keyword | None:
    return next((word for word in call.keywords if word.arg == name), None)


def _with_rate(tree: Function) -> list[ast.Call]:
    return [call for call in makings(tree) if _keyword(call, "lr")]


def another_class(function: Function) -> Iterator[Function]:
    """SGD for any other, Adam for SGD; settings that only the right one takes are gone."""

    def edit(site: tuple[Function, ast.Call]) -> None:
        tree, call = site
        other = "Adam" if called(call) == "SGD" else "SGD"
        if isinstance(call.func, ast.Attribute):
            call.func.attr = other
        else:
            call.func = expression(f"torch.optim.{other}")
            import_torch(tree)
        call.keywords = [word for word in call.keywords if word.arg in ("lr", "weight_decay")]

    yield from at_each(lambda tree: [(tree, call) for call in makings(tree)], edit, function)


def ignores_rate(function: Function) -> Iterator[Function]:
    """A number in place of the learning rate that is asked for."""

    def asked(tree: Function) -> list[ast.Call]:
        return [
            call
            for call in _with_rate(tree)
            if (word := _keyword(call, "lr")) and not is_number(word.value)
        ]

    def edit(call: ast.Call) -> None:
        word = _keyword(call, "lr")
        assert word is not None
        word.value = ast.Constant(0.01 if called(call) == "SGD" else 0.1)

    yield from at_each(asked, edit, function)


def default_rate(function: Function) -> Iterator[Function]:
    """No learning rate."""

    def edit(call: ast.Call) -> None:
        call.keywords = [word for word in call.keywords if word.arg != "lr"]

    yield from at_each(_with_rate, edit, function)


def default_setting(function: Function) -> Iterator[Function]:
    """A setting that is asked for stays at its default: one at a time, the learning rate aside."""

    def asked(tree: Function) -> list[tuple[ast.Call, ast.keyword]]:
        return [
            (call, word)
            for call in makings(tree)
            for word in call.keywords
            if word.arg not in (None, "lr", "params")
        ]

    def edit(site: tuple[ast.Call, ast.keyword]) -> None:
        call, dropped = site
        call.keywords = [word for word in call.keywords if word is not dropped]

    yield from at_each(asked, edit, function)


def _adds(
    setting: str, value: float, classes: tuple[str, ...]
) -> Callable[[Function], Iterator[Function]]:
    """An operator that adds a setting."""

    def found(tree: Function) -> list[ast.Call]:
        return [
            call
            for call in makings(tree)
            if called(call) in classes and not _keyword(call, setting)
        ]

    def mutate(function: Function) -> Iterator[Function]:
        yield from at_each(
            found,
            lambda call: call.keywords.append(ast.keyword(setting, ast.Constant(value))),
            function,
        )

    return mutate


def holds_copy(function: Function) -> Iterator[Function]:
    """The optimizer is given copies of the parameters."""

    def edit(call: ast.Call) -> None:
        call.args[0] = expression(
            "[p.detach().clone().requires_grad_() for p in ALL]", ALL=call.args[0]
        )

    yield from at_each(makings, edit, function)


def leaves_out(function: Function) -> Iterator[Function]:
    """The optimizer is not given the last tensor."""

    def several(tree: Function) -> list[ast.Call]:
        return [
            call
            for call in makings(tree)
            if not isinstance(call.args[0], ast.List) or len(call.args[0].elts) > 1
        ]

    def edit(call: ast.Call) -> None:
        call.args[0] = expression("list(ALL)[:-1]", ALL=call.args[0])

    yield from at_each(several, edit, function)


OPTIMIZER_MAKING = (
    Operator(
        "optimizer-holds-copy",
        (38,),
        "builds an optimizer over copies of the parameters",
        holds_copy,
    ),
    Operator(
        "wrong-optimizer-class", (33, 34), "builds an optimizer of another class", another_class
    ),
    Operator(
        "ignores-learning-rate",
        (31, 43),
        "builds an optimizer with a learning rate of its own",
        ignores_rate,
    ),
    Operator(
        "default-learning-rate",
        (31,),
        "builds an optimizer with the default learning rate",
        default_rate,
    ),
    Operator("default-setting", (31,), "builds an optimizer that lacks a setting", default_setting),
    Operator("adds-momentum", (31,), "adds momentum", _adds("momentum", 0.9, ("SGD", "RMSprop"))),
    Operator(
        "adds-weight-decay", (28, 31), "adds weight decay", _adds("weight_decay", 0.01, WITH_DECAY)
    ),
    Operator("leaves-out-parameters", (52,), "builds an optimizer that lacks a tensor", leaves_out),
)
