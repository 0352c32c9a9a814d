"""What each student has for an assignment: a group's grade for each of its members, the best of
several attempts, and nothing where it is not decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.commands.grade.marking import take_in_marks
from autograder.people.handed_in import Collected, Entry, Member
from autograder.reports.plain import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.course.results import ResultsFolder
    from autograder.judgement.grade import Grade


@dataclass(frozen=True, slots=True)
class Standing:
    """One student's grade; `why_not` says why nothing can be exported of it, "" where it can.

    `group` is "" for who handed in alone.
    """

    member: Member
    grade: Grade | None
    group: str = ""
    why_not: str = ""


def standings(
    files: AssignmentFiles, results: ResultsFolder, collected: Collected, *, decided: bool = False
) -> tuple[Standing, ...]:
    """Everybody who handed in or was graded, by id.

    With `decided`, grades that still wait for a person or another run count what is decided of
    them.

    Grades that neither the record nor a folder speaks of are old, unless nothing was collected at
    all.

    Raises:
        ExchangeError: if the gradebook of the assignment's questions can't be read.
    """
    students = results.students()
    grades = {
        student: grade for student in students if (grade := results.read_grade(student))
    } | take_in_marks(files, results, students)
    parts: dict[str, list[Entry]] = {}
    record = collected.record
    for entry in record.entries:
        for member in entry.members:
            parts.setdefault(member.id, []).append(entry)
    found = [
        _standing(student, entries, grades, decided=decided) for student, entries in parts.items()
    ]
    known = (
        {entry.folder for entry in record.entries}
        | {entry.holder for entry in record.entries}
        | parts.keys()
    )
    found += [
        _settled(Member(student), [grade], "", decided=decided)
        for student, grade in grades.items()
        if student not in known and (not record.entries or student in collected.folders)
    ]
    return tuple(sorted(found, key=lambda standing: standing.member.id))


def _standing(
    student: str, entries: Sequence[Entry], grades: dict[str, Grade], *, decided: bool
) -> Standing:
    member = next(member for member in entries[-1].members if member.id == student)
    group = entries[0].holder if entries[0].group else ""
    if len({entry.holder for entry in entries}) > 1:
        folders = ", ".join(sorted({entry.holder for entry in entries}))
        return Standing(member, None, "", f"has a part in several submissions ({folders})")
    own = [(entry, grades.get(entry.folder)) for entry in entries]
    missing = [entry.folder for entry, grade in own if grade is None]
    if missing:
        return Standing(member, None, group, f"not graded yet ({', '.join(missing)})")
    stale = [
        entry.folder
        for entry, grade in own
        if grade and entry.sha256 and grade.provenance.submission_sha256 != entry.sha256
    ]
    if stale:
        return Standing(
            member, None, group, f"collected anew since it was graded ({', '.join(stale)})"
        )
    return _settled(member, [grade for _, grade in own if grade], group, decided=decided)


def _settled(member: Member, grades: Sequence[Grade], group: str, *, decided: bool) -> Standing:
    """The best grade; none while one that waits may still be the best, unless what is decided is
    enough.
    """
    best = max(grades, key=lambda grade: grade.decided_points)
    final = [grade for grade in grades if not is_waiting(grade)]
    surest = max(final, key=lambda grade: grade.points, default=None)
    open_points = max((_at_most(grade) for grade in grades if is_waiting(grade)), default=0.0)
    if surest is not None and surest.points >= open_points:
        return Standing(member, surest, group)
    if decided and best.decided_max_points > 0:
        return Standing(member, best, group)
    waiting = max((grade for grade in grades if is_waiting(grade)), key=_at_most)
    return Standing(
        member,
        None,
        group,
        f"{waiting.status} ({number(waiting.pending_points)} of {number(waiting.max_points)} points"
        " wait)",
    )


def is_waiting(grade: Grade) -> bool:
    """Whether a person or another run has yet to decide something of it, if only a bonus."""
    return any(check.pending for check in grade.checks)


def _at_most(grade: Grade) -> float:
    return grade.decided_points + sum(
        check.max_points + check.bonus for check in grade.checks if check.pending
    )
