"""The class in the terminal: who got what, and what went wrong in a few words."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from autograder.judgement.findings.catalogue import CATALOGUE
from autograder.judgement.grade import Grade, GradeStatus, Outcome
from autograder.reports.isolation import isolation_warning, isolation_warnings
from autograder.reports.plain import counted, listed, number, plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

TITLES_NAMED = 2
TITLE_CHARS = 44
STUDENTS_NAMED = 20
STYLES = {
    GradeStatus.GRADED: "",
    GradeStatus.NEEDS_REVIEW: "yellow",
    GradeStatus.UNGRADABLE: "magenta",
}


def class_table(grades: Sequence[Grade], names: Mapping[str, str] | None = None) -> Table:
    """Return a table with a row per student, by name.

    Names and titles are shown as they are, never as rich's markup or terminal escapes. Points are
    of what is decided so far.

    `names` are those of people by `Grade.student`, where they are known.
    """
    names = (
        {grade.student: names[grade.student] for grade in grades if grade.student in names}
        if names
        else {}
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Student", no_wrap=True, overflow="ellipsis", max_width=32)
    if names:
        table.add_column("Name", no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column("Points", justify="right", no_wrap=True)
    waiting = any(map(_to_be_marked, grades))
    if waiting:
        table.add_column("To be marked", justify="right", no_wrap=True)
    table.add_column("What went wrong")
    for grade in sorted(grades, key=lambda grade: (grade.student.casefold(), grade.student)):
        style = STYLES[
            (
                grade.status
                if any(check.pending and not check.question for check in grade.checks)
                else GradeStatus.GRADED
            )
        ] or ("green" if grade.decided_points >= grade.decided_max_points else "")
        table.add_row(
            Text(plain_line(grade.student, 64)),
            *([Text(plain_line(names.get(grade.student, ""), 64))] if names else []),
            Text(f"{number(grade.decided_points)}/{number(grade.decided_max_points)}", style=style),
            *(
                [Text(number(_to_be_marked(grade)) if _to_be_marked(grade) else "")]
                if waiting
                else []
            ),
            Text(what_went_wrong(grade)),
        )
    return table


def what_went_wrong(grade: Grade) -> str:
    """Say what went wrong with a submission; "" where nothing was lost.

    First comes the submission's problem, then what waits for a person or another run, then what the
    diagnosis found, or the lost checks where it found nothing.
    """
    words = [isolation_warning(grade).partition(" — ")[0]] if isolation_warning(grade) else []
    words += [plain_line(grade.problem, 60)] if grade.problem else []
    words += [plain_line(grade.variant.note)] if grade.variant and grade.variant.note else []
    for outcome in (Outcome.UNGRADABLE, Outcome.NEEDS_REVIEW):
        waiting = sum(
            check.max_points
            for check in grade.checks
            if check.outcome is outcome and not check.question
        )
        if waiting:
            words.append(f"{outcome} ({number(waiting)} points)")
    words += (
        ["evidence contradicts itself (see note in grade.json)"]
        if any(check.note for check in grade.checks)
        else []
    )
    lost = [check for check in grade.checks if check.lost and not check.bonus]
    named = list(
        dict.fromkeys(CATALOGUE[finding.code].name for check in lost for finding in check.findings)
    )
    if named:
        words.append(" and ".join(named))
    elif lost and {check.id for check in lost} >= {
        check.id for check in grade.checks if not check.question
    }:
        words.append("every check")
    elif lost:
        titles = [plain_line(check.title or check.id, TITLE_CHARS) for check in lost[:TITLES_NAMED]]
        words.append(f"lost: {'; '.join(titles)}")
        words += [f"{len(lost) - TITLES_NAMED} more"] if len(lost) > TITLES_NAMED else []
    return "; ".join(words)


def same_code_lines(groups: Sequence[Sequence[str]]) -> list[str]:
    """Tell the instructor alone whose solutions are equal."""
    return [
        f"same code (but for layout and comments): {listed(students, STUDENTS_NAMED, 64)}"
        for students in groups
    ]


def gone_lines(graded: Iterable[str], found: Iterable[str], place: Path, grades: Path) -> list[str]:
    """Name students with a grade in the folder `grades` but no submission in `place`.

    Of a single submission nothing is said: it is no class.
    """
    there = set(found)
    gone = sorted(set(graded) - there) if len(there) > 1 else []
    return (
        [
            f"In the table, and not in {place}: {listed(gone, STUDENTS_NAMED, 64)}. They stay until"
            f" their folders in {grades} are removed."
        ]
        if gone
        else []
    )


def _to_be_marked(grade: Grade) -> float:
    """Points of answers that wait for a person."""
    return sum(check.max_points for check in grade.checks if check.question and check.pending)


def class_lines(grades: Sequence[Grade]) -> list[str]:
    """Sum up a class.

    How many of each status, mean and median of those that are fully graded, what waits to be
    marked, and whose code ran without a sandbox. While answers do, mean and median are of the
    checks alone.
    """
    if not grades:
        return ["no submissions"]
    counts = Counter(grade.status for grade in grades)
    lines = [
        f"{counted(len(grades), 'submission')}: "
        + ", ".join(f"{counts[status]} {status}" for status in GradeStatus if counts[status])
    ]
    if late := sum(bool(grade.late) for grade in grades):
        lines.append(f"{late} of them handed in late; nothing is taken off for it here")
    to_mark = [grade for grade in grades if _to_be_marked(grade)]
    done = [
        grade
        for grade in grades
        if not any(check.pending and not (to_mark and check.question) for check in grade.checks)
    ]
    if done:
        judged = [
            [check for check in grade.checks if not (to_mark and check.question)] for grade in done
        ]
        points = [sum(check.points for check in checks) for checks in judged]
        of = number(max(sum(check.max_points for check in checks) for checks in judged))
        mean, median = number(statistics.fmean(points)), number(statistics.median(points))
        over = (
            ""
            if len(done) == len(grades)
            else (
                f", over the {len(done)}"
                f" {'whose checks are all decided' if to_mark else 'fully graded'}"
            )
        )
        lines.append(
            f"mean {mean}, median {median} of {of}"
            f" {'points for checks' if to_mark else 'points'}{over}"
        )
    if to_mark:
        lines.append(
            f"{number(sum(map(_to_be_marked, to_mark)))} points in answers of"
            f" {counted(len(to_mark), 'submission')} wait to be marked, in formgrader"
        )
    readable = max(
        sum(check.max_points for check in grade.checks if check.readable) for grade in grades
    )
    if readable:
        lines.append(
            f"{number(readable)} points are given by test cells that run beside student code, which"
            " can read them"
        )
    return lines + isolation_warnings(grades)
