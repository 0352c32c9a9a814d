"""A calibration in the terminal."""

from __future__ import annotations

import datetime
import io

from rich.console import Console

from autograder.judgement.calibration import Calibration, Measured
from autograder.reports.terminal.measured_bars import calibration_table


def test_bar_and_nearest_mistake_stand_beside_each_other() -> None:
    """With the margin; of a check that no mistake comes near there is none, and no "inf" that reads
    as a number.
    """
    checks = {
        "test_near": Measured("0" * 12, 20, 1e-6, 5e-5, 0.02, "sum-not-mean", 400.0),
        "test_far": Measured("1" * 12, 30, 1e-6, 5e-5, float("inf"), "", float("inf")),
    }
    console = Console(file=io.StringIO(), width=140, force_terminal=False)
    console.print(
        calibration_table(Calibration("2", "3", "x86_64", datetime.date(2026, 11, 1), checks))
    )
    _, near, far = (line.split() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
    assert near == ["test_near", "20", "1e-06", "5e-05", "0.02", "400x", "sum-not-mean"]
    assert far == [
        "test_far",
        "30",
        "1e-06",
        "5e-05",
        "-",
        "-",
        *["none", "that", "makes", "as", "many", "steps"],
    ]
