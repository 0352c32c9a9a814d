"""Names that cells bind, read from their syntax trees: nothing is run."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from autograder.syntax import syntax_tree

_PYTHON_CELL_MAGICS = ("time", "timeit", "capture", "prun")
_PYTHON_LINE_MAGICS = re.compile(r"^(\s*)%(?:time|prun)\s+(?=[^\s-])")
_COMMAND = re.compile(r"(?P<indent>\s*)(?:[%!?]|[\w.]+\?{1,2}\s*$)")
_ASSIGNED_COMMAND = re.compile(r"(?P<target>[\w.,\s]+=\s*)[%!]")
_LONG = 20_000
_DEFINITION = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)


class HasSource(Protocol):
    """A cell with an id, in the order in which cells run."""

    @property
    def id(self) -> str:
        """The cell's id."""

    @property
    def source(self) -> str:
        """The cell's code, IPython's extras included."""


def _remembered(names: Callable[[str], frozenset[str]]) -> Callable[[str], frozenset[str]]:
    """Most cells are as released, in every student's notebook.

    Long ones are not kept: a thousand of them could fill the memory.
    """
    known = functools.lru_cache(maxsize=1024)(names)

    @functools.wraps(names)
    def of(source: str) -> frozenset[str]:
        return (known if len(source) <= _LONG else names)(source)

    return of


@_remembered
def bound_names(source: str) -> frozenset[str]:
    """Return names that a cell binds (or deletes) at top level.

    They come from definitions, imports, assignments of all kinds, loop targets, `as`, walrus,
    patterns.

    IPython's commands are left out. A cell that isn't valid Python binds nothing, since it does not
    run.
    """
    tree = _parse(source)
    return frozenset() if tree is None else frozenset(_bound(tree))


@_remembered
def meant_names(source: str) -> frozenset[str]:
    """Return `bound_names`; of a cell that isn't valid Python, those that it seems to define."""
    tree = _parse(source)
    return frozenset(_DEFINITION.findall(source)) if tree is None else frozenset(_bound(tree))


def defined_names(source: str) -> tuple[str, ...]:
    """Return functions and classes that a cell defines at top level, in order.

    Of a cell that isn't valid Python, they are those that it looks like.
    """
    tree = _parse(source)
    if tree is None:
        return tuple(_DEFINITION.findall(source))
    return tuple(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def rebound(cells: Sequence[HasSource], owners: Mapping[str, str]) -> dict[str, str]:
    """Return the check cells below which functions are bound again, by function.

    The functions are to be called in the state of that check cell.

    owners: from function name to the id of its last check cell. A function that is first bound
    below its check cell is not bound *again*.
    """
    names = [bound_names(cell.source) for cell in cells]
    position = {cell.id: index for index, cell in enumerate(cells)}
    found: dict[str, str] = {}
    for name, check in owners.items():
        if check not in position:
            continue
        split = position[check] + 1
        if any(name in bound for bound in names[:split]) and any(
            name in bound for bound in names[split:]
        ):
            found[name] = check
    return found


def _parse(source: str) -> ast.Module | None:
    """Return the syntax tree.

    IPython's commands are taken out only if there is none with them, for `%` may begin a line of
    Python too.
    """
    for text in (source, _without_commands(source)):
        try:
            return syntax_tree(text)
        except (
            SyntaxError,
            ValueError,
            RecursionError,
            MemoryError,
        ):  # ValueError: NUL; the last two: nested too deeply
            continue
    return None


def _without_commands(source: str) -> str:
    """Replace magics, shell commands and help requests by Python that does nothing."""
    lines = source.splitlines()
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if lines and lines[first].startswith("%%"):
        magic = lines[first][2:].split(maxsplit=1)
        if not magic or magic[0] not in _PYTHON_CELL_MAGICS:
            return ""
        lines = lines[first + 1 :]
    return "\n".join(_without_command(line) for line in lines)


def _without_command(line: str) -> str:
    line = _PYTHON_LINE_MAGICS.sub(r"\1", line)
    if match := _COMMAND.match(line):
        return match["indent"] + "pass"
    if match := _ASSIGNED_COMMAND.match(line):
        return match["target"] + "None"
    return line


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield names bound in the module's own scope.

    Bodies of functions, classes and lambdas have scopes of their own.
    """
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                yield name
                continue
            case ast.Lambda():
                continue
            # its target lives in the comprehension; a walrus in it does not
            case ast.comprehension():
                todo += [node.iter, *node.ifs]
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.alias():
                yield node.asname or node.name.partition(".")[0]
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name
            case _:
                pass
        todo += ast.iter_child_nodes(node)
