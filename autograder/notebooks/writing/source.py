"""The notebook's source: a percent script with Jinja2, rendered for students or as the reference
program.

A cell's header says what the cell is for::

    # %% [markdown] role="text" id="part1"
    # %% role="given" id="data"
    # %% role="solution" id="training_loop"
    # %% role="check" id="test_one_step"
    # %% role="tests" id="correct_squares"
    # %% [markdown] role="answer" id="why_it_diverges"
    # %% [markdown] role="task" id="state_the_formulae"
    # %% role="variant" id="your_data"
    # %% role="free" id="scratch"

Besides Jinja2's own, a template has `stub(name)`, `given(name)` (a whole definition of the solution
that students get), `cell(id)` (a cell of a solution that is written in cells), `points(check)`,
`has_check(check)`, `reference(check)`, `assignment`, `variant` (what variant.py draws for the
student, as in ``{{ variant.t_c }}``), and the filters `tensor` and `number`. Only cells of role
variant may differ from one student to another.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

from autograder.assignment import AssignmentFiles
from autograder.errors import AssignmentError
from autograder.notebooks.cells import GRADE_ID, Role, grade_id_of, mark, role_of
from autograder.notebooks.libraries import NotebookNode, import_jupytext, nbformat
from autograder.notebooks.reading.signature import mark_variant
from autograder.notebooks.writing.facts import UNQUOTED, Facts, Unquoted, number_text, tensor_text
from autograder.notebooks.writing.program_cells import solution_cell
from autograder.notebooks.writing.regions import Region, without_region
from autograder.notebooks.writing.stub import cut_stub, definition, whole_definition
from autograder.syntax import undisturbed

__all__ = ["Facts", "Mode", "render_notebook", "write_notebook"]

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "codemirror_mode": {"name": "ipython", "version": 3},
}

_NEW = {
    "code": nbformat.v4.new_code_cell,
    "markdown": nbformat.v4.new_markdown_cell,
    "raw": nbformat.v4.new_raw_cell,
}

_HEADER = re.compile(r"^# %%(?:[ \t].*)?$", re.MULTILINE)
_LINE_KEY = "template_line"


class Mode(StrEnum):
    """Whom a notebook is rendered for."""

    RELEASE = "release"
    """Students: stubs, and checks with the reference's numbers, without hidden tests."""
    REFERENCE = "reference"
    """The executor: solutions, and no checks, since their numbers come from this notebook's own
    runs; but tests, which give points by their run.
    """


@dataclass(frozen=True, slots=True)
class _Piece:
    """A cell as the template states it; `line` is its header's."""

    role: Role
    cell_type: str
    id: str
    source: str
    line: int


def render_notebook(files: AssignmentFiles, mode: Mode, facts: Facts) -> NotebookNode:
    """The assignment's notebook (nbformat 4.5), the same bytes each time.

    Raises:
        AssignmentError: naming file and line of what is wrong in the template or the solution.
    """
    script = _render(files, mode, facts)
    cells: list[NotebookNode] = []
    for piece in _pieces(script, files.template):
        if mode is Mode.REFERENCE and piece.role is Role.CHECK:
            continue
        if UNQUOTED in piece.source and piece.role is Role.VARIANT:
            # numbers for the student's own data: the reference's notebook is what they come from
            continue
        if UNQUOTED in piece.source:
            problem = (
                f"cell {piece.id!r} quotes a {UNQUOTED}a check. Only cells of role check (or"
                " variant) can: the reference itself has to run before its numbers exist"
            )
            raise _error(files.template, piece.line, problem)
        cells.append(_cell(piece, mode, facts, files))
    answers = {grade_id_of(cell) for cell in cells if role_of(cell) in (Role.ANSWER, Role.TASK)}
    for question in files.assignment.questions:
        if question.id not in answers:
            problem = (
                f"question {question.id!r} of assignment.toml has no cell; begin one with: # %%"
                f' [markdown] role="answer" id="{question.id}"'
            )
            raise _error(files.template, 1, problem)
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO}
    )
    notebook["nbformat_minor"] = 5
    return notebook


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write `notebook` to `path`, whole or not at all."""
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text.rstrip("\n") + "\n")
            file.flush()
            # NamedTemporaryFile makes it 0o600, unreadable for the students it is copied to
            os.fchmod(file.fileno(), 0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise


def _error(path: Path, line: int, problem: str) -> AssignmentError:
    return AssignmentError(f"{path}:{line}: {problem}")


def _render(files: AssignmentFiles, mode: Mode, facts: Facts) -> str:
    """The percent script, each header with its line in the template added."""
    script = _read(files.template)
    numbered = _HEADER.sub(
        lambda header: (
            f"{header.group().rstrip()} {_LINE_KEY}={script.count(chr(10), 0, header.start()) + 1}"
        ),
        script,
    )
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda _: (numbered, str(files.template), None)),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the result is Python and Markdown, not HTML
    )
    environment.globals |= _names(files, mode, facts)
    environment.filters |= {"tensor": tensor_text, "number": number_text}
    try:
        with undisturbed():  # numbers in a template are parsed
            template = environment.get_template(files.template.name)
        return template.render()
    except jinja2.TemplateSyntaxError as error:
        raise _error(
            files.template, error.lineno, f"not a valid template: {error.message}"
        ) from error
    except (
        AssignmentError,
        jinja2.TemplateError,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # what an expression in a template can raise; Jinja2 puts the template's own lines into the
        # traceback
        raise _error(
            files.template,
            _template_line(error, files.template),
            str(error) or type(error).__name__,
        ) from error


def _names(files: AssignmentFiles, mode: Mode, facts: Facts) -> dict[str, Any]:
    """What a template can call."""
    solution = _read(files.solution)

    def stub(name: str) -> str:
        return (cut_stub if mode is Mode.RELEASE else definition)(solution, name, files.solution)

    def cell(name: str) -> str:
        return solution_cell(solution, name, files.solution, cut=mode is Mode.RELEASE)

    def given(name: str) -> str:
        return whole_definition(solution, name, files.solution)

    def reference(check: str) -> Any:
        if mode is Mode.REFERENCE:
            return Unquoted(check)
        if facts.reference is None:
            message = f"reference({check!r}) needs a run of the reference, and there is none"
            raise AssignmentError(message)
        try:
            return facts.reference(check)
        except KeyError as error:
            message = f"the reference has no run for a check called {check!r}"
            raise AssignmentError(message) from error

    def points(check: str) -> float | int:
        value = facts.points_of(check) if mode is Mode.RELEASE else facts.points.get(check, 0)
        return int(value) if float(value).is_integer() else value

    def has_check(name: str) -> bool:
        return name in facts.points

    return {
        "stub": stub,
        "given": given,
        "cell": cell,
        "reference": reference,
        "points": points,
        "has_check": has_check,
        "assignment": files.assignment,
    } | ({"variant": SimpleNamespace(**files.draw.values)} if files.draw else {})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise AssignmentError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 (byte {error.start})"
        raise AssignmentError(message) from error


def _template_line(error: BaseException, template: Path) -> int:
    """The innermost line of the template in the error's traceback, 1 if there is none."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(template):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _pieces(script: str, template: Path) -> Iterator[_Piece]:
    """The rendered script's cells, checked."""
    jupytext = import_jupytext()
    seen: dict[str, int] = {}
    with undisturbed():  # values in cells' headers are parsed
        notebook = jupytext.reads(script, fmt="py:percent")
    for cell in notebook.cells:
        metadata = cell["metadata"]
        line = metadata.get(_LINE_KEY)
        if (
            line is None
        ):  # what stands above the first header: a YAML header for jupytext, or something lost
            if cell["cell_type"] == "raw" or not cell["source"].strip():
                continue
            raise _error(
                template,
                1,
                "text before the first cell; begin it with a header such as: # %% [markdown]"
                ' role="text" id="intro"',
            )
        piece = _Piece(
            _role(cell, template),
            cell["cell_type"],
            str(metadata.get("id", "")),
            cell["source"],
            line,
        )
        if not GRADE_ID.fullmatch(piece.id):
            problem = f"id={piece.id!r} is no name for a cell" if piece.id else "the cell has no id"
            raise _error(
                template, line, f'{problem}; use 1 to 64 letters, digits, - or _, as in id="part1"'
            )
        if piece.id in seen:
            raise _error(
                template,
                line,
                f"a second cell with id={piece.id!r}; the first is on line {seen[piece.id]}",
            )
        seen[piece.id] = line
        yield piece


def _role(cell: NotebookNode, template: Path) -> Role:
    """The role in a cell's header, which must suit its type."""
    line, name = cell["metadata"][_LINE_KEY], cell["metadata"].get("role")
    if name not in list(Role):
        known = ", ".join(Role)
        raise _error(
            template,
            line,
            (
                f"role={name!r} is none of: {known}"
                if name
                else f"the cell has no role; it is one of: {known}"
            ),
        )
    role = Role(name)
    if role.cell_type not in (None, cell["cell_type"]):
        wanted = "# %% [markdown]" if role.cell_type == "markdown" else "# %% without [markdown]"
        raise _error(template, line, f"a cell of role {role} begins with {wanted}")
    return role


def _cell(piece: _Piece, mode: Mode, facts: Facts, files: AssignmentFiles) -> NotebookNode:
    cell = _NEW[piece.cell_type](source=_shown(piece, mode, files.template), id=piece.id)
    points = None
    if piece.role in (Role.CHECK, Role.TESTS) and mode is Mode.RELEASE:
        try:
            points = facts.points_of(piece.id)
        except AssignmentError as error:
            raise _error(files.template, piece.line, str(error)) from error
    elif piece.role is Role.TESTS:
        points = 0.0  # of the reference, whose points nobody counts; a graded cell has to have some
    if piece.role in (Role.ANSWER, Role.TASK):
        points = next(
            (question.points for question in files.assignment.questions if question.id == piece.id),
            None,
        )
        if points is None:
            problem = (
                f"assignment.toml has no [[questions]] with id = {piece.id!r}, so this answer has"
                " no points"
            )
            raise _error(files.template, piece.line, problem)
    mark(cell, piece.role, piece.id, points)
    if piece.role is Role.VARIANT:
        if files.draw is None:
            raise _error(
                files.template,
                piece.line,
                f"a cell of role variant, and there is no {files.variant}",
            )
        mark_variant(cell, piece.id, files.draw, signed=mode is Mode.RELEASE)
    return cell


def _shown(piece: _Piece, mode: Mode, template: Path) -> str:
    """The cell's source as `mode` has it: students don't get hidden tests."""
    if piece.cell_type != "code" or mode is not Mode.RELEASE:
        return piece.source
    try:
        return without_region(piece.source, Region.HIDDEN_TESTS)
    except ValueError as error:
        problem = f"cell {piece.id!r} {error}"
        raise _error(template, piece.line, problem) from error
