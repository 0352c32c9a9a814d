"""Reading and changing syntax trees: places, templates, replacement by identity."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from autograder.mistakes.operator import Function
from autograder.syntax import syntax_tree

Site = TypeVar("Site")


def at_each(
    find: Callable[[Function], Sequence[Site]], edit: Callable[[Site], object], function: Function
) -> Iterator[Function]:
    """A copy of `function` for each place that `find` finds, changed there by `edit`."""
    for number in range(len(find(function))):
        changed = copy.deepcopy(function)
        edit(find(changed)[number])
        yield changed


def statements(template: str, **parts: ast.expr | str) -> list[ast.stmt]:
    """The statements of `template`, each name that `parts` lists replaced by its part."""
    filled = _Filling(parts).visit(syntax_tree(template))
    return list(filled.body)


def expression(template: str, **parts: ast.expr | str) -> ast.expr:
    """Fill in a template of one expression, as `statements` does."""
    statement = statements(template, **parts)[0]
    assert isinstance(statement, ast.Expr)
    return statement.value


class _Filling(ast.NodeTransformer):
    def __init__(self, parts: dict[str, ast.expr | str]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        part = self.parts.get(node.id)
        if isinstance(part, str):
            return ast.Name(part, node.ctx)
        return node if part is None else copy.deepcopy(part)


def replace(root: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put `new` where `old`, that very node, stands below `root`."""
    for parent in ast.walk(root):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
                return
            if isinstance(value, list):
                for number, item in enumerate(value):
                    if item is old:
                        value[number] = new
                        return


def index_of(block: Sequence[ast.stmt], statement: ast.stmt) -> int:
    """Return the index of `statement`, that very node, in `block`."""
    return next(number for number, item in enumerate(block) if item is statement)


def remove(block: list[ast.stmt], *unwanted: ast.stmt) -> None:
    """Take statements out of their block, which keeps at least a `pass`."""
    block[:] = [item for item in block if not any(item is one for one in unwanted)] or [ast.Pass()]


def after_docstring(function: Function) -> int:
    """Index of the first statement of the body that is not the docstring."""
    return int(ast.get_docstring(function, clean=False) is not None)


def import_torch(function: Function) -> None:
    """Let the function import torch itself.

    A notebook may do so under another name, or not at all.
    """
    place = after_docstring(function)
    function.body[place:place] = statements("import torch")


def method_call(statement: ast.AST, *names: str) -> ast.Call | None:
    """The call, if `statement` is nothing but a call `x.name(...)` of one of `names`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        call
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in names
        else None
    )


def receiver(call: ast.Call) -> ast.expr:
    """Return `x` of `x.name(...)`."""
    assert isinstance(call.func, ast.Attribute)
    return call.func.value


def called(node: ast.AST) -> str:
    """Last part of the name of what `node` calls, empty if it is no call of a name."""
    if isinstance(node, ast.Call):
        match node.func:
            case ast.Name(name) | ast.Attribute(attr=name):
                return name
    return ""


def names_in(node: ast.AST) -> set[str]:
    """All names that are read below `node`, itself included."""
    return {
        item.id
        for item in ast.walk(node)
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)
    }


def arguments_of(function: Function) -> list[str]:
    """Names of the parameters, without self."""
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument.arg for argument in every if argument.arg != "self"]


def is_number(node: ast.AST | None, value: float | None = None) -> bool:
    """Tell whether `node` is a number, or that number."""
    if (
        not isinstance(node, ast.Constant)
        or isinstance(node.value, bool)
        or not isinstance(node.value, int | float)
    ):
        return False
    return value is None or node.value == value


def rename(root: ast.AST, names: dict[str, str]) -> None:
    """Exchange names that are read below `root`."""
    for node in ast.walk(root):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            node.id = names.get(node.id, node.id)
