"""Where a function trains: backward passes, what stands around them, and what feeds them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.mistakes.operator import Function
from autograder.mistakes.trees import (
    arguments_of,
    called,
    index_of,
    method_call,
    names_in,
    receiver,
)

Loop = ast.For | ast.While


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement and the list it stands in."""

    statement: ast.stmt
    block: list[ast.stmt]

    @property
    def index(self) -> int:
        """Place of the statement in its block."""
        return index_of(self.block, self.statement)


@dataclass(frozen=True, slots=True)
class Pass:
    """One backward pass of a function: `backward` is its statement and `loss` what it starts from;
    `loops` stand around it, outermost first.

    `clears` and `step` are the statements that clear gradients and move parameters in the same
    block or around it (None: elsewhere, or by hand).
    """

    function: Function
    backward: Placed
    loss: ast.expr
    loops: tuple[Placed, ...]
    clears: tuple[Placed, ...]
    step: Placed | None

    @property
    def block(self) -> list[ast.stmt]:
        """The statements among which the backward pass stands."""
        return self.backward.block

    @property
    def optimizer(self) -> ast.expr | None:
        """The object whose step() is called; None if there is no step."""
        call = method_call(self.step.statement, "step") if self.step else None
        return receiver(call) if call else None

    @property
    def epochs(self) -> tuple[Placed, Loop] | None:
        """The outermost loop."""
        for placed in self.loops:
            assert isinstance(placed.statement, Loop)
            return placed, placed.statement
        return None


def passes(function: Function) -> list[Pass]:
    """All backward passes of `function`, in order."""
    found = list(_walk(function.body, ()))
    every = [placed for placed, _ in found]
    steps = [placed for placed in every if is_step(placed.statement)]
    clears = [placed for placed in every if is_clear(placed.statement)]
    result = []
    for placed, loops in found:
        call = method_call(placed.statement, "backward")
        if call is not None:
            near = [step for step in steps if step.block is placed.block] or steps
            own = tuple(one for one in clears if one.block is placed.block) or tuple(clears)
            result.append(
                Pass(function, placed, receiver(call), loops, own, near[0] if near else None)
            )
    return result


def stepping(function: Function) -> list[Pass]:
    """Backward passes with a step by an optimizer in the same block: no closures."""
    return [one for one in passes(function) if one.step is not None and one.step.block is one.block]


def looped(function: Function) -> list[Pass]:
    """Return the passes of `stepping` that a loop repeats."""
    return [one for one in stepping(function) if one.loops]


def is_clear(statement: ast.stmt) -> bool:
    """Recognise `optimizer.zero_grad()`, `p.grad = None`, `p.grad.zero_()`."""
    if method_call(statement, "zero_grad"):
        return True
    if call := method_call(statement, "zero_"):
        owner = receiver(call)
        return isinstance(owner, ast.Attribute) and owner.attr == "grad"
    match statement:
        case ast.Assign(targets=[ast.Attribute(attr="grad")], value=ast.Constant(value=None)):
            return True
    return False


def is_step(statement: ast.stmt) -> bool:
    """Recognise `optimizer.step()`, but not a scheduler's."""
    call = method_call(statement, "step")
    return call is not None and "sched" not in ast.unparse(receiver(call)).lower()


def _walk(
    block: list[ast.stmt], loops: tuple[Placed, ...]
) -> Iterator[tuple[Placed, tuple[Placed, ...]]]:
    for statement in block:
        placed = Placed(statement, block)
        yield placed, loops
        inner = (*loops, placed) if isinstance(statement, Loop) else loops
        for field in ("body", "orelse", "finalbody"):
            nested = getattr(statement, field, None)
            if isinstance(nested, list) and not isinstance(statement, ast.ClassDef):
                yield from _walk(nested, inner)


def source_of(one: Pass) -> ast.expr:
    """Return the expression whose value the backward pass starts from.

    It is what its name was last bound to in the block, else the receiver itself.
    """
    return _bound(one, one.loss)


def _bound(one: Pass, value: ast.expr) -> ast.expr:
    if isinstance(value, ast.Name):
        for statement in reversed(one.block[: one.backward.index]):
            match statement:
                case ast.Assign(targets=[ast.Name(name)], value=bound) if name == value.id:
                    return bound
    return value


@dataclass(frozen=True, slots=True)
class Data:
    """Names of the data that one backward pass is about.

    They are what the model sees, and what it is compared with.
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def data_of(one: Pass) -> Data:
    """Tell inputs from targets.

    A target stands in the loss itself, an input in the call of the model.
    """
    source = source_of(one)
    outside = set(arguments_of(one.function)) - _no_data(one)
    for placed in one.loops:
        if isinstance(placed.statement, ast.For) and not _counts(placed.statement):
            outside |= {
                item.id for item in ast.walk(placed.statement.target) if isinstance(item, ast.Name)
            }
    inputs: list[str] = []
    targets: list[str] = []
    for name, inside in _reads(source, nested=False, outermost=True):
        if name.id in outside:
            (inputs if inside else targets).append(name.id)
        else:
            bound = _bound(one, name)
            if bound is not name:
                inputs += sorted(names_in(bound) & outside)
    return Data(
        tuple(dict.fromkeys(inputs)),
        tuple(dict.fromkeys(name for name in targets if name not in inputs)),
    )


def _counts(loop: ast.For) -> bool:
    return called(loop.iter) in ("range", "trange")


def _no_data(one: Pass) -> set[str]:
    """Parameters of the function that are no data: callables, the optimizer, what is trained."""
    callees = {
        item.func.id
        for item in ast.walk(one.function)
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Name)
    }
    owners = {ast.unparse(one.optimizer)} if one.optimizer else set()
    trained = parameters_name(one)
    return callees | owners | ({trained} if trained else set())


def _reads(node: ast.expr, *, nested: bool, outermost: bool) -> Iterator[tuple[ast.Name, bool]]:
    """Yield names read in `node`, and whether they are arguments of an inner call.

    An inner call is one that is not the outermost.
    """
    if isinstance(node, ast.Name):
        yield node, nested
        return
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            yield from _reads(node.func, nested=nested, outermost=outermost)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            yield from _reads(argument, nested=nested or not outermost, outermost=False)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _reads(
                child, nested=nested, outermost=outermost and isinstance(node, ast.Attribute)
            )


def parameters_name(one: Pass) -> str | None:
    """Return the function's parameter that holds the tensors to train.

    It is unpacked for the model, or is called so.
    """
    arguments = arguments_of(one.function)
    starred = [
        item.value.id
        for item in ast.walk(one.function)
        if isinstance(item, ast.Starred) and isinstance(item.value, ast.Name)
    ]
    called_so = [
        name
        for name in arguments
        if any(word in name.lower() for word in ("param", "weight", "theta"))
    ]
    return next((name for name in [*starred, *called_so] if name in arguments), None)
