"""A module cut down to some of its definitions and what they need, by its syntax tree: what stands
beside them is not there, comments included.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from autograder.notebooks.names import bound_names
from autograder.syntax import syntax_tree

_NAMESPACES = frozenset({"globals", "locals", "vars", "setattr"})
"""Through these a statement may define what no syntax tree shows."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def cut(source: str, names: Collection[str]) -> str:
    """Return the statements of `source` that define `names`, and those that these use.

    They stand in order; "" for no names.

    Docstrings of `names` keep their first line, which is a title; those of other definitions go.
    Nothing is run, so a name that is only used through a string is not seen.

    Raises:
        SyntaxError: if `source` is not valid Python.
    """
    statements = syntax_tree(source).body
    binds = [bound_names(ast.unparse(node)) for node in statements]
    kept: set[int] = set()
    wanted, seen = set(names), set[str]()
    while wanted:
        seen |= wanted
        found = {index for index, bound in enumerate(binds) if bound & wanted} - kept
        kept |= found
        wanted = {name for index in found for name in _read(statements[index])} - seen
    kept |= set(_changing(statements, binds, kept))
    if not kept:
        return ""
    kept |= {
        index
        for index, node in enumerate(statements)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    }
    lines = [ast.unparse(_trimmed(statements[index], seen, names)) for index in sorted(kept)]
    return "\n\n".join(lines) + "\n"


def number_lists(source: str) -> Iterator[tuple[float, ...]]:
    """All lists and tuples of numbers that stand in `source` as literals, nested ones flat."""
    for node in ast.walk(syntax_tree(source)):
        if isinstance(node, ast.List | ast.Tuple):
            try:
                yield tuple(_flat(ast.literal_eval(node)))
            except (ValueError, TypeError, SyntaxError, RecursionError):
                continue


def _flat(value: object) -> Iterator[float]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, int | float):
        yield float(value)
    else:
        raise TypeError


def _read(node: ast.AST) -> set[str]:
    """Names that a statement uses anywhere."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _changing(
    statements: Sequence[ast.stmt], binds: Sequence[frozenset[str]], kept: Collection[int]
) -> Iterator[int]:
    """Yield indices of statements that define nothing and use only what is kept.

    They may change it, as a call of a method does. Those that define names by their text are left
    out.
    """
    known = {name for index in kept for name in binds[index]}
    bound = {name for names in binds for name in names}
    for index, node in enumerate(statements):
        read = _read(node)
        if (
            not binds[index]
            and read & known
            and not (read & bound) - known
            and not read & _NAMESPACES
        ):
            yield index


def _trimmed(node: ast.stmt, used: Collection[str], titled: Collection[str]) -> ast.stmt:
    """Return the statement with only the imports that are used.

    Docstrings that are no titles go, too.
    """
    if isinstance(node, ast.Import | ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return node
        node.names = [
            alias
            for alias in node.names
            if alias.name == "*" or (alias.asname or alias.name.partition(".")[0]) in used
        ]
    if isinstance(node, _Function) and (text := ast.get_docstring(node)):
        title = [ast.Expr(ast.Constant(text.split("\n")[0].strip()))] if node.name in titled else []
        node.body = [*title, *node.body[1:]] or [ast.Pass()]
    return node
