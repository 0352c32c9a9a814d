"""Gradescope's submission_metadata.json: who handed in when, what was handed in before, and whether
a limit allows another grading.

All times are Gradescope's own, never this machine's: a submission that is graded again later meets
the same limit.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograder.assignment import RateLimit

_SAME_MOMENT = datetime.timedelta(seconds=1)
KEY = "gradstep"
"""Our own part of a result's extra_data, which Gradescope hands back with the next submission."""


class User(msgspec.Struct, frozen=True):
    """One of those who handed in; several for a group."""

    email: str = ""
    name: str = ""


class Previous(msgspec.Struct, frozen=True):
    """An earlier submission of the same students.

    Gradescope gives `results` of the latest one only.
    """

    submission_time: datetime.datetime
    score: float | None = None
    autograder_error: bool | None = None
    results: Any = None


class Metadata(msgspec.Struct, frozen=True):
    """Gradescope's metadata of a submission, as far as used here. Times have a time zone."""

    created_at: datetime.datetime
    id: int | str = ""
    users: tuple[User, ...] = ()
    previous_submissions: tuple[Previous, ...] = ()

    def __post_init__(self) -> None:
        for moment in (
            self.created_at,
            *(one.submission_time for one in self.previous_submissions),
        ):
            if moment.tzinfo is None:
                message = "Expected a time zone in created_at and submission_time"
                raise ValueError(message)

    @property
    def earlier(self) -> tuple[Previous, ...]:
        """Submissions handed in before this one, oldest first."""
        return tuple(
            sorted(
                (one for one in self.previous_submissions if one.submission_time < self.created_at),
                key=lambda one: one.submission_time,
            )
        )

    @property
    def latest_results(self) -> dict[str, Any] | None:
        """Content of results.json of the submission before this one; None if there is none yet."""
        found = self.earlier[-1].results if self.earlier else None
        return found if isinstance(found, dict) and found else None


@dataclass(frozen=True, slots=True)
class Allowance:
    """State of a limit for one submission.

    `used` gradings of `limit` in the hours before it; `again_at` where they are used up.
    `uncounted` are earlier submissions in the window that used up nothing, since they were not
    graded.
    """

    limit: RateLimit
    used: int
    again_at: datetime.datetime | None
    uncounted: tuple[datetime.datetime, ...]


def read_metadata(data: bytes) -> Metadata:
    """Parse submission_metadata.json.

    Raises:
        ExchangeError: saying what is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(data, type=Metadata, strict=False)
    except msgspec.DecodeError as error:
        message = f"submission_metadata.json: {error}"
        raise ExchangeError(message) from error


def allowance(metadata: Metadata, limit: RateLimit) -> Allowance:
    """Count the gradings in the `limit.hours` before `metadata`'s submission.

    Those that failed by no fault of the student don't count, and none that was refused.
    """
    hours = datetime.timedelta(hours=limit.hours)
    within = [one for one in metadata.earlier if one.submission_time > metadata.created_at - hours]
    refused = _uncounted(metadata)
    counted = [
        one.submission_time
        for one in within
        if not one.autograder_error and not _among(one.submission_time, refused)
    ]
    again_at = counted[-limit.submissions] + hours if len(counted) >= limit.submissions else None
    return Allowance(
        limit,
        len(counted),
        again_at,
        tuple(one.submission_time for one in within if _among(one.submission_time, refused)),
    )


def _uncounted(metadata: Metadata) -> tuple[datetime.datetime, ...]:
    """Return earlier submissions that count for nothing.

    The latest result carries the list, and may be one itself.
    """
    own = own_data(metadata.latest_results)
    listed = own.get("uncounted")
    moments = (
        [moment for text in listed if (moment := _moment(text))] if isinstance(listed, list) else []
    )
    if own.get("counted") is False:
        moments.append(metadata.earlier[-1].submission_time)
    return tuple(moments)


def own_data(results: dict[str, Any] | None) -> dict[str, Any]:
    """Return what we wrote into `results`' extra_data; empty where there is nothing of ours."""
    extra = (results or {}).get("extra_data")
    own = extra.get(KEY) if isinstance(extra, dict) else None
    return own if isinstance(own, dict) else {}


def _among(moment: datetime.datetime, moments: Iterable[datetime.datetime]) -> bool:
    return any(abs(moment - other) < _SAME_MOMENT for other in moments)


def _moment(text: object) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
