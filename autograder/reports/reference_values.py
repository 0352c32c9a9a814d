"""What the reference of an assignment computes in each check that trains, beside how well that can
be told from mistakes: a table in Markdown, for instructors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from autograder.evidence.trace import Setting
    from autograder.judgement.calibration import Calibration, Measured
    from autograder.judgement.observation import Observation

SHOWN = 6
"""Numbers of the final parameters; a table of rows has more, and its first ones tell as much."""

DIGITS = 5
UNSAID = frozenset({"foreach", "fused", "capturable", "differentiable", "maximize", "initial_lr"})
"""Settings that change nothing here."""


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """Reference values of one check.

    They are the optimizer that stepped, its settings, where it led, and what calibration has
    measured. `loss` is that of the last backward pass.
    """

    check: str
    optimizer: str
    settings: str
    steps: int
    loss: float
    parameters: tuple[float, ...]
    more: int
    measured: Measured


def reference_values(
    runs: Mapping[str, Observation],
    calibration: Calibration,
    defaults: Mapping[str, Mapping[str, Setting]],
) -> tuple[ReferenceValue, ...]:
    """Return the values of all calibrated checks, in the order of `runs`.

    `runs` are the reference's, by check id; `defaults` are those of torch's own classes by name:
    what is like them goes without saying.

    Raises:
        KeyError: if a calibrated check has no run.
    """
    missing = calibration.checks.keys() - runs.keys()
    if missing:
        message = f"no run of the reference for {', '.join(sorted(missing))}"
        raise KeyError(message)
    return tuple(
        _value(check, run, calibration.checks[check], defaults)
        for check, run in runs.items()
        if check in calibration.checks
    )


def _value(
    check: str, run: Observation, measured: Measured, defaults: Mapping[str, Mapping[str, Setting]]
) -> ReferenceValue:
    trace = run.trace
    assert trace is not None, f"{check} is calibrated, so it trains"
    numbers = np.concatenate([values[-1].reshape(-1) for values in run.parameters]).astype(float)
    return ReferenceValue(
        check=check,
        optimizer=trace.optimizer,
        settings=_settings(trace.settings, defaults.get(trace.optimizer, {})),
        steps=trace.steps,
        loss=float(run.losses[-1]),
        parameters=tuple(numbers[:SHOWN].tolist()),
        more=max(0, len(numbers) - SHOWN),
        measured=measured,
    )


def _settings(groups: tuple[dict[str, Setting], ...], defaults: Mapping[str, Setting]) -> str:
    """List settings that differ from the defaults, and always the learning rate.

    Once for all groups that have the same.
    """
    said = [
        ", ".join(
            f"{name} {_setting(value)}"
            for name, value in group.items()
            if name not in UNSAID
            and (name == "lr" or name not in defaults or not _same(value, defaults[name]))
        )
        for group in groups
    ]
    return "; ".join(dict.fromkeys(said))


def _same(value: Setting, default: Setting) -> bool:
    return value == default or (
        isinstance(value, tuple) and isinstance(default, tuple | list) and tuple(default) == value
    )


def _setting(value: Setting) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(f"{number:g}" for number in value) + ")"
    return str(value) if value is None or isinstance(value, bool | str) else f"{value:g}"


def reference_table(values: Iterable[ReferenceValue]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield (
        "| check | optimizer | settings | steps | loss | parameters | spread | bar | nearest"
        " mistake | margin |"
    )
    yield "|---|---|---|---:|---:|---|---:|---:|---|---:|"
    for one in values:
        parameters = ", ".join(f"{number:.{DIGITS}g}" for number in one.parameters) + (
            f" and {one.more} more" if one.more else ""
        )
        mistake = (
            f"{one.measured.nearest:.3g}: {one.measured.nearest_mistake}"
            if one.measured.nearest_mistake
            else "none"
        )
        cells = (
            f"`{one.check}`", one.optimizer, one.settings, one.steps, f"{one.loss:.{DIGITS}g}", parameters,
            f"{one.measured.spread:.3g}", f"{one.measured.bar:.3g}", mistake, f"{one.measured.margin:,.0f}x",
        )  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"
