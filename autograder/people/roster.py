"""The roster: who is in the class, and under which ids other systems know them.

A CSV file with the columns id and name, and any of canvas_id, moodle_id, login, email, group; or
the gradebook that Canvas exports; or Moodle's grading worksheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError
from autograder.exchange.lms import canvas, moodle
from autograder.exchange.lms.delivery import IdKind, same_text
from autograder.exchange.lms.score_sheet import Column, ScoreRow
from autograder.exchange.lms.sheet import Sheet, read_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

COLUMNS = ("id", "name", "canvas_id", "moodle_id", "login", "email", "group")
UNIQUE = (IdKind.STUDENT, IdKind.CANVAS, IdKind.MOODLE, IdKind.LOGIN, IdKind.EMAIL)
_TEST_STUDENT = "Student, Test"
"""Canvas's own, in every gradebook that was ever looked at as a student."""


@dataclass(frozen=True, slots=True)
class Student:
    """One line of the roster; `line` counts from 1. What is not known is empty."""

    id: str
    name: str = ""
    canvas_id: str = ""
    moodle_id: str = ""
    login: str = ""
    email: str = ""
    group: str = ""
    line: int = 0

    def known_as(self, kind: IdKind) -> str:
        """The student's id of that kind, "" if there is none."""
        return str(getattr(self, kind, "")) if kind in UNIQUE else ""


@dataclass(frozen=True, slots=True)
class Roster:
    """All students; `ignored` are columns that nothing is made of."""

    students: tuple[Student, ...]
    ignored: tuple[str, ...] = ()

    def of_group(self, group: str) -> tuple[Student, ...]:
        """The members of a group."""
        return tuple(student for student in self.students if student.group == group)


def read_roster(path: Path) -> Roster:
    """Read a roster, a Canvas gradebook or a Moodle worksheet.

    Raises:
        ExchangeError: naming file and line, if it is none of them, an id is missing, or two
            students share one.
    """
    sheet = read_sheet(path)
    names = tuple(name.casefold() for name in sheet.header)
    if canvas.is_gradebook(sheet.header):
        roster = Roster(_of_canvas(sheet))
    elif "identifier" in names:
        roster = Roster(_of_moodle(sheet))
    else:
        roster = _own(sheet, names)
    _check_unique(path, roster.students)
    return roster


def _own(sheet: Sheet, names: Sequence[str]) -> Roster:
    for wanted in ("id", "name"):
        if wanted not in names:
            message = (
                f"{sheet.path}:1: a roster needs a column {wanted!r}; there is"
                f" {', '.join(sheet.header)}. Columns: {', '.join(COLUMNS)}; a Canvas gradebook or"
                " a Moodle worksheet will do as well"
            )
            raise ExchangeError(message)
    if twice := next((name for name in COLUMNS if names.count(name) > 1), ""):
        message = f"{sheet.path}:1: two columns are called {twice!r}"
        raise ExchangeError(message)
    students = []
    for row in sheet.rows:
        cells = {
            name: row.cells[names.index(name)].strip() if name in names else "" for name in COLUMNS
        }
        if not cells["id"]:
            message = f"{sheet.path}:{row.line}: no id"
            raise ExchangeError(message)
        cells["moodle_id"] = _participant(sheet.path, row.line, cells["moodle_id"])
        students.append(Student(**cells, line=row.line))
    return Roster(
        tuple(students),
        tuple(
            name for name, small in zip(sheet.header, names, strict=True) if small not in COLUMNS
        ),
    )


def _participant(path: Path, line: int, text: str) -> str:
    number = moodle.participant(text)
    if text and not number:
        message = (
            f"{path}:{line}: moodle_id is the number of “Participant N” in Moodle's worksheet, not"
            f" {text!r}"
        )
        raise ExchangeError(message)
    return number


def _of_canvas(sheet: Sheet) -> tuple[Student, ...]:
    header = sheet.header
    rows = [
        row
        for row in sheet.rows
        if row.cells[header.index("ID")].isdigit() and row.cells[0] != _TEST_STUDENT
    ]
    login = header.index("SIS Login ID") if "SIS Login ID" in header else None
    named = login is not None and all(row.cells[login] for row in rows)
    students = []
    for row in rows:
        name = row.cells[0] if header[0] == "Student" else f"{row.cells[0]}, {row.cells[1]}"
        number, own = row.cells[header.index("ID")], row.cells[login] if login is not None else ""
        students.append(
            Student(own if named else number, name, canvas_id=number, login=own, line=row.line)
        )
    return tuple(students)


def _of_moodle(sheet: Sheet) -> tuple[Student, ...]:
    rows = moodle.score_sheet(sheet, Column(())).rows
    ids = [dict(row.ids) for row in rows]
    key = next(
        (
            kind
            for kind in (IdKind.STUDENT, IdKind.LOGIN, IdKind.EMAIL)
            if all(kind in one for one in ids)
        ),
        None,
    )
    return tuple(_moodle_student(row, key) for row in rows)


def _moodle_student(row: ScoreRow, key: IdKind | None) -> Student:
    ids = dict(row.ids)
    number = ids.get(IdKind.MOODLE, "")
    name = "" if same_text(row.name).startswith(moodle.BLIND) else row.name
    own = ids[key] if key else f"participant-{number}"
    return Student(
        own,
        name,
        moodle_id=number,
        login=ids.get(IdKind.LOGIN, ""),
        email=ids.get(IdKind.EMAIL, ""),
        line=row.row.line,
    )


def _check_unique(path: Path, students: Iterable[Student]) -> None:
    for kind in UNIQUE:
        seen: dict[str, Student] = {}
        for student in students:
            own = same_text(student.known_as(kind))
            if own and own in seen:
                message = (
                    f"{path}:{student.line}: {kind} {student.known_as(kind)!r} is that of line"
                    f" {seen[own].line} too"
                )
                raise ExchangeError(message)
            seen[own] = student


def names_of(
    students: Iterable[Student], name_key: Callable[[str], str]
) -> dict[str, list[Student]]:
    """Return students by their name as a system writes it.

    There are several where a name does not tell them apart.
    """
    found: dict[str, list[Student]] = {}
    for student in students:
        if key := name_key(student.name):
            found.setdefault(key, []).append(student)
    return found
