"""A calibration in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from autograder.judgement.calibration import Calibration


def calibration_table(calibration: Calibration) -> Table:
    """A row for each check."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Check", overflow="fold")
    for name in ("Steps", "Spread", "Bar", "Nearest", "Margin"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Nearest mistake", overflow="fold")
    for check, measured in calibration.checks.items():
        far = not math.isfinite(measured.nearest)
        nearest, margin = (
            ("-", "-") if far else (f"{measured.nearest:.2g}", f"{measured.margin:.3g}x")
        )
        numbers = (
            str(measured.steps),
            f"{measured.spread:.2g}",
            f"{measured.bar:.2g}",
            nearest,
            margin,
        )
        table.add_row(
            Text(check), *numbers, Text(measured.nearest_mistake or "none that makes as many steps")
        )
    return table
