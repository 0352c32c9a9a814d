"""How a check says that a run is wrong, right in part, or for a person to look at."""

from __future__ import annotations


class CheckFailed(AssertionError):
    """The run differs from the reference. The message is for the student."""


class PartialCredit(CheckFailed):
    """The run is right in part: it gets `points`, from 0 to what the check is worth
    (`reference.worth`).
    """

    def __init__(self, points: float, message: str = "") -> None:
        super().__init__(message)
        self.points = points


class NeedsReview(AssertionError):
    """The check can't tell right from wrong on this run: a person should look.

    The message is for both.
    """
