"""An nbgrader assignment turned into assignments here: one for each of its notebooks, with the same
cells under the same names, which give the same points.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import open_assignment
from autograder.atomic import write_atomic
from autograder.commands.import_.imported_files import (
    GradedTest,
    Origin,
    assignment_files,
    graded_tests_of,
)
from autograder.commands.new.scaffold import SLUG
from autograder.errors import AssignmentError, ExchangeError
from autograder.exchange.nbgrader.assignment_source import read_source
from autograder.notebooks.cells import Role
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.regions import Region, region_lines
from autograder.notebooks.writing.source import Mode, render_notebook

if TYPE_CHECKING:
    from autograder.exchange.nbgrader.assignment_source import (
        SourceAssignment,
        SourceCell,
        SourceNotebook,
    )


@dataclass(frozen=True, slots=True)
class Imported:
    """One assignment that an import has made, or found as it would make it (`written` false).

    `paths` are its files; points by who gives them.
    """

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
    """Import the nbgrader assignment in folder `source` into the course at `course`, one assignment
    for each notebook: `slug` (the folder's name by default), with the notebook's name behind it
    where there are several.

    Raises:
        AssignmentError: if a file is there already with another content, or `course` is no course;
            nothing is written then.
        ExchangeError: if the source can't be read or taken over, with file and cell; nothing is
            written then.
    """
    if not (course / "assignments").is_dir():
        message = (
            f"{course} is no course folder, it has no assignments/: `autograder init FOLDER`"
            " makes one"
        )
        raise AssignmentError(message)
    assignment = read_source(source)
    stem = slug or assignment.name
    drafts = [
        _draft(
            assignment,
            notebook,
            _slug(stem if len(assignment.notebooks) == 1 else f"{stem}-{notebook.path.stem}"),
        )
        for notebook in assignment.notebooks
    ]
    if len({draft.slug for draft in drafts}) < len(drafts):
        message = (
            f"{source}: two notebooks would become one assignment:"
            f" {', '.join(draft.slug for draft in drafts)}"
        )
        raise ExchangeError(message)
    for draft in drafts:
        draft.check()
    placed = [
        (draft, {course / name: content for name, content in draft.files.items()})
        for draft in drafts
    ]
    taken = [
        str(path)
        for _, files in placed
        for path, content in files.items()
        if path.exists() and path.read_bytes() != content
    ]
    if taken:
        message = (
            f"there already, with another content, and never overwritten: {', '.join(taken)}."
            " Import under another name (--slug) and compare"
        )
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
class _Draft:
    """An assignment before it is written.

    `files` by path in the course; `parts` maps titles to the functions that students write there.
    """

    slug: str
    source: SourceNotebook
    graded: tuple[GradedTest, ...]
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
            hidden=sum(
                bool(region_lines(test.cell.source, Region.HIDDEN_TESTS)) for test in self.graded
            ),
            test_points=sum(test.cell.points for test in self.graded),
            questions=len(self.questions),
            question_points=sum(cell.points for cell in self.questions),
        )

    def check(self) -> None:
        """Render it in a scratch folder, and compare each cell with the source and with what
        nbgrader itself would release.

        Raises:
            ExchangeError: naming the first cell that is not the same.
        """
        points = {test.cell.id: test.cell.points for test in self.graded} | {
            cell.id: cell.points for cell in self.questions
        }
        with tempfile.TemporaryDirectory() as scratch:
            for name, content in self.files.items():
                write_atomic(Path(scratch) / name, content)
            try:
                files = open_assignment(Path(scratch), self.slug)
                rendered = {mode: render_notebook(files, mode, Facts(points)) for mode in Mode}
            except AssignmentError as error:
                message = (
                    f"{self.source.path} can't be taken over:"
                    f" {str(error).replace(scratch, '').lstrip('/')}"
                )
                raise ExchangeError(message) from error
        for mode, notebook in rendered.items():
            for cell, ours in zip(self.source.cells, notebook.cells, strict=False):
                wanted = (
                    cell.released
                    if mode is Mode.RELEASE or cell.cell_type != "code"
                    else cell.source
                )
                if ours.id != cell.id or ours.source.strip("\n") != wanted.strip("\n"):
                    message = (
                        f"{self.source.path}: cell {cell.id!r} can't be taken over as it is; look"
                        " for lines that begin with `# %%`, or for a solution in another language"
                        " than Python"
                    )
                    raise ExchangeError(message)
            if len(notebook.cells) != len(self.source.cells):
                message = (
                    f"{self.source.path} can't be taken over: {len(self.source.cells)} cells became"
                    f" {len(notebook.cells)}"
                )
                raise ExchangeError(message)


def _draft(assignment: SourceAssignment, notebook: SourceNotebook, slug: str) -> _Draft:
    graded = graded_tests_of(notebook.cells)
    return _Draft(
        slug, notebook, graded, assignment_files(Origin(assignment, notebook, slug), graded)
    )
