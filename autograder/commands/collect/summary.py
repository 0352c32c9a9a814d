"""What `autograder collect` says when it is done: whose are there, whose are not, and what a person
has to look at. Names are shown plain: students choose some of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.commands.collect.collection import EARLIER
from autograder.reports.plain import counted, listed, plain_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from autograder.commands.collect.collection import Collection
    from autograder.people.handed_in import Entry

SHOWN = 20
"""Of a list that needs no action; those that do are shown whole."""


def incomplete(done: Collection) -> bool:
    """Whether something that was handed in was not collected."""
    return bool(
        done.unmatched or done.strangers or done.not_taken or done.refused or done.kept_newer
    )


def collection_lines(done: Collection, root: Path) -> list[str]:
    """The summary, most urgent last."""
    present = [entry for entry in done.record.entries if entry.folder not in done.absent]
    return [
        (
            f"{counted(len(present), 'submission')} from {done.system}: {len(done.new)} new,"
            f" {len(done.changed)} changed, {len(done.unchanged)} unchanged"
        ),
        *_about(present),
        *_moved(done, root),
        *(plain_line(note, 400) for note in done.notes),
        *_troubles(done),
        (
            f"Collected in {root}, with {root / f'collected-{done.record.assignment}.json'}. Next:"
            f" autograder grade {done.record.assignment} {root}"
        ),
    ]


def _about(present: Sequence[Entry]) -> list[str]:
    lines = []
    if late := [entry.folder for entry in present if entry.late]:
        lines.append(f"late: {listed(late, SHOWN)}")
    groups = [
        f"{entry.folder} ({', '.join(member.id for member in entry.members)})"
        for entry in present
        if entry.group
    ]
    if groups:
        lines.append(f"groups, each graded once for all members: {listed(groups, SHOWN)}")
    if several := [
        f"{entry.holder} ({entry.attempts_seen})"
        for entry in present
        if entry.attempts_seen > 1 and entry.attempt in (0, 1)
    ]:
        lines.append(f"handed in more than once: {listed(several, SHOWN)}")
    if empty := [entry.folder for entry in present if not entry.files]:
        lines.append(f"without a notebook: {listed(empty, SHOWN)}")
    if many := [entry.folder for entry in present if len(entry.files) > 1]:
        lines.append(
            "with several notebooks, none of them named as the assignment (a person has to"
            f" choose): {listed(many, SHOWN)}"
        )
    return lines


def _moved(done: Collection, root: Path) -> list[str]:
    lines = []
    if done.changed or done.replaced:
        lines.append(
            f"changed since they were collected: {listed([*done.changed, *done.replaced], SHOWN)};"
            f" what was there is kept in {root / EARLIER}"
        )
    if done.kept_newer:
        lines.append(
            "older here than what was collected before, which stays:"
            f" {listed(done.kept_newer, SHOWN)}"
        )
    if done.absent:
        lines.append(
            f"collected before and not in this download; they stay: {listed(done.absent, SHOWN)}"
        )
    if done.missing:
        lines.append(
            f"nothing from {counted(len(done.missing), 'student')} of the roster:"
            f" {listed([student.id for student in done.missing], SHOWN)}"
        )
    return lines


def _troubles(done: Collection) -> list[str]:
    lines = []
    if done.strange:
        lines.append(
            f"{counted(len(done.strange), 'file')} not named as {done.system} names submissions,"
            f" passed over: {listed(done.strange, SHOWN)}"
        )
    lines += [f"REFUSED {plain_line(name, 300)}" for name in done.refused]
    lines += [f"NOT COLLECTED {plain_line(folder)}: {why}" for folder, why in done.not_taken]
    lines += [
        f"NOT MATCHED {plain_line(one.label)}: {plain_line(one.why, 400)}" for one in done.unmatched
    ]
    lines += [
        f"NOT MATCHED in {plain_line(folder)}: {plain_line(stranger, 400)}"
        for folder, stranger in done.strangers
    ]
    lines += [
        f"TWICE {plain_line(student)} has a part in {', '.join(map(plain_line, folders))}: exports"
        " leave them out until only one is left"
        for student, folders in done.twice
    ]
    return lines
