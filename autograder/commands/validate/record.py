"""The records that an assignment's checks have passed their test and that their bars could be set,
without which nothing is released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.course.keys import validation_key
from autograder.errors import AssignmentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.course.results import ResultsFolder


class Validated(msgspec.Struct, frozen=True):
    """The record of a validation, results/validated/<slug>.json.

    `context` is a hash of everything that it depends on.
    """

    context: str
    passed: bool
    reference: float
    stub: float
    mistakes: int
    killed: int
    survivors: tuple[str, ...]
    inert: tuple[str, ...]
    excused: dict[str, str]


def is_validated(files: AssignmentFiles, results: ResultsFolder) -> bool:
    """Tell whether the checks of `files`, as they are now, passed their test."""
    record = _read(files, results)
    return record is not None and record.passed and record.context == validation_key(files)


def overtaken(files: AssignmentFiles, results: ResultsFolder) -> str:
    """Say that the checks were changed, or did not pass, since they were last tested.

    Empty where they passed as they are, or were never tested here.
    """
    record = _read(files, results)
    if record is None or (record.passed and record.context == validation_key(files)):
        return ""
    what = "have changed since their last test" if record.passed else "did not pass their last test"
    return f"the checks of {files.slug!r} {what}: `autograder validate {files.slug}` tests them"


def _read(files: AssignmentFiles, results: ResultsFolder) -> Validated | None:
    try:
        return msgspec.json.decode(record_path(files, results).read_bytes(), type=Validated)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def untested(files: AssignmentFiles, results: ResultsFolder, doing: str, *, force: bool) -> str:
    """Return words of doubt for what is done by `force`, such as `doing` "release".

    There is doubt if the checks have not passed their test, or have no bars; else they are empty.

    The checks have not passed their test, or have no bars; empty where they have.

    Raises:
        AssignmentError: if they have not, and nobody insists.
    """
    slug, reasons = files.slug, list[tuple[str, str]]()
    if refused := refused_bars(files, results):
        named = ", ".join(refused)
        reasons.append(
            (
                f"the last calibration refused a bar for {named}",
                f"run `autograder calibrate {slug}` first, which says what to change",
            )
        )
    if not is_validated(files, results):
        reasons.append(
            (
                "its checks have not passed their test since they last changed",
                f"run `autograder validate {slug}` first",
            )
        )
    if reasons and not force:
        steps = "; ".join(f"{why}: {what}" for why, what in reasons)
        message = (
            f"{slug!r} can't be {doing}{'d' if doing.endswith('e') else 'ed'} yet: {steps} (--force"
            f" {doing}s all the same)"
        )
        raise AssignmentError(message)
    return f"by force: {'; '.join(why for why, _ in reasons)}" if reasons else ""


def refused_bars(files: AssignmentFiles, results: ResultsFolder) -> dict[str, str]:
    """Return the checks for which the last calibration had no room for a bar, each with why."""
    try:
        return msgspec.json.decode(_refusals_path(files, results).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def record_refusals(
    files: AssignmentFiles, results: ResultsFolder, refused: Mapping[str, str]
) -> None:
    """Keep which checks a calibration left without a bar; nothing where each has one."""
    path = _refusals_path(files, results)
    if refused:
        write_atomic(path, msgspec.json.encode(refused))
    else:
        path.unlink(missing_ok=True)


def _refusals_path(files: AssignmentFiles, results: ResultsFolder) -> Path:
    return results.root / "validated" / f"{files.slug}.refused.json"


def mistakes_path(files: AssignmentFiles) -> Path:
    """Wrong programs that no operator makes; may be absent."""
    return files.solution.with_name("mistakes.py")


def equivalents_path(files: AssignmentFiles) -> Path:
    """Return the path of the right programs in other words; it may be absent."""
    return files.solution.with_name("equivalents.py")


def record_path(files: AssignmentFiles, results: ResultsFolder) -> Path:
    """Return the path of the record."""
    return results.root / "validated" / f"{files.slug}.json"
