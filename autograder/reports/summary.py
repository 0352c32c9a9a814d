"""The class in the terminal: who got what, and what went wrong in a few words."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from autograder.judgement.catalogue import CATALOGUE
from autograder.judgement.grading import Grade, GradeStatus, Outcome
from autograder.reports.plain import number, plain_line

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLES_NAMED = 2
TITLE_CHARS = 44
STYLES = {GradeStatus.GRADED: "", GradeStatus.NEEDS_REVIEW: "yellow", GradeStatus.UNGRADABLE: "magenta"}


def class_table(grades: Sequence[Grade]) -> Table:
    """A row per student, by name; names and titles are shown as they are, never as rich's markup or terminal escapes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Student", no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("What went wrong")
    for grade in sorted(grades, key=lambda grade: (grade.student.casefold(), grade.student)):
        style = STYLES[grade.status] or ("green" if grade.points >= grade.max_points else "")
        table.add_row(
            Text(plain_line(grade.student, 64)),
            Text(f"{number(grade.points)}/{number(grade.max_points)}", style=style),
            Text(what_went_wrong(grade)),
        )
    return table


def what_went_wrong(grade: Grade) -> str:
    """The submission's problem, what waits for a person or another run, then what the diagnosis found, or the lost checks where it found nothing; "" where nothing was lost."""
    words = [plain_line(grade.problem, 60)] if grade.problem else []
    for outcome in (Outcome.UNGRADABLE, Outcome.NEEDS_REVIEW):
        waiting = sum(check.max_points for check in grade.checks if check.outcome is outcome)
        if waiting:
            words.append(f"{outcome} ({number(waiting)} points)")
    words += ["evidence contradicts itself (see note in grade.json)"] if any(check.note for check in grade.checks) else []
    lost = [check for check in grade.checks if check.outcome in (Outcome.FAILED, Outcome.NOT_REACHED) and not check.bonus]
    named = list(dict.fromkeys(CATALOGUE[finding.code].name for check in lost for finding in check.findings))
    if named:
        words.append(" and ".join(named))
    elif lost and len(lost) == len(grade.checks):
        words.append("every check")
    elif lost:
        words.append(f"lost: {'; '.join(plain_line(check.title or check.id, TITLE_CHARS) for check in lost[:TITLES_NAMED])}")
        words += [f"{len(lost) - TITLES_NAMED} more"] if len(lost) > TITLES_NAMED else []
    return "; ".join(words)


def class_lines(grades: Sequence[Grade]) -> list[str]:
    """How many of each status, and mean and median of those that are fully graded."""
    if not grades:
        return ["no submissions"]
    counts = Counter(grade.status for grade in grades)
    lines = [
        f"{len(grades)} submission{'s' if len(grades) > 1 else ''}: "
        + ", ".join(f"{counts[status]} {status}" for status in GradeStatus if counts[status])
    ]
    done = [grade for grade in grades if grade.status is GradeStatus.GRADED]
    if done:
        points = [grade.points for grade in done]
        mean, median = number(statistics.fmean(points)), number(statistics.median(points))
        over = "" if len(done) == len(grades) else f", over the {len(done)} fully graded"
        lines.append(f"mean {mean}, median {median} of {number(max(grade.max_points for grade in done))} points{over}")
    return lines
