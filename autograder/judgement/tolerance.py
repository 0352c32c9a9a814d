"""How far right programs may lie apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """``|actual - expected| <= absolute + relative * |expected|``."""

    relative: float
    absolute: float

    def __str__(self) -> str:
        return f"{self.absolute:g} + {self.relative:g} x |expected|"


VALUES = Tolerance(relative=1e-4, absolute=1e-5)
"""For values computed in a few float32 operations. Rounding moves them by about 1e-6 relative; the printed lecture numbers carry 5 digits."""

TRAINING_BAR = 5e-5
"""Greatest residual of a trajectory (`comparison.trajectory_residuals`) for at most 60 steps of float32 training.

Legitimate variants of the lecture's loop (reordered sums, foreach, fused, F.mse_loss, float64) spread by 4e-7 to 6e-6 on such calls; the nearest known
mistake lies 130 times further out (half precision: 6e-4). benchmarks/spread.py measures both again.
"""

LONG_RUN_BAR = 5e-5
"""The same for the final values of a run of thousands of steps that has settled (lecture: 7e-7 between machines and start states, float64 included 2e-6). No bound on final
values can tell wrong loops from right ones (off by one moves them by 3e-7); the short calls do."""
