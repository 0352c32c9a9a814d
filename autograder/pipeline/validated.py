"""The record that an assignment's checks have passed their test, without which nothing is released."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from autograder.errors import AssignmentError
from autograder.pipeline.plan import context_digest

if TYPE_CHECKING:
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.pipeline.results import ResultsFolder


class Validated(msgspec.Struct, frozen=True):
    """The record of a validation, results/validated/<slug>.json. `context` is a hash of everything that it depends on."""

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
    """Whether the checks of `files`, as they are now, passed their test."""
    try:
        record = msgspec.json.decode(record_path(files, results).read_bytes(), type=Validated)
    except (FileNotFoundError, msgspec.DecodeError):
        return False
    return record.passed and record.context == digest(files)


def untested(files: AssignmentFiles, results: ResultsFolder, doing: str, *, force: bool) -> str:
    """Words of doubt for what is done (`doing`: "release") by `force` although the checks have not passed their test; empty where they have.

    Raises:
        AssignmentError: if they have not, and nobody insists.
    """
    if is_validated(files, results):
        return ""
    if not force:
        message = f"the checks of {files.slug!r} have not passed their test since they last changed: run `autograder validate {files.slug}` first (--force {doing}s all the same)"
        raise AssignmentError(message)
    return "by force: its checks have not passed their test since they last changed"


def mistakes_path(files: AssignmentFiles) -> Path:
    """Wrong programs that no operator makes; may be absent."""
    return files.solution.with_name("mistakes.py")


def variants_path(files: AssignmentFiles) -> Path:
    """Right programs in other words; may be absent."""
    return files.solution.with_name("variants.py")


def record_path(files: AssignmentFiles, results: ResultsFolder) -> Path:
    """Where the record lies."""
    return results.root / "validated" / f"{files.slug}.json"


def digest(files: AssignmentFiles) -> str:
    """Of everything that a validation depends on."""
    written = [path.read_bytes() for path in (mistakes_path(files), variants_path(files)) if path.is_file()]
    return hashlib.sha256(b"".join([context_digest(files).encode(), *written])).hexdigest()
