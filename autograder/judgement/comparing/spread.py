"""Where right and wrong programs lie around the reference on one call, and what follows: bar,
refusal, warning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autograder.judgement.calibration import Measured, rounded
from autograder.judgement.comparing.tolerance import (
    LEAST_MARGIN,
    LEAST_SPREAD,
    bar_between,
    margin_between,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autograder.evidence.trace import NdArray
    from autograder.judgement.comparing.distance import Distance

INERT = 3.0
"""A mistake that ends within this many spreads, and never stood clear of them on the way, is none
on the call at hand: it does what a right program does.
"""

GREATEST_GROWTH = 100.0
"""How many times the spread may grow from its early steps to the last.

Rounding that adds up grows by the square root of the steps, or by their number; a hundredfold in 60
steps is an optimizer that amplifies it (Adadelta, RMSprop, Adafactor: they divide by what they have
just seen, and never settle).
"""

GREATEST_SPREAD = 1e-3
"""Beyond it no bar can tell a learning rate that is wrong by a few thousandths."""

EARLY_STEP = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """A program that ran the call, and how far from the reference it ended."""

    name: str
    distance: Distance


@dataclass(frozen=True, slots=True)
class Spread:
    """Right and wrong programs that were tried for one check.

    `rights` is never empty. `broken`: what the check says of the reference itself, on a variant
    where it does not pass.
    """

    check: str
    rights: tuple[Tried, ...]
    wrongs: tuple[Tried, ...]
    broken: str = ""

    @property
    def profile(self) -> NdArray:
        """Greatest distance of right programs by each step, float64 of shape (n,).

        Never decreasing; `LEAST_SPREAD` at least.
        """
        count = len(self.steps)
        rows = [
            tried.distance.by_step for tried in self.rights if len(tried.distance.by_step) == count
        ]
        return np.asarray(
            np.maximum.accumulate(np.max([np.full(count, LEAST_SPREAD), *rows], axis=0))
        )

    @property
    def steps(self) -> NdArray:
        """Numbers of the steps that were compared.

        A long run of large tensors is recorded at wider strides, and counts by its total only.
        """
        return max((tried.distance.steps for tried in self.rights), key=len)

    @property
    def widest(self) -> Tried:
        """The right program that lies furthest out."""
        return max(self.rights, key=lambda tried: tried.distance.total)

    @property
    def value(self) -> float:
        """Distance of the widest right program; `LEAST_SPREAD` at least."""
        return max(self.widest.distance.total, LEAST_SPREAD)

    @property
    def nearest(self) -> Tried | None:
        """The wrong program nearest to the reference that does something wrong on this call.

        None if all are inert or can't be compared with it at all.
        """
        near = [
            tried
            for tried in self.wrongs
            if tried.distance.total < float("inf") and self._shows(tried)
        ]
        return min(near, key=lambda tried: tried.distance.total, default=None)

    def _shows(self, tried: Tried) -> bool:
        """Tell whether a wrong program is not inert.

        It may show at some step although the spread has swallowed it in the end.
        """
        return tried.distance.total > INERT * self.value or bool(
            (self._margins(tried) >= LEAST_MARGIN).any()
        )

    def _margins(self, tried: Tried) -> NdArray:
        """Return a program's distance by each step, in spreads."""
        if len(tried.distance.by_step) != len(self.steps):
            return np.full(len(self.steps), tried.distance.total / self.value)
        return np.asarray(np.maximum.accumulate(tried.distance.by_step) / self.profile)

    @property
    def margin(self) -> float:
        """Nearest mistake over spread."""
        return margin_between(self.value, _distance(self.nearest))

    def measured(self, call: str, steps: int) -> Measured:
        """Return the bar as the file keeps it; `call` is the digest of the call.

        Raises:
            ValueError: if it is to be refused.
        """
        return _measured(self, self.widest.distance.total, call, steps)

    def refusal(self) -> str:
        """Say why no bar can be set, and what to change; empty if one can."""
        if self.broken:
            return f"{self.check}: the reference does not pass it: {self.broken}"
        if self.value == float("inf"):
            return (
                f"{self.check}: right programs do not agree: {self.widest.name} makes other steps,"
                " or its numbers overflow where the reference's do not. Judge fewer steps, or use"
                " a smaller learning rate."
            )
        if self.nearest is None or self.margin >= LEAST_MARGIN:
            return ""
        found = (
            f"{self.check}: right programs lie up to {self.value:.2g} apart ({self.widest.name}),"
            f" the mistake {self.nearest.name} only {self.nearest.distance.total:.2g} away: a"
            f" margin of {self.margin:.1f}x, and {LEAST_MARGIN:g}x are needed."
        )
        return f"{found} {self._advice()}"

    def _advice(self) -> str:
        """Return the longest horizon at which the nearest mistake stands clear, if there is one.

        Every other mistake that shows by then must do so, too.
        """
        assert self.nearest is not None
        clear = self._margins(self.nearest) >= LEAST_MARGIN
        for tried in self.wrongs:
            if tried.distance.total < float("inf"):
                margins = self._margins(tried)
                shown = np.maximum.accumulate(margins >= LEAST_MARGIN) | (margins > INERT)
                clear &= ~shown | (margins >= LEAST_MARGIN)
        rows = np.flatnonzero(clear)
        if rows.size:
            return (
                f"Judge {self.steps[rows[-1]]} steps instead of {self.steps[-1]}: there all known"
                " mistakes stand clear."
            )
        return (
            "Use another learning rate, start or data, on which this mistake shows, or judge fewer"
            " steps."
        )

    def warning(self) -> str:
        """Say what is wrong with the horizon; empty if nothing is."""
        profile, steps = self.profile, self.steps
        early = max(1, min(EARLY_STEP, int(steps[-1]) // 4))
        # rows of long runs are strided
        begun = int(np.searchsorted(steps, early, side="right")) - 1
        if steps[-1] >= 2 * early and profile[-1] > GREATEST_GROWTH * profile[max(0, begun)]:
            drift = (
                f"{profile[max(0, begun)]:.2g} after {early} steps and {profile[-1]:.2g} after"
                f" {steps[-1]}"
            )
            return (
                f"{self.check}: right programs come apart, {drift}: this optimizer never settles"
                " here. Judge fewer steps."
            )
        if self.value > GREATEST_SPREAD:
            return (
                f"{self.check}: right programs lie {self.value:.2g} apart: this optimizer never"
                " settles here. Judge fewer steps."
            )
        return ""


@dataclass(frozen=True, slots=True)
class Across:
    """One check on several variants.

    Each has a reference and a nearest mistake of its own; one bar is to hold for all.
    """

    check: str
    variants: Mapping[str, Spread]

    @property
    def varies(self) -> bool:
        """True if it is another call on each variant; else there is one, called ""."""
        return "" not in self.variants

    @property
    def value(self) -> float:
        """Distance of right programs on the variant where it is greatest."""
        return max(spread.value for spread in self.variants.values())

    @property
    def nearest(self) -> Tried | None:
        """The nearest wrong program, on the variant where one comes nearest.

        What it is there that shows nothing on it is told by that variant alone.
        """
        near = [tried for spread in self.variants.values() if (tried := spread.nearest) is not None]
        return min(near, key=lambda tried: tried.distance.total, default=None)

    def refused(self) -> dict[str, str]:
        """Variants on which no bar can be set, and why."""
        return {
            name: refusal for name, spread in self.variants.items() if (refusal := spread.refusal())
        }

    def without(self, names: Iterable[str]) -> Across:
        """Return all variants but these."""
        left_out = set(names)
        return Across(
            self.check,
            {name: spread for name, spread in self.variants.items() if name not in left_out},
        )

    def refusal(self) -> str:
        """Say why no bar can hold for all variants; empty if one can."""
        nearest = self.nearest
        if nearest is None or margin_between(self.value, nearest.distance.total) >= LEAST_MARGIN:
            return ""
        return (
            f"{self.check}: over {len(self.variants)} drawn variants, right programs lie up to"
            f" {self.value:.2g} apart and the mistake {nearest.name} comes as near as"
            f" {nearest.distance.total:.2g}: a margin of"
            f" {margin_between(self.value, nearest.distance.total):.1f}x, and {LEAST_MARGIN:g}x are"
            " needed. Let draw() vary less, or judge fewer steps."
        )

    def measured(self, call: str, steps: int) -> Measured:
        """Return the bar as the file keeps it, as `Spread.measured` does.

        Raises:
            ValueError: if it is to be refused.
        """
        return _measured(
            self,
            max(spread.widest.distance.total for spread in self.variants.values()),
            call,
            steps,
        )

    def warning(self) -> str:
        """Say what is wrong with the horizon on the first variant where anything is."""
        return next(
            (warning for spread in self.variants.values() if (warning := spread.warning())), ""
        )


def _measured(of: Spread | Across, widest: float, call: str, steps: int) -> Measured:
    nearest = _distance(of.nearest)
    return Measured(
        call=call,
        steps=steps,
        spread=rounded(widest),
        bar=rounded(bar_between(of.value, nearest)),
        nearest=rounded(nearest),
        nearest_mistake=of.nearest.name if of.nearest else "",
        margin=rounded(margin_between(of.value, nearest)),
    )


def _distance(nearest: Tried | None) -> float:
    return nearest.distance.total if nearest else float("inf")


def clear_of(bar: float, spread: Spread) -> bool:
    """Tell whether `bar`, measured on other variants, parts right from wrong on this one.

    On either side it leaves as much room as the least margin does.
    """
    room = math.sqrt(LEAST_MARGIN)
    return (
        not spread.broken
        and spread.value * room <= bar
        and (spread.nearest is None or spread.nearest.distance.total >= bar * room)
    )
