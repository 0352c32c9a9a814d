"""An nbgrader assignment turned into assignments here: one for each of its notebooks, with the same cells under the same names, which give the same points."""

from __future__ import annotations

import ast
import json
import keyword
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import open_assignment
from autograder.atomic import write_atomic
from autograder.errors import AssignmentError, ExchangeError
from autograder.exchange.nbgrader_source import read_source
from autograder.notebooks.cells import Role
from autograder.notebooks.facts import Facts
from autograder.notebooks.names import meant_names
from autograder.notebooks.regions import Region, region_lines, without_region
from autograder.notebooks.source import Mode, render_notebook
from autograder.pipeline.scaffold import SLUG
from autograder.reports.plain import number, plain_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.exchange.nbgrader_source import SourceAssignment, SourceCell, SourceNotebook

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_JINJA = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class Imported:
    """One assignment that an import has made, or found as it would make it (`written` false). `paths` are its files; points by who gives them."""

    slug: str
    notebook: Path
    paths: tuple[Path, ...]
    written: bool
    tests: int
    hidden: int
    test_points: float
    questions: int
    question_points: float


def import_nbgrader(course: Path, source: Path, slug: str = "") -> tuple[Imported, ...]:
    """Import the nbgrader assignment in folder `source` into the course at `course`, one assignment for each notebook: `slug` (the folder's name by default), with the notebook's name
    behind it where there are several.

    Raises:
        AssignmentError: if a file is there already with another content, or `course` is no course; nothing is written then.
        ExchangeError: if the source can't be read or taken over, with file and cell; nothing is written then.
    """
    if not (course / "assignments").is_dir():
        message = f"{course} is no course folder, it has no assignments/: `autograder init FOLDER` makes one"
        raise AssignmentError(message)
    assignment = read_source(source)
    stem = slug or assignment.name
    drafts = [
        _draft(assignment, notebook, _slug(stem if len(assignment.notebooks) == 1 else f"{stem}-{notebook.path.stem}"))
        for notebook in assignment.notebooks
    ]
    if len({draft.slug for draft in drafts}) < len(drafts):
        message = f"{source}: two notebooks would become one assignment: {', '.join(draft.slug for draft in drafts)}"
        raise ExchangeError(message)
    for draft in drafts:
        draft.check()
    placed = [(draft, {course / name: content for name, content in draft.files.items()}) for draft in drafts]
    taken = [str(path) for _, files in placed for path, content in files.items() if path.exists() and path.read_bytes() != content]
    if taken:
        message = f"there already, with another content, and never overwritten: {', '.join(taken)}. Import under another name (--slug) and compare"
        raise AssignmentError(message)
    done = []
    for draft, files in placed:
        missing = [path for path in files if not path.exists()]
        for path in missing:
            write_atomic(path, files[path])
            path.chmod(0o644)
        done.append(draft.imported(tuple(files), written=bool(missing)))
    return tuple(done)


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")
    slug = slug if slug[:1].isalpha() else f"a-{slug}"
    if not SLUG.fullmatch(slug):
        message = f"{name!r} can't name an assignment: choose a short name with --slug"
        raise ExchangeError(message)
    return slug


@dataclass(frozen=True, slots=True)
class _Graded:
    """A test cell with the name of its check, its title and the function that it is about."""

    cell: SourceCell
    name: str
    title: str
    about: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """An assignment before it is written. `files` by path in the course; `parts` maps titles to the functions that students write there."""

    slug: str
    source: SourceNotebook
    graded: tuple[_Graded, ...]
    files: dict[str, bytes]

    @property
    def questions(self) -> list[SourceCell]:
        return [cell for cell in self.source.cells if cell.role in (Role.ANSWER, Role.TASK)]

    def imported(self, paths: tuple[Path, ...], *, written: bool) -> Imported:
        """What to tell of it."""
        return Imported(
            slug=self.slug,
            notebook=self.source.path,
            paths=paths,
            written=written,
            tests=len(self.graded),
            hidden=sum(bool(region_lines(test.cell.source, Region.HIDDEN_TESTS)) for test in self.graded),
            test_points=sum(test.cell.points for test in self.graded),
            questions=len(self.questions),
            question_points=sum(cell.points for cell in self.questions),
        )

    def check(self) -> None:
        """Render it in a scratch folder, and compare each cell with the source and with what nbgrader itself would release.

        Raises:
            ExchangeError: naming the first cell that is not the same.
        """
        points = {test.cell.id: test.cell.points for test in self.graded} | {cell.id: cell.points for cell in self.questions}
        with tempfile.TemporaryDirectory() as scratch:
            for name, content in self.files.items():
                write_atomic(Path(scratch) / name, content)
            try:
                files = open_assignment(Path(scratch), self.slug)
                rendered = {mode: render_notebook(files, mode, Facts(points)) for mode in Mode}
            except AssignmentError as error:
                message = f"{self.source.path} can't be taken over: {str(error).replace(scratch, '').lstrip('/')}"
                raise ExchangeError(message) from error
        for mode, notebook in rendered.items():
            for cell, ours in zip(self.source.cells, notebook.cells, strict=False):
                wanted = cell.released if mode is Mode.RELEASE or cell.cell_type != "code" else cell.source
                if ours.id != cell.id or ours.source.strip("\n") != wanted.strip("\n"):
                    message = f"{self.source.path}: cell {cell.id!r} can't be taken over as it is; look for lines that begin with `# %%` or `{{% endraw %}}`"
                    raise ExchangeError(message)
            if len(notebook.cells) != len(self.source.cells):
                message = f"{self.source.path} can't be taken over: {len(self.source.cells)} cells became {len(notebook.cells)}"
                raise ExchangeError(message)


def _draft(assignment: SourceAssignment, notebook: SourceNotebook, slug: str) -> _Draft:
    sections = _sections(notebook.cells)
    graded = _graded(notebook.cells)
    data = {f"files/{name}": content for name, content in (assignment.files | notebook.attachments).items()}
    here, there = f"assignments/{slug}", f"solutions/{slug}"
    texts = {
        f"{here}/assignment.toml": _toml(_Header(assignment, notebook, slug), sections, graded, sorted(data)),
        f"{here}/notebook.py.j2": _template(notebook.cells),
        f"{here}/test_{slug.replace('-', '_')}.py": _checks(notebook, graded),
        f"{there}/solution.py": _solution(notebook),
    }
    if answers := _answers(notebook.cells):
        texts[f"{there}/answers.md"] = answers
    files = {name: text.encode() for name, text in texts.items()} | {f"{here}/{name}": content for name, content in data.items()}
    return _Draft(slug, notebook, graded, files)


# --- what the cells are about -----------------------------------------------------------------------------------------------


def _subjects(cells: Sequence[SourceCell]) -> dict[str, str]:
    """For each cell that students write code in: the first definition in it that no earlier cell has, else the cell's id."""
    subjects: dict[str, str] = {}
    for cell in cells:
        if cell.role is Role.SOLUTION or (cell.role is Role.ANSWER and cell.cell_type == "code"):
            named = [name for name in _defined(cell.source) if name not in subjects.values()]
            subjects[cell.id] = named[0] if named else cell.id
    return subjects


def _defined(source: str) -> list[str]:
    try:
        return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    except SyntaxError:  # a cell with magics
        return sorted(name for name in meant_names(source) if re.search(rf"^(?:def|class) {name}\b", source, re.MULTILINE))


def _graded(cells: Sequence[SourceCell]) -> tuple[_Graded, ...]:
    subjects = _subjects(cells)
    about = next(iter(subjects.values()), "notebook")
    found: list[_Graded] = []
    for cell in cells:
        about = subjects.get(cell.id, about)
        if cell.role is Role.TESTS:
            name = "test_" + re.sub(r"\W", "_", cell.id).removeprefix("test_")
            while name in {test.name for test in found}:
                name += "_"
            found.append(_Graded(cell, name, _title(cell), about))
    return tuple(found)


def _title(cell: SourceCell) -> str:
    """The first line of a test cell's docstring or of its first comment, hidden tests aside; else its name."""
    source = without_region(cell.source, Region.HIDDEN_TESTS)
    try:
        words = ast.get_docstring(ast.parse(source)) or ""
    except SyntaxError:
        words = ""
    comment = re.match(r"\s*#+[ \t]*(\w.*)", source)
    words = words.strip().split("\n")[0] or (comment[1] if comment else "")
    return re.sub(r"[\"\\]+", "'", plain_line(words, 120)).strip() or f"Tests {cell.id}"


def _sections(cells: Sequence[SourceCell]) -> dict[str, tuple[str, ...]]:
    """Ids of the cells that give points or are written by students, by the heading that they stand under."""
    title, found = "Notebook", dict[str, list[str]]()
    for cell in cells:
        if cell.cell_type == "markdown" and cell.role is not Role.ANSWER and (heads := _HEADING.findall(cell.released)):
            title = plain_line(heads[-1], 100) or title
        if cell.role in (Role.SOLUTION, Role.TESTS, Role.ANSWER, Role.TASK):
            found.setdefault(title, []).append(cell.id)
    return {title: tuple(ids) for title, ids in found.items()}


# --- the files ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    """Whence an assignment comes, and its name here."""

    assignment: SourceAssignment
    notebook: SourceNotebook
    slug: str

    @property
    def title(self) -> str:
        name, own = self.assignment.name, self.notebook.path.stem
        return name if own == name else f"{name} – {own}"

    @property
    def submitted_as(self) -> str:
        """Where nbgrader keeps submissions; empty where it is where we look anyway."""
        place = f"{self.assignment.name}/{self.notebook.path.stem}"
        return "" if place == f"{self.slug}/{self.slug}" else place


def _toml(header: _Header, sections: dict[str, tuple[str, ...]], graded: Sequence[_Graded], data: Sequence[str]) -> str:
    cells = {cell.id: cell for cell in header.notebook.cells}
    subjects = _subjects(header.notebook.cells)
    total = sum(test.cell.points for test in graded) + sum(cell.points for cell in cells.values() if cell.role in (Role.ANSWER, Role.TASK))
    lines = [
        f"# Imported from nbgrader: {header.assignment.name}/{header.notebook.path.name}",
        f"title = {_quoted(header.title)}",
        f"points = {_exact(total)}",
    ]
    lines += [f"submitted_as = {_quoted(header.submitted_as)}"] if header.submitted_as else []
    lines += [f"files = [{', '.join(map(_quoted, data))}]"] if data else []
    about = {test.cell.id: test.about for test in graded} | subjects
    parts, placed = [], set[str]()
    for title, ids in sections.items():
        functions = [name for name in dict.fromkeys(about[cell] for cell in ids if cell in about) if name not in placed]
        placed.update(functions)
        if functions:
            parts += ["", "[[parts]]", f"title = {_quoted(title)}", f"functions = [{', '.join(map(_quoted, functions))}]"]
    lines += parts or ["parts = []"]
    for title, ids in sections.items():
        for cell in (cells[name] for name in ids if cells[name].role in (Role.ANSWER, Role.TASK)):
            lines += ["", "[[questions]]", f"id = {_quoted(cell.id)}", f"title = {_quoted(cell.id.replace('_', ' '))}"]
            lines += [f"part = {_quoted(title)}", f"points = {_exact(cell.points)}"]
    return "\n".join(lines) + "\n"


def _exact(points: float) -> str:
    """Ten digits are enough for any mark, and hide what sums of 0.1 leave behind."""
    return f"{round(points, 10):g}" if round(points, 10) == round(points, 4) else repr(round(points, 10))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _template(cells: Sequence[SourceCell]) -> str:
    return "\n".join(_piece(cell) for cell in cells)


def _piece(cell: SourceCell) -> str:
    """One cell of the template: what students write in code is taken from solution.py, everything else stands there."""
    written = cell.cell_type == "code" and cell.role in (Role.SOLUTION, Role.ANSWER)
    if written:
        return f'{_percent(cell, "", role=True)}{{{{ cell("{cell.id}") }}}}\n'
    source = cell.source if cell.cell_type == "code" else cell.released
    text = _percent(cell, source, role=True)
    header, _, body = text.partition("\n")
    if _JINJA.search(body):
        body = f"{{% raw %}}\n{body}{{% endraw %}}\n"
    return f"{header}\n{body}"


def _percent(cell: SourceCell, source: str, *, role: bool) -> str:
    """A cell as jupytext writes it: header, then the source, ending in a line feed."""
    import jupytext  # slow to import, and only importing and rendering need it
    import nbformat

    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}.get(cell.cell_type, nbformat.v4.new_raw_cell)
    metadata = {"role": str(cell.role), "id": cell.id} if role else {"id": cell.id}
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}
    notebook = nbformat.v4.new_notebook(cells=[new(source, metadata=metadata)], metadata={"jupytext": filters})
    return str(jupytext.writes(notebook, fmt="py:percent")).rstrip("\n") + "\n"


def _solution(notebook: SourceNotebook) -> str:
    head = f'"""Reference of {notebook.path.name}, cell by cell: `{{{{ cell("id") }}}}` in the template takes one over. Imported from nbgrader."""\n'
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.role in (Role.SOLUTION, Role.ANSWER)]
    return "\n".join([head, *(_percent(cell, cell.source, role=False) for cell in cells)])


def _answers(cells: Sequence[SourceCell]) -> str:
    """What the author answered himself, and mark schemes: for those who mark."""
    kept = [cell for cell in cells if cell.cell_type == "markdown" and cell.role in (Role.ANSWER, Role.TASK) and cell.source != cell.released]
    return "\n".join(f"## {cell.id} ({number(cell.points)} points)\n\n{cell.source.strip()}\n" for cell in kept)


def _checks(notebook: SourceNotebook, graded: Sequence[_Graded]) -> str:
    head = f'"""Checks of {notebook.path.name}: nbgrader\'s own test cells, which run beside student code and can be read by it.\n\nEach can give way to a check with @call or @cell, one at a time.\n"""\n'
    if not graded:
        return head
    imports = "from autograder.checks import points\nfrom autograder.graded_cells import assert_graded_cell, graded_cell\n"
    return "\n".join([head, imports, *(_check(test) for test in graded)])


def _check(test: _Graded) -> str:
    assert test.name.isidentifier() and not keyword.iskeyword(test.name)
    return f'''
@points({_exact(test.cell.points)})
@graded_cell({_quoted(test.cell.id)}, of={_quoted(test.about)})
def {test.name}(run, reference):
    """{test.title}"""
    assert_graded_cell(run, reference)
'''
