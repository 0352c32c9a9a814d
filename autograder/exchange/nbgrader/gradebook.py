"""Grades as an nbgrader course: gradebook.db and autograded/, for formgrader, `nbgrader export` and
`nbgrader generate_feedback`.

What a person did in formgrader (manual scores, extra credit, comments, flags, late penalties) is
never touched. A check that nobody could decide has no auto_score (NULL) and is marked for manual
grading; `nbgrader export` counts NULL as 0, as `Grade.points` does.

autograded/ is for instructors: hidden checks stand in it with their messages, so pages that
`nbgrader generate_feedback` makes from it show them too.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.atomic import write_atomic
from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.autograded import (
    CheckEntry,
    ReleasedCell,
    autograded_notebook,
    released_cells,
)
from autograder.exchange.nbgrader.marks import grade_id
from autograder.exchange.nbgrader.penalties import assign_penalties
from autograder.judgement.grade import CheckResult, Grade
from autograder.notebooks.cells import grade_id_of
from autograder.notebooks.libraries import NotebookNode, nbformat
from autograder.reports.isolation import isolation_warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from autograder.exchange.nbgrader.course_folder import NbgraderCourse

_LOG = logging.getLogger(__name__)

__all__ = ["AssignmentEntry", "CheckEntry", "GradebookEntry", "grade_id", "write_gradebook"]

AT_ONCE = 250
"""Submissions in one transaction: few enough to fit into memory, and for others not to wait long
for the database.
"""

NO_RESPONSE = "No response."  # nbgrader's own words for a solution cell left as released


@dataclass(frozen=True, slots=True)
class AssignmentEntry:
    """The assignment as released, by the names that nbgrader has for it and its notebook.

    `due` has a time zone; `checks` are all checks, in order.
    """

    name: str
    notebook: str
    due: datetime.datetime | None
    release: NotebookNode
    checks: Sequence[CheckEntry]


@dataclass(frozen=True, slots=True)
class GradebookEntry:
    """One submission: its grade and its notebook as executed.

    The notebook is None where there was nothing to execute.
    """

    grade: Grade
    notebook: NotebookNode | None


def write_gradebook(
    course: NbgraderCourse, assignment: AssignmentEntry, entries: Iterable[GradebookEntry]
) -> None:
    """Bring `course`'s gradebook and autograded/ up to date with `entries`.

    `AT_ONCE` go into one transaction; other students' marks stay as they are. Penalties for late
    submissions are what nbgrader's own plugin, as the course configures it, makes of everybody's.
    What is stopped on its way is made whole by the next call.

    Raises:
        ExchangeError: if nbgrader is not installed, the release lacks a check's cell, a student's
            name is no folder name, or the database is locked, can't be reached or is of another
            version.
    """
    api = _nbgrader_api()
    cells, waiting = released_cells(assignment.release, assignment.checks), iter(entries)
    _check_name(assignment.name)
    _check_name(assignment.notebook)
    some = _next_of(waiting)
    with _explained(api, course):
        course.root.mkdir(parents=True, exist_ok=True)
        _make_tables(api, course.database)
        gradebook = api.Gradebook(course.database, course.course_id)
    try:
        writer = _Writer(api, gradebook.db, course, assignment, cells)
        while some:
            with _explained(api, course):
                for entry in some:
                    _write_notebook(course.autograded, assignment, cells, entry)
                writer.write(some)
            some = _next_of(waiting)  # what `entries` raises is not the gradebook's fault
        with _explained(api, course):
            writer.finish()
    finally:
        gradebook.close()


def _next_of(waiting: Iterator[GradebookEntry]) -> tuple[GradebookEntry, ...]:
    some = tuple(islice(waiting, AT_ONCE))
    for entry in some:
        _check_name(entry.grade.student)
    return some


@contextmanager
def _explained(api: ModuleType, course: NbgraderCourse) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError  # comes with nbgrader

    try:
        yield
    except (SQLAlchemyError, api.InvalidEntry) as error:
        advice = (
            "Close formgrader if it is open; for a database of an older nbgrader run `nbgrader db"
            " upgrade`."
        )
        message = f"{course.place} can't be written: {error}\n{advice}"
        raise ExchangeError(message) from error
    except ModuleNotFoundError as error:
        message = (
            f"{course.place} needs {error.name}, which is not installed: for PostgreSQL pip install"
            " 'gradstep[postgresql]', and begin the URL with postgresql+psycopg://"
        )
        raise ExchangeError(message) from error
    except OSError as error:
        message = f"{course.root} can't be written: {error}"
        raise ExchangeError(message) from error


def _nbgrader_api() -> ModuleType:
    try:
        from nbgrader import api  # heavy, optional: pulls in JupyterLab
    except ImportError as error:
        message = (
            'a gradebook needs nbgrader, which is not installed: pip install "gradstep[course]"'
        )
        raise ExchangeError(message) from error
    return api  # type: ignore[no-any-return]


def _make_tables(api: ModuleType, url: Any) -> None:
    """Make a new gradebook's tables in one transaction.

    nbgrader's own way starts a program, `alembic`, that it finds only while the environment is
    activated, and leaves a database without a version if it doesn't.
    """
    import nbgrader
    from alembic.script import ScriptDirectory  # both come with nbgrader
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if "alembic_version" in inspect(connection).get_table_names():
                return
            head = ScriptDirectory(
                str(Path(nbgrader.__file__).parent / "alembic")
            ).get_current_head()
            api.Base.metadata.create_all(bind=connection)
            connection.execute(
                text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(
                text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head}
            )
    finally:
        engine.dispose()


def _check_name(name: str) -> None:
    """Names become folders.

    Raises:
        ExchangeError: for one that would lead elsewhere or that no file system takes.
    """
    printable = name.isprintable() and not re.search(r"[\ud800-\udfff]", name)
    if (
        not name
        or name.startswith(".")
        or re.search(r"[/\\]", name)
        or not printable
        or len(name.encode("utf-8", "replace")) > 200
    ):
        message = (
            f"{name[:100]!a} can't be the name of a folder in autograded/: rename the submission"
        )
        raise ExchangeError(message)


def _write_notebook(
    autograded: Path,
    assignment: AssignmentEntry,
    cells: Sequence[ReleasedCell],
    entry: GradebookEntry,
) -> None:
    checks = {check.id: check for check in entry.grade.checks}
    notebook = autograded_notebook(
        assignment.release, cells, entry.notebook, checks, isolation_warning(entry.grade)
    )
    place = autograded / entry.grade.student / assignment.name
    write_atomic(place / f"{assignment.notebook}.ipynb", nbformat.v4.writes(notebook) + "\n")
    if moment := _utc(entry.grade.submitted_at):
        write_atomic(place / "timestamp.txt", f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC\n")


def _utc(iso: str) -> datetime.datetime | None:
    """nbgrader keeps UTC without a zone."""
    try:
        moment = datetime.datetime.fromisoformat(iso) if iso else None
        return (
            moment.astimezone(datetime.UTC).replace(tzinfo=None)
            if moment and moment.tzinfo
            else moment
        )
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writer through nbgrader's tables.

    nbgrader's own methods commit at each step, which makes 27 transactions per submission.
    """

    api: Any
    db: Any
    course: NbgraderCourse
    assignment: AssignmentEntry
    cells: Sequence[ReleasedCell]
    told: set[tuple[str, str]] = field(default_factory=set)
    """Cells that are no checks any more, and of which this has been said."""

    def write(self, entries: Sequence[GradebookEntry]) -> None:
        """The marks of `entries`, and what they lose by being late."""
        with self._transaction() as (notebook, rows):
            for entry in entries:
                self._submission(notebook, entry)
            self.db.flush()
            self._marks(notebook, rows, {entry.grade.student: entry for entry in entries})
            self._penalise(notebook, [entry.grade.student for entry in entries])

    def finish(self) -> None:
        """Write what concerns all submissions: marks for new cells, and penalties.

        Somebody may have got an extension.
        """
        with self._transaction() as (notebook, rows):
            self._fill(notebook, rows)
            self._penalise(notebook)

    def _penalise(self, notebook: Any, students: Sequence[str] | None = None) -> None:
        if self.course.penalises:
            assign_penalties(self.db, self.course, self._submitted(notebook, students))

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Any, dict[tuple[str, str], Any]]]:
        """The assignment's notebook and its cells' rows.

        Afterwards nothing is kept of what was read: a class has hundreds of thousands of rows.
        """
        try:
            notebook = self._notebook(self.assignment)
            yield notebook, self._cells(notebook, self.cells)
            self.db.commit()
        except BaseException:
            self.db.rollback()
            raise
        finally:
            self.db.expunge_all()

    def _notebook(self, entry: AssignmentEntry) -> Any:
        """The assignment's one notebook, made if need be."""
        api, db = self.api, self.db
        # by name alone, as nbgrader finds it
        assignment = db.query(api.Assignment).filter_by(name=entry.name).one_or_none()
        if assignment is None:
            assignment = api.Assignment(entry.name, course_id=self.course.course_id)
            db.add(assignment)
        if entry.due:  # else one that a person set in formgrader stays
            assignment.duedate = entry.due.astimezone(datetime.UTC).replace(tzinfo=None)
        notebook = next(
            (notebook for notebook in assignment.notebooks if notebook.name == entry.notebook), None
        )
        if notebook is None:
            notebook = api.Notebook(name=entry.notebook, assignment=assignment)
            db.add(notebook)
        notebook.kernelspec = json.dumps(entry.release.metadata.get("kernelspec", {}))
        db.flush()
        return notebook

    def _cells(self, notebook: Any, cells: Sequence[ReleasedCell]) -> dict[tuple[str, str], Any]:
        """Rows of grade, solution and task cells by ("grade", "solution" or "task", name).

        Rows of checks that no longer exist go, with their marks, unless a person gave one.
        """
        api, db = self.api, self.db
        sources = {row.name: row for row in notebook.source_cells}
        kinds = {"grade": api.GradeCell, "solution": api.SolutionCell, "task": api.TaskCell}
        known = {
            "grade": notebook.grade_cells,
            "solution": notebook.solution_cells,
            "task": notebook.task_cells,
        }
        rows = {(kind, row.name): row for kind in kinds for row in known[kind]}
        wanted = {
            (kind, cell.grade_id) for kind in kinds for cell in cells if cell.nbgrader.get(kind)
        }
        for key in sorted(rows.keys() - wanted):
            row = rows.pop(key)
            grades, comments = (
                db.query(api.Grade).filter_by(cell_id=row.id),
                db.query(api.Comment).filter_by(cell_id=row.id),
            )
            grades.filter(
                api.Grade.manual_score.is_(None), api.Grade.extra_credit.is_(None)
            ).delete()
            comments.filter(api.Comment.manual_comment.is_(None)).delete()
            if not (grades.count() or comments.count()):
                db.delete(row)
                continue
            grades.update({"auto_score": None})
            if key[0] != "solution":
                row.max_score = 0.0  # it is nobody's any more but of those whom a person marked
            if key not in self.told:
                self.told.add(key)
                _LOG.warning(
                    "%s: %s is no check any more, and stays in the gradebook where a person"
                    " marked it",
                    notebook.name,
                    key[1],
                )
        for name in sources.keys() - {cell.grade_id for cell in cells}:
            db.delete(sources.pop(name))
        for key in sorted(wanted - rows.keys()):
            scored = {"max_score": 0.0, "cell_type": "code"} if key[0] != "solution" else {}
            rows[key] = kinds[key[0]](name=key[1], notebook=notebook, **scored)
            db.add(rows[key])
        for cell in cells:
            row = rows.get(("grade", cell.grade_id)) or rows.get(("task", cell.grade_id))
            if row is not None:
                row.max_score, row.cell_type = float(cell.nbgrader["points"]), cell.cell.cell_type
            source = sources.get(cell.grade_id) or api.SourceCell(
                name=cell.grade_id, notebook=notebook
            )
            source.cell_type, source.locked = cell.cell.cell_type, bool(cell.nbgrader.get("locked"))
            source.source, source.checksum = cell.cell.source, cell.nbgrader.get("checksum")
            db.add(source)
        db.flush()
        return rows

    def _submission(self, notebook: Any, entry: GradebookEntry) -> None:
        """Student, submission and submitted notebook, made if need be."""
        api, db = self.api, self.db
        student = db.get(api.Student, entry.grade.student)
        if student is None:
            student = api.Student(id=entry.grade.student)
            db.add(student)
        submission = (
            db.query(api.SubmittedAssignment)
            .filter_by(assignment_id=notebook.assignment_id, student_id=student.id)
            .one_or_none()
        )
        if submission is None:
            submission = api.SubmittedAssignment(assignment=notebook.assignment, student=student)
            db.add(submission)
        submission.timestamp = _utc(entry.grade.submitted_at)
        if not any(own.notebook_id == notebook.id for own in submission.notebooks):
            db.add(api.SubmittedNotebook(notebook=notebook, assignment=submission))

    def _marks(
        self, notebook: Any, rows: dict[tuple[str, str], Any], entries: dict[str, GradebookEntry]
    ) -> None:
        """Write Grade and Comment rows for every submission of `entries`.

        There is a Grade row per grade or task cell, a Comment row per solution or task cell.
        """
        api, db = self.api, self.db
        submitted = {own.id: student for own, student in self._submitted(notebook, list(entries))}
        grades, comments = (
            {
                (one.notebook_id, one.cell_id): one
                for one in db.query(table).filter(table.notebook_id.in_(list(submitted))).all()
            }
            for table in (api.Grade, api.Comment)
        )
        names = {cell.grade_id: cell.check for cell in self.cells}
        for own_id, student in submitted.items():
            entry = entries[student]
            checks = {check.id: check for check in entry.grade.checks}
            untouched = _untouched(self.cells, entry.notebook)
            for (kind, name), row in rows.items():
                key = (own_id, row.id)
                if kind != "solution":
                    grade = grades.get(key) or self._added(api.Grade, key)
                    if names[name]:
                        _mark(grade, checks.get(names[name]))
                if kind != "grade":
                    comment = comments.get(key) or self._added(api.Comment, key)
                    comment.auto_comment = (
                        NO_RESPONSE if name in untouched and kind == "solution" else None
                    )
                    result = checks.get(names[name])
                    if result is not None and result.comment and not comment.manual_comment:
                        comment.manual_comment = result.comment

    def _fill(self, notebook: Any, rows: dict[tuple[str, str], Any]) -> None:
        """The rows that submissions from before a cell came do not have yet."""
        own = self.api.SubmittedNotebook
        for (kind, _), row in rows.items():
            for table in (
                *([self.api.Grade] if kind != "solution" else []),
                *([self.api.Comment] if kind != "grade" else []),
            ):
                there = (
                    self.db.query(table)
                    .filter(table.notebook_id == own.id, table.cell_id == row.id)
                    .exists()
                )
                for (own_id,) in (
                    self.db.query(own.id).filter(own.notebook_id == notebook.id, ~there).all()
                ):
                    self._added(table, (own_id, row.id))

    def _added(self, table: Any, key: tuple[Any, Any]) -> Any:
        """A new row of `table` for a submitted notebook and a cell."""
        marked = {"needs_manual_grade": True} if table is self.api.Grade else {}
        row = table(notebook_id=key[0], cell_id=key[1], **marked)
        self.db.add(row)
        return row

    def _submitted(
        self, notebook: Any, students: Sequence[str] | None = None
    ) -> list[tuple[Any, str]]:
        """Submissions of `notebook` with their students' ids: of `students`, or all."""
        api = self.api
        join = self.db.query(api.SubmittedNotebook, api.SubmittedAssignment.student_id).join(
            api.SubmittedAssignment,
            api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id,
        )
        found = join.filter(api.SubmittedNotebook.notebook_id == notebook.id)
        if students is not None:
            found = found.filter(api.SubmittedAssignment.student_id.in_(students))
        return found.all()  # type: ignore[no-any-return]


def _mark(grade: Any, check: CheckResult | None) -> None:
    """Set the automatic part of a mark.

    A person's score stays; if ours moved under it, it is put before them again. Of a question,
    theirs is the only one. Where the gradebook has lost it, it is put back; and before them again
    where the answer has changed.
    """
    if check is not None and check.marked and check.question:
        score = None
    else:
        own = check and check.automatic
        score = None if own is None or (own.pending and not own.points) else float(own.points)
    moved, grade.auto_score = grade.auto_score != score, score
    by_hand = grade.manual_score is not None or grade.extra_credit is not None
    if check is not None and check.marked:
        if not by_hand:
            theirs = check.by_hand
            grade.manual_score, grade.extra_credit = (
                (theirs.score, theirs.extra or None) if theirs else (check.points, None)
            )
            grade.needs_manual_grade = False
        if check.pending:
            grade.needs_manual_grade = True
    elif not by_hand:
        grade.needs_manual_grade = check is None or check.pending
    elif moved:
        grade.needs_manual_grade = True


def _untouched(cells: Sequence[ReleasedCell], notebook: NotebookNode | None) -> set[str]:
    """Names of solution cells that are still as released, or missing."""
    if notebook is None:
        return {cell.grade_id for cell in cells}
    own = {grade_id_of(cell): cell.source for cell in reversed(notebook.cells)}
    return {
        cell.grade_id
        for cell in cells
        if own.get(cell.grade_id, cell.cell.source) == cell.cell.source
    }
