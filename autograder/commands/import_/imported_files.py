"""The files that an imported notebook becomes: metadata, template, checks, solution, and answers
for those who mark.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tomlkit

from autograder.notebooks.cells import Role
from autograder.notebooks.libraries import import_jupytext, nbformat
from autograder.notebooks.names import defined_names
from autograder.notebooks.writing.regions import Region, without_region
from autograder.reports.plain import number, plain_line
from autograder.syntax import syntax_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.exchange.nbgrader.assignment_source import (
        SourceAssignment,
        SourceCell,
        SourceNotebook,
    )

CPU_S, WALL_S = 300, 600
"""For a whole imported notebook: enough for several cells that run into nbgrader's limit of 30
s.
"""

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_JINJA = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an assignment is made from, and its name here."""

    assignment: SourceAssignment
    notebook: SourceNotebook
    slug: str

    @property
    def title(self) -> str:
        """What students read: nbgrader has names only."""
        name, own = self.assignment.name, self.notebook.path.stem
        return name if own == name else f"{name} – {own}"

    @property
    def submitted_as(self) -> str:
        """Where nbgrader keeps submissions; empty where it is where we look anyway."""
        place = f"{self.assignment.name}/{self.notebook.path.stem}"
        return "" if place == f"{self.slug}/{self.slug}" else place


@dataclass(frozen=True, slots=True)
class GradedTest:
    """A test cell with the name of its check, its title and the function that it is about."""

    cell: SourceCell
    name: str
    title: str
    about: str


def assignment_files(origin: Origin, graded: Sequence[GradedTest]) -> dict[str, bytes]:
    """Content of all files of the assignment that `origin` becomes, by their path in the course."""
    notebook, slug = origin.notebook, origin.slug
    data = {
        f"files/{name}": content
        for name, content in (origin.assignment.files | notebook.attachments).items()
    }
    here, there = f"assignments/{slug}", f"solutions/{slug}"
    texts = {
        f"{here}/assignment.toml": _toml(origin, _sections(notebook.cells), graded, sorted(data)),
        f"{here}/notebook.py.j2": _template(notebook.cells),
        f"{here}/test_{slug.replace('-', '_')}.py": _checks(
            notebook, graded, origin.assignment.ignore_stderr
        ),
        f"{there}/solution.py": _solution(notebook),
    }
    if answers := _answers(notebook.cells):
        texts[f"{there}/answers.md"] = answers
    return {name: text.encode() for name, text in texts.items()} | {
        f"{here}/{name}": content for name, content in data.items()
    }


# --- what the cells are about ---------------------------------------------------------------------


def _subjects(cells: Sequence[SourceCell]) -> dict[str, str]:
    """For each cell that students write code in: the first definition in it that no earlier cell
    has, else the cell's id.
    """
    subjects: dict[str, str] = {}
    for cell in cells:
        if cell.role is Role.SOLUTION or (cell.role is Role.ANSWER and cell.cell_type == "code"):
            named = [name for name in defined_names(cell.source) if name not in subjects.values()]
            subjects[cell.id] = named[0] if named else cell.id
    return subjects


def graded_tests_of(cells: Sequence[SourceCell]) -> tuple[GradedTest, ...]:
    """All test cells, in order; each is about what the last cell before it that students write
    begins to define.
    """
    subjects = _subjects(cells)
    about = next(iter(subjects.values()), "notebook")
    found: list[GradedTest] = []
    for cell in cells:
        about = subjects.get(cell.id, about)
        if cell.role is Role.TESTS:
            name = "test_" + re.sub(r"\W", "_", cell.id).removeprefix("test_")
            while name in {test.name for test in found}:
                name += "_"
            found.append(GradedTest(cell, name, _title(cell), about))
    return tuple(found)


def _title(cell: SourceCell) -> str:
    """The first line of a test cell's docstring or of its first comment, hidden tests aside; else
    its name.
    """
    source = without_region(cell.source, Region.HIDDEN_TESTS)
    try:
        words = ast.get_docstring(syntax_tree(source)) or ""
    except SyntaxError:
        words = ""
    comment = re.match(r"\s*#+[ \t]*(\w.*)", source)
    words = words.strip().split("\n")[0] or (comment[1] if comment else "")
    return re.sub(r"[\"\\]+", "'", plain_line(words, 120)).strip() or f"Tests {cell.id}"


def _sections(cells: Sequence[SourceCell]) -> dict[str, tuple[str, ...]]:
    """Ids of the cells that give points or are written by students, by the heading that they stand
    under.
    """
    title, found = "Notebook", dict[str, list[str]]()
    for cell in cells:
        if (
            cell.cell_type == "markdown"
            and cell.role is not Role.ANSWER
            and (heads := _HEADING.findall(cell.released))
        ):
            title = plain_line(heads[-1], 100) or title
        if cell.role in (Role.SOLUTION, Role.TESTS, Role.ANSWER, Role.TASK):
            found.setdefault(title, []).append(cell.id)
    return {title: tuple(ids) for title, ids in found.items()}


# --- the files ------------------------------------------------------------------------------------


def _toml(
    header: Origin,
    sections: dict[str, tuple[str, ...]],
    graded: Sequence[GradedTest],
    data: Sequence[str],
) -> str:
    cells = {cell.id: cell for cell in header.notebook.cells}
    subjects = _subjects(header.notebook.cells)
    total = sum(test.cell.points for test in graded) + sum(
        cell.points for cell in cells.values() if cell.role in (Role.ANSWER, Role.TASK)
    )
    document = tomlkit.document()
    document.add(
        tomlkit.comment(
            f"Imported from nbgrader: {header.assignment.name}/{header.notebook.path.name}"
        )
    )
    document.add("title", header.title)
    document.add("points", _number(total))
    if header.submitted_as:
        document.add("submitted_as", header.submitted_as)
    if data:
        document.add("files", list(data))
    about = {test.cell.id: test.about for test in graded} | subjects
    parts, questions, placed = tomlkit.aot(), tomlkit.aot(), set[str]()
    for title, ids in sections.items():
        functions = [
            name
            for name in dict.fromkeys(about[cell] for cell in ids if cell in about)
            if name not in placed
        ]
        placed.update(functions)
        if functions:
            parts.append(tomlkit.item({"title": title, "functions": functions}))
        for cell in (cells[name] for name in ids if cells[name].role in (Role.ANSWER, Role.TASK)):
            words = {"id": cell.id, "title": cell.id.replace("_", " "), "part": title}
            questions.append(tomlkit.item({**words, "points": _number(cell.points)}))
    document.add("parts", parts or [])
    if questions:
        document.add("questions", questions)
    limits = tomlkit.table()
    limits.comment("nbgrader interrupts a cell and goes on; it has no limit for the whole notebook")
    if header.assignment.cell_s:
        limits.add("cell_s", header.assignment.cell_s)
    limits.add("cpu_s", CPU_S)
    limits.add("wall_s", WALL_S)
    document.add("limits", limits)
    return tomlkit.dumps(document)


def _number(points: float) -> float:
    """Ten digits are enough for any mark, and hide what sums of 0.1 leave behind."""
    exact = round(points, 10)
    return int(exact) if exact.is_integer() else exact


def _exact(points: float) -> str:
    """Ten digits are enough for any mark, and hide what sums of 0.1 leave behind."""
    return (
        f"{round(points, 10):g}"
        if round(points, 10) == round(points, 4)
        else repr(round(points, 10))
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _template(cells: Sequence[SourceCell]) -> str:
    return "\n".join(_piece(cell) for cell in cells)


def _piece(cell: SourceCell) -> str:
    """One cell of the template: what students write in code is taken from solution.py, everything
    else stands there.
    """
    header, _, body = _percent(
        cell, cell.source if cell.cell_type == "code" else cell.released, role=True
    ).partition("\n")
    if cell.cell_type == "code" and cell.role in (Role.SOLUTION, Role.ANSWER):
        body = f'{{{{ cell("{cell.id}") }}}}\n'
    elif _JINJA.search(body):
        body = f"{{% raw -%}}\n{body}{{% endraw %}}\n"
    return f"{header}\n{body}"


def _percent(cell: SourceCell, source: str, *, role: bool) -> str:
    """A cell as jupytext writes it: header, then the source, ending in a line feed."""
    jupytext = import_jupytext()
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}.get(
        cell.cell_type, nbformat.v4.new_raw_cell
    )
    metadata = {"role": str(cell.role), "id": cell.id} if role else {"id": cell.id}
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}
    notebook = nbformat.v4.new_notebook(
        cells=[new(source, metadata=metadata)], metadata={"jupytext": filters}
    )
    return str(jupytext.writes(notebook, fmt="py:percent")).rstrip("\n") + "\n"


def _solution(notebook: SourceNotebook) -> str:
    head = (
        f'"""Reference of {notebook.path.name}, cell by cell: `{{{{ cell("id") }}}}` in the'
        ' template takes one over. Imported from nbgrader."""\n'
    )
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.role in (Role.SOLUTION, Role.ANSWER)
    ]
    return "\n".join([head, *(_percent(cell, cell.source, role=False) for cell in cells)])


def _answers(cells: Sequence[SourceCell]) -> str:
    """What the author answered himself, and mark schemes: for those who mark."""
    kept = [
        cell
        for cell in cells
        if cell.cell_type == "markdown"
        and cell.role in (Role.ANSWER, Role.TASK)
        and cell.source != cell.released
    ]
    return "\n".join(
        f"## {cell.id} ({number(cell.points)} points)\n\n{cell.source.strip()}\n" for cell in kept
    )


def _checks(notebook: SourceNotebook, graded: Sequence[GradedTest], ignore_stderr: str) -> str:
    head = (
        f'"""Checks of {notebook.path.name}: nbgrader\'s own test cells, which run beside student'
        " code and can be read by it.\n\nEach can give way to a check with @call or @cell, one at"
        ' a time.\n"""\n'
    )
    if not graded:
        return head
    imports = (
        "from autograder.checks import points\nfrom autograder.checks.graded_cells import"
        " assert_graded_cell, graded_cell\n"
    )
    return "\n".join([head, imports, *(_check(test, ignore_stderr) for test in graded)])


def _check(test: GradedTest, ignore_stderr: str) -> str:
    more = f", ignore_stderr={ignore_stderr!r}" if ignore_stderr else ""
    return f'''
@points({_exact(test.cell.points)})
@graded_cell({_quoted(test.cell.id)}, of={_quoted(test.about)}{more})
def {test.name}(run, reference):
    """{test.title}"""
    assert_graded_cell(run, reference)
'''
