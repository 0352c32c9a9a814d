"""Why a file that was handed in can't be read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from autograder.errors import SubmissionError


class Unreadable(StrEnum):
    """Reason why a file can't be read as a notebook."""

    NOT_JSON = "not JSON"
    NOT_A_NOTEBOOK = "not a notebook"
    TOO_LARGE = "too large"
    TOO_DEEP = "nested too deeply"
    NOT_UTF8 = "not UTF-8"
    WRONG_KERNEL = "wrong kernel"
    EMPTY = "empty"
    MERGE_CONFLICT = "merge conflict"
    ARCHIVE_REFUSED = "archive refused"
    NO_NOTEBOOK = "no notebook in the archive"
    SEVERAL_NOTEBOOKS = "several notebooks in the archive"


class UnreadableNotebook(SubmissionError):
    """A submission can't be read as a notebook, for `reason`."""

    def __init__(self, path: Path, reason: Unreadable, problem: str) -> None:
        super().__init__(f"{path.name}: {problem}")
        self.reason = reason
