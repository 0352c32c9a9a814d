"""All operators, and the programs that they make of a solution."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AssignmentError
from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.operators.batching import BATCHING
from autograder.mistakes.operators.clearing import CLEARING
from autograder.mistakes.operators.counting import COUNTING
from autograder.mistakes.operators.data import DATA
from autograder.mistakes.operators.graph import GRAPH
from autograder.mistakes.operators.model import MODEL
from autograder.mistakes.operators.objective import OBJECTIVE
from autograder.mistakes.operators.optimizer_making import OPTIMIZER_MAKING
from autograder.mistakes.operators.optimizer_use import OPTIMIZER_USE
from autograder.mistakes.operators.returning import RETURNING
from autograder.mistakes.operators.stepping import STEPPING
from autograder.syntax import syntax_tree

OPERATORS: tuple[Operator, ...] = (
    *CLEARING,
    *STEPPING,
    *COUNTING,
    *OBJECTIVE,
    *MODEL,
    *DATA,
    *GRAPH,
    *OPTIMIZER_USE,
    *OPTIMIZER_MAKING,
    *RETURNING,
    *BATCHING,
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one mistake.

    `function` is the top-level definition that has it, `definition` that definition's source,
    `source` the whole module's; `line` is where the function begins in the reference. `survives`
    says why checks may let it pass (empty: they may not).
    """

    id: str
    code: str
    name: str
    rows: tuple[int, ...]
    function: str
    definition: str
    source: str
    line: int
    survives: str = ""


def mutants(source: str, path: Path) -> tuple[Mutant, ...]:
    """One program for each mistake that an operator can make in `source`, the solution at `path`;
    no two with the same tree.

    Raises:
        AssignmentError: if `source` is not valid Python.
    """
    module = parse(source, path)
    seen = {ast.dump(module)}
    made: list[Mutant] = []
    counts: dict[str, int] = {}
    for number, definition in enumerate(module.body):
        for operator, changed in _changed(definition):
            whole = with_statement(module, number, changed)
            if ast.dump(whole) in seen:
                continue
            seen.add(ast.dump(whole))
            counts[operator.code] = counts.get(operator.code, 0) + 1
            suffix = f"-{counts[operator.code]}" if counts[operator.code] > 1 else ""
            assert isinstance(changed, ast.FunctionDef | ast.ClassDef)
            texts = ast.unparse(changed), ast.unparse(whole) + "\n"
            made.append(
                Mutant(
                    operator.code + suffix,
                    operator.code,
                    operator.name,
                    operator.rows,
                    changed.name,
                    *texts,
                    line=definition.lineno,
                )
            )
    return tuple(made)


def parse(source: str, path: Path) -> ast.Module:
    """The syntax tree of `source`.

    Raises:
        AssignmentError: if there is none.
    """
    try:
        return syntax_tree(source)
    except SyntaxError as error:
        message = f"{path}:{error.lineno}: not valid Python: {error.msg}"
        raise AssignmentError(message) from error


def with_statement(module: ast.Module, number: int, statement: ast.stmt) -> ast.Module:
    """Return a copy of `module` with `statement` in the place of its statement `number`.

    It is as it reads back from source.
    """
    changed = ast.Module(
        [*module.body[:number], statement, *module.body[number + 1 :]], module.type_ignores
    )
    return syntax_tree(ast.unparse(ast.fix_missing_locations(changed)))


def _changed(definition: ast.stmt) -> Iterator[tuple[Operator, ast.stmt]]:
    """Yield each operator's changes of a function, or of each method of a class."""
    if isinstance(definition, ast.FunctionDef):
        for operator in OPERATORS:
            for changed in operator.mutate(definition):
                yield operator, changed
    elif isinstance(definition, ast.ClassDef):
        for number, method in enumerate(definition.body):
            if isinstance(method, Function):
                for operator in OPERATORS:
                    for changed in operator.mutate(method):
                        whole = copy.copy(definition)
                        whole.body = [
                            *definition.body[:number],
                            changed,
                            *definition.body[number + 1 :],
                        ]
                        yield operator, whole
