"""Grades into the files of other systems: joined on their ids with the file that they exported,
only what changes, nothing undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import IdKind, same_text
from autograder.reports.grades_csv import grades_csv
from autograder.reports.plain import counted, number, plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograder.commands.export.standing import Standing
    from autograder.exchange.lms.score_sheet import ScoreRow, ScoreSheet
    from autograder.judgement.grade import Grade
    from autograder.people.handed_in import Member

SAME = 0.005
"""Systems keep two decimals."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`points` is the assignment's total.

    `scale` converts scores to the file's own total; `capped` says that the system takes none above
    it.
    """

    points: float
    scale: bool = False
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """The file's text; `changes` are sentences, a student each; `left_out` students and why;
    `without` counts students of the file of whom there is no submission.
    """

    text: str
    changes: tuple[str, ...]
    unchanged: int
    left_out: tuple[tuple[str, str], ...]
    without: int = 0


def export_scores(sheet: ScoreSheet, found: Sequence[Standing], terms: Terms) -> Export:
    """The sheet with the scores that change, and who was left out of it.

    Raises:
        ExchangeError: if the file's total is another than the assignment's and scores are not to be
            scaled.
    """
    factor = _factor(sheet, terms)
    rows, left_out = _joined(sheet, found)
    scores: dict[int, float] = {}
    changes, unchanged = [], 0
    for standing in found:
        row = rows.get(standing.member.id)
        who = standing.member.id
        if row is None:
            continue
        if standing.grade is None:
            left_out.append((who, standing.why_not))
            continue
        score = round(standing.grade.decided_points * factor, 2)
        if row.score is not None and abs(row.score - score) < SAME:
            unchanged += 1
        elif row.held is not None:
            left_out.append((who, f"{row.held}; {number(score)} was not written"))
        elif terms.capped and sheet.possible is not None and score > sheet.possible + SAME:
            left_out.append(
                (
                    who,
                    (
                        f"{number(score)} is above the file's maximum of {number(sheet.possible)},"
                        " which the system would pass over without a word"
                    ),
                )
            )
        else:
            scores[row.row.line] = score
            before = "none" if row.score is None else number(row.score)
            late = " (late)" if standing.grade.late else ""
            changes.append(f"{who}: {before} -> {number(score)}{late}{_doubt(standing.grade)}")
    return Export(
        sheet.text(scores),
        tuple(changes),
        unchanged,
        tuple(sorted(left_out)),
        len(sheet.rows) - len(rows),
    )


def export_csv(found: Sequence[Standing]) -> Export:
    """The class table with a row for each student, names and groups."""
    settled = [(standing, standing.grade) for standing in found if standing.grade]
    grades = [
        msgspec.structs.replace(grade, student=standing.member.id) for standing, grade in settled
    ]
    people = {standing.member.id: (standing.member.name, standing.group) for standing, _ in settled}
    left_out = tuple(
        (standing.member.id, standing.why_not) for standing in found if standing.grade is None
    )
    changes = tuple(
        f"{grade.student}: {number(grade.decided_points)}{_doubt(grade)}" for grade in grades
    )
    return Export(grades_csv(grades, people), changes, 0, left_out)


def _doubt(grade: Grade) -> str:
    """What a person should know of a grade in which nothing waits."""
    return f" ({plain_line(grade.variant.note)})" if grade.variant and grade.variant.note else ""


def export_lines(done: Export, *, limit: int = 40) -> list[str]:
    """What was written, what was not and why."""
    lines = [plain_line(change) for change in done.changes[:limit]]
    lines += [f"and {len(done.changes) - limit} more"] if len(done.changes) > limit else []
    lines += [f"LEFT OUT {plain_line(who)}: {plain_line(why, 400)}" for who, why in done.left_out]
    without = (
        f"; {counted(done.without, 'student')} of the file without a submission here, not in it"
        if done.without
        else ""
    )
    return [
        *lines,
        (
            f"{len(done.changes)} scores written, {done.unchanged} unchanged, {len(done.left_out)}"
            f" left out{without}"
        ),
    ]


def _factor(sheet: ScoreSheet, terms: Terms) -> float:
    if sheet.possible is None or abs(sheet.possible - terms.points) < SAME:
        return 1.0
    if not terms.scale or terms.points <= 0:
        message = (
            f"{sheet.sheet.path}: is out of {number(sheet.possible)} points, and the assignment out"
            f" of {number(terms.points)}: change one of them, or convert the scores with --scale"
        )
        raise ExchangeError(message)
    return sheet.possible / terms.points


def _joined(
    sheet: ScoreSheet, found: Iterable[Standing]
) -> tuple[dict[str, ScoreRow], list[tuple[str, str]]]:
    """The row of each student, by the student's id; and students whose row can't be told."""
    standings = list(found)
    index: dict[tuple[IdKind, str], list[str]] = {}
    for standing in standings:
        for kind, text in _known(standing.member):
            index.setdefault((kind, same_text(text)), []).append(standing.member.id)
    rows: dict[str, list[ScoreRow]] = {}
    left_out = []
    for row in sheet.rows:
        owners = {
            owner for kind, text in row.ids for owner in index.get((kind, same_text(text)), ())
        }
        if len(owners) > 1:
            names = ", ".join(sorted(owners))
            left_out += [
                (owner, f"line {row.row.line} of the file has ids of several students ({names})")
                for owner in owners
            ]
        for owner in owners:
            rows.setdefault(owner, []).append(row)
    disputed = {who for who, _ in left_out}
    for standing in standings:
        own = rows.get(standing.member.id, [])
        if len(own) > 1 and standing.member.id not in disputed:
            lines = ", ".join(str(row.row.line) for row in own)
            left_out.append(
                (standing.member.id, f"the ids are those of several lines of the file ({lines})")
            )
            disputed.add(standing.member.id)
        if not own:
            left_out.append(
                (
                    standing.member.id,
                    (
                        "no line of the file has one of the ids; a roster with canvas_id,"
                        " moodle_id, login or email says them"
                    ),
                )
            )
    return {who: own[0] for who, own in rows.items() if who not in disputed}, left_out


def _known(member: Member) -> list[tuple[IdKind, str]]:
    """Under which ids a row may name the student: some systems have usernames as numbers of
    students, or addresses as usernames.
    """
    pairs = (
        (IdKind.CANVAS, member.canvas_id),
        (IdKind.MOODLE, member.moodle_id),
        (IdKind.LOGIN, member.login),
        (IdKind.LOGIN, member.id),
        (IdKind.LOGIN, member.email),
        (IdKind.STUDENT, member.id),
        (IdKind.STUDENT, member.login),
        (IdKind.EMAIL, member.email),
        (IdKind.EMAIL, member.id),
        (IdKind.EMAIL, member.login),
    )
    return list(dict.fromkeys((kind, text) for kind, text in pairs if text))
