"""Mistakes that an instructor wrote down, for those that no operator makes.

`solutions/<slug>/mistakes.py` is parsed and never imported. A function below ``@mistake`` takes the
place of the solution's function ``of``; its code is its name::

    @mistake(of="training_loop", rows=(44,), name="knows the answer by heart")
    def hard_coded_answer(n_epochs, optimizer, params, t_u, t_c):
        ...

``survives="why"`` excuses a mistake that the checks may let pass. Mistakes that operators make are
excused, by their id, in a dict ``EXCUSED = {"id": "why"}``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from autograder.errors import AssignmentError
from autograder.mistakes.mutants import Mutant, parse, with_statement

Written = TypeVar("Written", bound=Callable[..., Any])


def mistake(
    *, of: str, name: str, rows: tuple[int, ...] = (), survives: str = ""
) -> Callable[[Written], Written]:
    """Mark a function of mistakes.py, for editors and linters: the reader sees only the source."""
    return lambda function: function


def equivalent(*, of: str, name: str) -> Callable[[Written], Written]:
    """Mark a definition of equivalents.py.

    It takes the place of the solution's ``of``, and is right.
    """
    return lambda function: function


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Content of a mistakes.py.

    It holds programs, and reasons for mistakes of operators that may survive, by id.
    """

    written: tuple[Mutant, ...]
    excused: dict[str, str]

    def excuse(self, made: tuple[Mutant, ...]) -> tuple[Mutant, ...]:
        """Fill in the reasons of mistakes that operators made, and add those that were written.

        Raises:
            AssignmentError: if a reason is for a mistake that does not exist.
        """
        unknown = self.excused.keys() - {one.id for one in made}
        if unknown:
            message = (
                f"mistakes.py excuses {', '.join(sorted(unknown))}, which no operator makes of this"
                " solution"
            )
            raise AssignmentError(message)
        return (
            *(replace(one, survives=self.excused.get(one.id, "")) for one in made),
            *self.written,
        )


def read_equivalents(
    text: str, path: Path, solution: str, solution_path: Path
) -> tuple[Mutant, ...]:
    """Read `text`, the equivalents.py at `path`.

    It holds right programs, each with one definition of the solution in other words.

    Raises:
        AssignmentError: as `read_mistakes`.
    """
    return read_mistakes(text, path, solution, solution_path, mark="equivalent").written


def read_mistakes(
    text: str, path: Path, solution: str, solution_path: Path, mark: str = "mistake"
) -> Mistakes:
    """Read `text`, the mistakes.py at `path`, for the solution with source `solution`.

    `mark` is the decorator that is looked for.

    Raises:
        AssignmentError: with file and line, if it is not as described above.
    """
    module = parse(solution, solution_path)
    places = {
        node.name: number
        for number, node in enumerate(module.body)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    written: list[Mutant] = []
    excused: dict[str, str] = {}
    for node in parse(text, path).body:
        match node:
            case ast.Assign(targets=[ast.Name("EXCUSED")], value=value):
                excused = _reasons(value, path)
            case (
                ast.FunctionDef(decorator_list=[ast.Call(func=ast.Name(found)) as words])
                | ast.ClassDef(decorator_list=[ast.Call(func=ast.Name(found)) as words])
            ) if found == mark:
                one = _mutant(node, _words(words, path), module, places, path)
                if any(one.id == other.id for other in written):
                    raise _error(path, node, f"a second {mark} called {one.id}")
                written.append(one)
    return Mistakes(tuple(written), excused)


def _mutant(
    node: ast.FunctionDef | ast.ClassDef,
    words: dict[str, object],
    module: ast.Module,
    places: dict[str, int],
    path: Path,
) -> Mutant:
    code, of = node.name.replace("_", "-"), words["of"]
    if not isinstance(of, str) or of not in places:
        raise _error(
            path, node, f"of={of!r}: the solution has no such function; it has {', '.join(places)}"
        )
    reference = module.body[places[of]]
    node.name, node.decorator_list = of, getattr(reference, "decorator_list", [])
    whole = with_statement(module, places[of], node)
    rows = words.get("rows", ())
    rows = tuple(row for row in rows if isinstance(row, int)) if isinstance(rows, tuple) else ()
    texts = ast.unparse(whole.body[places[of]]), ast.unparse(whole) + "\n"
    return Mutant(
        code,
        code,
        str(words["name"]),
        rows,
        of,
        *texts,
        line=reference.lineno,
        survives=str(words.get("survives", "")),
    )


def _words(mark: ast.Call, path: Path) -> dict[str, object]:
    known = ("of", "name", "rows", "survives")
    try:
        words = {
            word.arg: ast.literal_eval(word.value) for word in mark.keywords if word.arg in known
        }
    except ValueError as error:
        raise _error(path, mark, "@mistake takes plain strings and numbers") from error
    if mark.args or len(words) != len(mark.keywords) or not {"of", "name"} <= words.keys():
        raise _error(
            path,
            mark,
            f"@mistake takes of= and name=, and may take rows= and survives=: {ast.unparse(mark)}",
        )
    return {str(word): value for word, value in words.items()}


def _reasons(value: ast.expr, path: Path) -> dict[str, str]:
    try:
        reasons = ast.literal_eval(value)
    except ValueError:
        reasons = None
    if not isinstance(reasons, dict) or not all(
        isinstance(item, str) and item for pair in reasons.items() for item in pair
    ):
        raise _error(path, value, "EXCUSED is a dict of reasons, by the id of the mistake")
    return reasons


def _error(path: Path, node: ast.expr | ast.stmt, problem: str) -> AssignmentError:
    return AssignmentError(f"{path}:{node.lineno}: {problem}")
