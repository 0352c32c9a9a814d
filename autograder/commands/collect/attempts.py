"""Which of a holder's attempts are collected: the newest, the last on time, or all of them, of
which the best counts once they are graded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from autograder.exchange.lms.delivery import pick_notebooks

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence

    from autograder.commands.collect.matching import Holder, Matched


class Take(StrEnum):
    """What an author asks for."""

    NEWEST = "newest"
    BEST = "best"
    LAST_ON_TIME = "last-on-time"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A holder's attempts that are collected, oldest first, of `seen` that there were.

    `why_none` says why there are none; `note` is a sentence to the instructor.
    """

    holder: Holder
    attempts: tuple[Matched, ...]
    seen: int
    why_none: str = ""
    note: str = ""


def choose(
    matched: Iterable[Matched], take: Take, due: datetime.datetime | None, slug: str
) -> tuple[Chosen, ...]:
    """The attempts of each holder, in the order of folders."""
    by_folder: dict[str, list[Matched]] = {}
    for one in matched:
        by_folder.setdefault(one.holder.folder, []).append(one)
    return tuple(
        _of_holder(sorted(attempts, key=lambda one: one.delivery.order), take, due, slug)
        for _, attempts in sorted(by_folder.items())
    )


def is_late(one: Matched, due: datetime.datetime | None) -> bool | None:
    """What the system says, else what its time says; None where neither says anything."""
    moment = one.delivery.submitted_at
    if one.delivery.late is None and moment is not None and due is not None:
        return moment > due
    return one.delivery.late


def _of_holder(
    attempts: Sequence[Matched], take: Take, due: datetime.datetime | None, slug: str
) -> Chosen:
    holder = attempts[0].holder
    match take:
        case Take.BEST:
            return Chosen(holder, tuple(attempts), len(attempts))
        case Take.NEWEST:
            return Chosen(
                holder, (attempts[-1],), len(attempts), note=_empty_newest(attempts, slug)
            )
        case Take.LAST_ON_TIME:
            lateness = [is_late(one, due) for one in attempts]
            if None in lateness:
                return Chosen(
                    holder,
                    (),
                    len(attempts),
                    why_none=(
                        "nothing says whether it was on time: neither a mark of the system, nor a"
                        " time and a due date"
                    ),
                )
            on_time = [one for one, late in zip(attempts, lateness, strict=True) if late is False]
            if not on_time:
                return Chosen(holder, (), len(attempts), why_none="no attempt was on time")
            return Chosen(holder, (on_time[-1],), len(attempts), note=_empty_newest(on_time, slug))


def _empty_newest(attempts: Sequence[Matched], slug: str) -> str:
    """A newest attempt without a notebook may be a mistake: a comment that was sent, say."""
    if pick_notebooks(attempts[-1].delivery.files, slug):
        return ""
    earlier = next(
        (one for one in reversed(attempts[:-1]) if pick_notebooks(one.delivery.files, slug)), None
    )
    if earlier is None:
        return ""
    return (
        "the attempt that counts holds no notebook, but an earlier one does"
        f" ({earlier.delivery.label})"
    )
