"""What is said of checks' findings, the same words wherever a student reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.judgement.findings.catalogue import tell
from autograder.reports.plain import plain, plain_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.assignment import Disclosure
    from autograder.judgement.grade import CheckResult

FINDING_CHARS = 6_000


def told_of(shown: Sequence[CheckResult], disclosure: Disclosure) -> dict[str, tuple[str, ...]]:
    """By check id: each finding at length once, at its first check, and by reference after that."""
    first: dict[str, str] = {}
    told = {}
    for check in shown:
        again = [first[finding.code] for finding in check.findings if finding.code in first]
        words = [
            tell(finding, disclosure) for finding in check.findings if finding.code not in first
        ]
        words += [_same_as(title, check) for title in dict.fromkeys(again)]
        first.update(
            (finding.code, plain_line(check.title or check.id))
            for finding in check.findings
            if finding.code not in first
        )
        told[check.id] = tuple(plain(text, FINDING_CHARS) for text in words)
    return told


def _same_as(title: str, check: CheckResult) -> str:
    """Refers to the check where a finding was told. Checks on several calls share a title."""
    return (
        "The same as at the other check of this name."
        if title == plain_line(check.title or check.id)
        else f"The same as at “{title}”."
    )
