"""How far right programs may lie apart."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """``|actual - expected| <= absolute + relative * |expected|``."""

    relative: float
    absolute: float

    def __str__(self) -> str:
        return f"{self.absolute:g} + {self.relative:g} x |expected|"


VALUES = Tolerance(relative=1e-4, absolute=1e-5)
"""For values computed in a few float32 operations.

Rounding moves them by about 1e-6 relative; the printed lecture numbers carry 5 digits.
"""

TRAINING_BAR = 5e-5
"""Greatest residual of a trajectory (`comparison.trajectory_residuals`) for at most 60 steps of
float32 training.

Legitimate variants of the lecture's loop (reordered sums, foreach, fused, F.mse_loss, float64)
spread by 4e-7 to 6e-6 on such calls; the nearest known mistake lies 130 times further out (half
precision: 6e-4). It serves checks that calibration.toml does not list: `autograder calibrate`
measures both for each check.
"""

LONG_RUN_BAR = 5e-5
"""The same for the final values of a run of thousands of steps that has settled (lecture: 7e-7
between machines and start states, float64 included 2e-6). No bound on final values can tell wrong
loops from right ones (off by one moves them by 3e-7); the short calls do.
"""

LEAST_MARGIN = 10.0
"""Nearest mistake over spread.

With less, a bar between them is within a factor of three of right programs, which is what another
machine may add.
"""

LEAST_SPREAD = 4 * 2.0**-23
"""A few roundings of float32 (its epsilon is 2**-23): what right programs may differ by elsewhere,
even if none of those tried here does. 45 correct loops written by hand lie up to 6.5e-7 from the
reference on the calls of the optimizers assignment, where the variants tried by calibration lie up
to 4.9e-7 out.
"""

GREATEST_CLEARANCE = 100.0
"""Bar over spread, however far out the nearest known mistake: what nobody has thought of may lie
nearer. Two orders of magnitude are more than machines differ by.
"""

GREATEST_BAR = 1e-3
"""Above it a learning rate wrong by a thousandth would pass.

Only a spread that is itself so large goes beyond.
"""


def margin_between(spread: float, nearest: float) -> float:
    """How many times further out than right programs the nearest mistake lies; inf where no mistake
    is near.
    """
    return nearest / max(spread, LEAST_SPREAD)


def bar_between(spread: float, nearest: float) -> float:
    """The bar for right programs that lie `spread` apart and a nearest mistake at `nearest` (inf:
    none): their geometric mean, within the bounds above.

    Raises:
        ValueError: if they lie too close together for any bar.
    """
    margin = margin_between(spread, nearest)
    if not margin >= LEAST_MARGIN:
        message = (
            f"spread {spread:g} and nearest mistake {nearest:g} leave a margin of {margin:.3g},"
            f" below {LEAST_MARGIN:g}"
        )
        raise ValueError(message)
    floor = max(spread, LEAST_SPREAD)
    bar = floor * min(math.sqrt(margin), GREATEST_CLEARANCE)
    return max(min(bar, GREATEST_BAR), floor * math.sqrt(LEAST_MARGIN))
