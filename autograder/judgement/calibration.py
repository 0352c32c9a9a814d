"""calibration.toml: what `autograder calibrate` has measured for each check that trains, for a
person to read, review and commit.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import math
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from autograder.evidence.protocol import Call

_LOG = logging.getLogger(__name__)

DIGITS = 3
"""Significant digits in the file: a measurement is no more exact than that."""

_HEADER = """\
How far right programs lie from the reference (spread), how far the nearest known mistake does, and
the bar between them, for each check that trains. Residuals as in
autograder.judgement.comparing.comparison.trajectory_residuals.
Written by `autograder calibrate`: review and commit it.
"""


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One check.

    `call` is a digest of the call that was measured: a bar holds for no other. `nearest` is inf
    where no known mistake is near. Margin and bar count a spread of a few roundings at least
    (`tolerance.LEAST_SPREAD`), whatever was measured.
    """

    call: str
    steps: int
    spread: float
    bar: float
    nearest: float
    nearest_mistake: str
    margin: float

    def __post_init__(self) -> None:
        if not (self.steps > 0 and 0 <= self.spread < self.bar < self.nearest):
            message = "Expected steps above 0 and spread < bar < nearest"
            raise ValueError(message)


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file: on what it was measured, and the checks by id."""

    torch: str
    python: str
    machine: str
    date: datetime.date
    checks: dict[str, Measured] = {}
    device: str = "cpu"
    """Name of the GPU that it was measured on, or "cpu"."""


def calibration_path(folder: Path) -> Path:
    """Where the assignment in `folder` keeps it. It may be absent."""
    return folder / "calibration.toml"


def call_digest(*calls: Call) -> str:
    """Twelve hexadecimal digits that tell what `calls` train, and on what: one, or those of all
    variants that a bar is for.
    """
    content = b"".join(
        msgspec.msgpack.encode([call.function, call.driver, call.seed, call.arguments])
        for call in calls
    )
    return hashlib.sha256(content).hexdigest()[:12]


def read_calibration(path: Path) -> Calibration | None:
    """Parse `path`; None if there is no such file.

    Raises:
        CalibrationError: naming file and key, if it is not as `calibration_text` writes it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {error}"
        raise CalibrationError(message) from error
    try:
        return msgspec.convert(content, Calibration)
    except msgspec.ValidationError as error:
        message = f"{path}{_place_of(content)}: {error}"
        raise CalibrationError(message) from error


def _place_of(content: dict[str, Any]) -> str:
    """` [checks."name"]` of the first table that is no check, which msgspec does not name; empty if
    it is none of those.
    """
    tables = content.get("checks")
    for name, table in tables.items() if isinstance(tables, dict) else ():
        try:
            msgspec.convert(table, Measured)
        except msgspec.ValidationError:
            return f" [checks.{json.dumps(name, ensure_ascii=False)}]"
    return ""


def read_bars(path: Path, calls: Mapping[str, Call | tuple[Call, ...]]) -> dict[str, float]:
    """Bars by check id, for those of `calls` that were measured as they are now; several of one
    check are those of its variants.

    Raises:
        CalibrationError: as `read_calibration`.
    """
    calibration = read_calibration(path)
    if calibration is None:
        return {}
    digests = {
        name: call_digest(*(call if isinstance(call, tuple) else (call,)))
        for name, call in calls.items()
    }
    bars = {
        name: one.bar for name, one in calibration.checks.items() if one.call == digests.get(name)
    }
    if stale := (calibration.checks.keys() & calls.keys()) - bars.keys():
        _LOG.warning(
            "%s: measured for other calls than there are now, so not used: %s; `autograder"
            " calibrate` measures again",
            path,
            ", ".join(sorted(stale)),
        )
    return bars


def calibration_text(calibration: Calibration) -> str:
    """`calibration` as TOML, numbers to three significant digits."""
    import tomlkit  # where something was measured, and not in every command

    document = tomlkit.document()
    for line in _HEADER.splitlines():
        document.add(tomlkit.comment(line))
    for name in ("torch", "python", "machine", "device", "date"):
        document.add(name, getattr(calibration, name))
    checks = tomlkit.table(is_super_table=True)
    for check, measured in calibration.checks.items():
        table = tomlkit.table()
        for name, value in msgspec.structs.asdict(measured).items():
            table.add(name, rounded(value) if isinstance(value, float) else value)
        checks.add(check, table)
    document.add("checks", checks)
    return tomlkit.dumps(document)


def rounded(value: float) -> float:
    """`value` as the file has it."""
    return float(f"{value:.{DIGITS - 1}e}") if math.isfinite(value) else value


def changes(before: Calibration | None, after: Calibration) -> tuple[str, ...]:
    """What a reviewer looks at, one line each: checks that came and went, and bars that moved by
    more than a tenth.
    """
    if before is None:
        return ("there was no calibration before",)
    lines = [f"torch {before.torch} -> {after.torch}"] if before.torch != after.torch else []
    lines += [f"device {before.device} -> {after.device}"] if before.device != after.device else []
    lines += [f"{name}: no longer measured" for name in before.checks.keys() - after.checks.keys()]
    for name, now in after.checks.items():
        old = before.checks.get(name)
        if old is None:
            lines.append(f"{name}: new, bar {now.bar:.3g}")
        elif old.call != now.call:
            lines.append(f"{name}: another call, bar {old.bar:.3g} -> {now.bar:.3g}")
        elif abs(now.bar / old.bar - 1) > 0.1 or old.nearest_mistake != now.nearest_mistake:
            mistakes = dict.fromkeys(
                mistake or "none" for mistake in (old.nearest_mistake, now.nearest_mistake)
            )
            lines.append(
                f"{name}: bar {old.bar:.3g} -> {now.bar:.3g}, nearest mistake"
                f" {' -> '.join(mistakes)}"
            )
    return tuple(lines)


def doubt(path: Path, torch: str, device: str = "cpu") -> str:
    """Why the bars of the file at `path` may not hold under this version of torch, on `device` (a
    GPU's name or "cpu"; empty where it is not known); empty if they do, or there is none.

    Raises:
        CalibrationError: as `read_calibration`.
    """
    calibration = read_calibration(path)
    if calibration is None:
        return ""
    was, now = [], []
    if calibration.torch.split(".")[:2] != torch.split(".")[:2]:
        was.append(f"with torch {calibration.torch}")
        now.append(torch)
    if device and calibration.device != device:
        was.append(f"on {calibration.device}")
        now.append(device)
    if not was:
        return ""
    return (
        f"{path.name} was measured {' '.join(was)}, and this is {' on '.join(now)}: `autograder"
        " calibrate` measures it again"
    )
