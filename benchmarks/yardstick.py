"""Bars, and the yardstick that those of time are measured in: the bare cells of the lecture's
notebook in a warm process, in the same run.

A bar of time is written as it stands where the yardstick is `SECONDS`, and scales with it: on a
machine on which everything takes twice as long, twice as much is allowed. Ratios, shares and bytes
are the same everywhere.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 1.3
"""The yardstick where bars are as written; the published figures were taken at 1.29 s."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold, and what was measured.

    `allowed` says of a bar of time what it is in yardsticks, and what that is here.
    """

    title: str
    met: bool
    shown: str
    allowed: str = ""

    def __str__(self) -> str:
        allowed = f" ({self.allowed})" if self.allowed else ""
        return f"{'pass' if self.met else 'falls short'}: {self.title}{allowed}: {self.shown}"

    @property
    def row(self) -> str:
        """The bar in a table of title, what is allowed, verdict and figure."""
        return (
            f"| {self.title} | {self.allowed} | {'pass' if self.met else '**falls short**'} |"
            f" {self.shown} |"
        )


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the yardstick took in this run."""

    seconds: float

    def allows(self, written_s: float) -> float:
        """Seconds that a bar of `written_s` allows here."""
        return written_s * self.seconds / SECONDS

    def bar(self, title: str, written_s: float, measured_s: Sequence[float]) -> Bar:
        """`title` with the bar of time, which each of `measured_s` must keep."""
        here_s, worst_s = self.allows(written_s), max(measured_s)
        shown = seconds_text(worst_s)
        if len(measured_s) > 1:
            shown = f"{seconds_text(statistics.median(measured_s))}, at most {shown}"
        # 0.000023, with no exponent
        multiple = f"{float(f'{written_s / SECONDS:.2g}'):f}".rstrip("0").rstrip(".")
        allowed = f"{multiple} yardsticks, here {seconds_text(here_s)}"
        return Bar(f"{title} at most {seconds_text(written_s)}", worst_s <= here_s, shown, allowed)


def seconds_text(seconds: float) -> str:
    """Three digits in s, ms or us."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds / 1e-6)} us"


def _three_digits(value: float) -> str:
    """Never with an exponent; 999.7 is 1000."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
