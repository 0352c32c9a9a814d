"""grades.csv: a row per student, a column per check and question.

Where tests run beside student code, a last column says how many of `points` they gave:
`points_readable_by_student_code`. `points` is what `nbgrader export` prints; out of
`decided_max_points`, while `pending_points` wait for a person or another run, out of `max_points`
in the end.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from autograder.atomic import write_atomic
from autograder.judgement.grade import CheckResult, Grade
from autograder.reports.isolation import isolation_warning, level_of
from autograder.reports.plain import number, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = (
    "assignment",
    "student_id",
    "points",
    "max_points",
    "status",
    "decided_max_points",
    "pending_points",
    "problem",
    "submitted_at",
    "late",
    "submission_sha256",
    "isolation",
)
READABLE = "points_readable_by_student_code"
"""Column of the points from tests that ran beside the student's code, which could read them and get
around them.
"""
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_INVISIBLE = " \n\u00a0\u00ad\u200b\u200c\u200d\u2060\u3000"
"""Before a formula, some spreadsheets pass over them."""
# full-width ones too: some spreadsheets read them alike
_FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)


def write_grades_csv(grades: Sequence[Grade], path: Path) -> None:
    """Write `path` at once (temporary file, then rename), UTF-8, rows by student.

    Raises:
        OSError: if the folder can't be written.
    """
    write_atomic(path, grades_csv(grades))


def grades_csv(grades: Sequence[Grade], people: Mapping[str, tuple[str, str]] | None = None) -> str:
    """The table as text. Cells that a spreadsheet would run as a formula start with an apostrophe.

    `people` are names and groups by `Grade.student`; with it, there are columns for both.
    """
    check_ids = list(dict.fromkeys(check.id for grade in grades for check in grade.checks))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    readable = (
        [READABLE] if any(check.readable for grade in grades for check in grade.checks) else []
    )
    named = () if people is None else ("name", "group")
    writer.writerow([*COLUMNS[:2], *named, *COLUMNS[2:], *map(safe_cell, check_ids), *readable])
    for grade in sorted(grades, key=lambda grade: grade.student):
        checks = {check.id: check for check in grade.checks}
        own = [
            grade.status,
            number(grade.decided_max_points),
            number(grade.pending_points),
            safe_cell(
                "; ".join(
                    filter(None, (grade.problem, grade.variant.note if grade.variant else ""))
                )
            ),
            safe_cell(grade.submitted_at),
            {True: "late", False: "on time", None: ""}[grade.late],
            safe_cell(grade.provenance.submission_sha256),
            _isolation(grade),
        ]
        who = () if people is None else map(safe_cell, people.get(grade.student, ("", "")))
        row = [
            safe_cell(grade.assignment),
            safe_cell(grade.student),
            *who,
            number(grade.points),
            number(grade.max_points),
            *own,
        ]
        beside = [
            number(sum(check.points for check in grade.checks if check.readable)) for _ in readable
        ]
        writer.writerow([*row, *(_points(checks.get(check_id)) for check_id in check_ids), *beside])
    return file.getvalue()


def _points(check: CheckResult | None) -> str:
    """Return points, or the word where nobody has decided them.

    Empty where this submission was not judged on the check.
    """
    if check is None:
        return ""
    if check.question and check.pending:
        return str(check.cause)
    return str(check.outcome) if check.pending else number(check.points)


def _isolation(grade: Grade) -> str:
    """The level, or the warning where it is too low; empty where no code was run."""
    if not grade.provenance.evidence_key:
        return ""
    return isolation_warning(grade).removeprefix("isolation: ") or str(
        level_of(grade.provenance.environment)
    )


def safe_cell(text: str) -> str:
    """Return `text` as a spreadsheet shows it and runs nothing.

    What it would take for a formula starts with an apostrophe.
    """
    text = plain(text, 2_000)
    formula = text.lstrip(_INVISIBLE).startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
    return f"'{text}" if formula else text
