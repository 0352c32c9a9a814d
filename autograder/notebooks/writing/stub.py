"""Stubs: what students get of a solution, cut out at `### BEGIN SOLUTION` and `### END
SOLUTION`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AssignmentError
from autograder.syntax import syntax_tree

STUB_LINES = ("# YOUR CODE HERE", "raise NotImplementedError()")
"""nbgrader's wording (ClearSolutions.code_stub), so that its tools know a stub when they see
one.
"""

# Any line with the words counts, as in nbgrader: a marker with one `#` too few must not leak what
# it was meant to hide.
_BEGIN = re.compile(r"\bBEGIN\s+SOLUTION\b", re.IGNORECASE)
_END = re.compile(r"\bEND\s+SOLUTION\b", re.IGNORECASE)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """A top-level definition's lines in the solution.

    `first` is the 1-based number of the first.
    """

    name: str
    path: Path
    first: int
    lines: tuple[str, ...]

    def error(self, offset: int, problem: str) -> AssignmentError:
        """An error at the line `offset` of this excerpt."""
        return AssignmentError(f"{self.path}:{self.first + offset}: {problem}")


def cut_stub(source: str, name: str, path: Path) -> str:
    """Return the definition of `name` in `source` as students get it.

    It has decorators, signature and docstring, and each region is replaced by the stub.

    Raises:
        AssignmentError: with file and line, where `name` is missing, has no region, or its markers
            don't pair up.
    """
    excerpt = _excerpt(source, name, path)
    kept: list[str] = []
    for offset, region in enumerate(_regions(excerpt)):
        if region is None:
            kept.append(excerpt.lines[offset])
        elif region == "begin":
            # matches the empty string too
            indent = re.match(r"\s*", excerpt.lines[offset]).group()  # type: ignore[union-attr]
            kept += [indent + line for line in STUB_LINES]
    stub = "\n".join(kept)
    if len(kept) == len(excerpt.lines):
        raise excerpt.error(
            0,
            f"{name!r} has no region to cut: put its body between `### BEGIN SOLUTION` and `### END"
            " SOLUTION`",
        )
    if _face(stub) != _face("\n".join(excerpt.lines)):
        raise excerpt.error(
            0,
            f"the stub of {name!r} loses its signature or docstring: let the region begin below"
            " them, indented as the code in it",
        )
    return stub


def definition(source: str, name: str, path: Path) -> str:
    """The whole definition of `name` in `source`, solution included, markers removed.

    Raises:
        AssignmentError: as `cut_stub`, but a definition without a region is fine.
    """
    excerpt = _excerpt(source, name, path)
    markers = ("begin", "end")
    return "\n".join(
        line
        for line, region in zip(excerpt.lines, _regions(excerpt), strict=True)
        if region not in markers
    )


def whole_definition(source: str, name: str, path: Path) -> str:
    """The definition of `name` in `source`, which students are given as it is.

    Raises:
        AssignmentError: as `cut_stub`, and if it has a region: that is what students are to write.
    """
    excerpt = _excerpt(source, name, path)
    if any(_regions(excerpt)):
        raise excerpt.error(
            0,
            f"{name!r} has a region between `### BEGIN SOLUTION` and `### END SOLUTION`: given"
            " whole, it would be told",
        )
    return "\n".join(excerpt.lines)


def is_written(source: str, name: str, path: Path) -> bool:
    """Tell whether students write (a part of) `name`: its definition in `source` has a region.

    Raises:
        AssignmentError: as `cut_stub`.
    """
    return any(_regions(_excerpt(source, name, path)))


def definitions(source: str, names: Iterable[str], path: Path) -> str:
    """Return the definitions of `names`, in that order, as a program of its own.

    They stand below all top-level imports of `source`.

    Raises:
        AssignmentError: as `definition`.
    """
    imports = (
        ast.unparse(node)
        for node in _parse(source, path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    return (
        "\n\n\n".join(
            ["\n".join(imports), *(definition(source, name, path) for name in names)]
        ).lstrip()
        + "\n"
    )


def _parse(source: str, path: Path) -> ast.Module:
    try:
        return syntax_tree(source)
    except SyntaxError as error:
        message = f"{path}:{error.lineno}: not valid Python: {error.msg}"
        raise AssignmentError(message) from error


def _excerpt(source: str, name: str, path: Path) -> _Excerpt:
    """Return the lines of the last top-level definition of `name`, down to the last indented one.

    An END marker below the last statement is a comment, which the syntax tree does not hold.
    """
    nodes = [node for node in _parse(source, path).body if isinstance(node, _Definition)]
    node = next((node for node in reversed(nodes) if node.name == name), None)
    if node is None:
        defined = ", ".join(dict.fromkeys(node.name for node in nodes)) or "nothing"
        message = f"{path}:1: no top-level function {name!r}; it defines {defined}"
        raise AssignmentError(message)
    lines = source.splitlines()
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = end = node.end_lineno or node.lineno
    while end < len(lines) and (not lines[end].strip() or lines[end][0].isspace()):
        end += 1
        if lines[end - 1].strip():
            last = end
    return _Excerpt(name, path, first, tuple(lines[first - 1 : last]))


def _regions(excerpt: _Excerpt) -> list[str | None]:
    """Return for each line None outside of a region, else "begin", "inside" or "end"."""
    regions: list[str | None] = []
    opened: int | None = None
    for offset, line in enumerate(excerpt.lines):
        if _BEGIN.search(line):
            if opened is not None:
                raise excerpt.error(
                    offset,
                    f"nested `BEGIN SOLUTION`: the region begun on line {excerpt.first + opened}"
                    " has not ended",
                )
            opened = offset
            regions.append("begin")
        elif _END.search(line):
            if opened is None:
                raise excerpt.error(
                    offset,
                    f"`END SOLUTION` in {excerpt.name!r} without a `BEGIN SOLUTION` above it",
                )
            opened = None
            regions.append("end")
        else:
            regions.append(None if opened is None else "inside")
    if opened is not None:
        raise excerpt.error(
            opened,
            f"`BEGIN SOLUTION` in {excerpt.name!r} is never ended; put `### END SOLUTION` at the"
            " end, indented as the code",
        )
    return regions


def _face(source: str) -> tuple[object, ...] | None:
    """Return the parts of a definition that students must still see.

    Its kind, name, parameters, decorators, bases and docstring; None if it is no valid Python.
    """
    try:
        body = syntax_tree(source).body
    except SyntaxError:
        return None
    if len(body) != 1 or not isinstance(node := body[0], _Definition):
        return None
    fields = [getattr(node, field, None) for field in ("args", "returns", "bases")]
    dumps = [
        ast.dump(item)
        for field in [*fields, node.decorator_list]
        for item in (field if isinstance(field, list) else [field])
        if item
    ]
    return (type(node), node.name, *dumps, ast.get_docstring(node))
