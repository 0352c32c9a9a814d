"""Which grade of each student was projected last, into which gradebook, and whether hidden checks
were shown then.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from autograder.course.keys import pages_digest
from autograder.judgement.grade import Grade, encode_grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograder.course.results import ResultsFolder


def projection_mark(results: ResultsFolder, grade: Grade, *, show_hidden: bool) -> str:
    """Tell a projection of `grade` from any other."""
    elsewhere = f"{results.nbgrader.root} {results.nbgrader.url}" if results.is_elsewhere else ""
    return hashlib.sha256(
        encode_grade(grade) + bytes([show_hidden]) + elsewhere.encode() + pages_digest().encode()
    ).hexdigest()


def read_ledger(results: ResultsFolder) -> dict[str, str]:
    """Marks by student; empty where nothing was projected yet."""
    try:
        return msgspec.json.decode(results.ledger.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def is_projected(results: ResultsFolder, ledger: Mapping[str, str], grade: Grade) -> bool:
    """Whether `grade`, as it is, was projected last."""
    return ledger.get(grade.student) in {
        projection_mark(results, grade, show_hidden=shown) for shown in (False, True)
    }
