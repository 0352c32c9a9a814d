"""Regions of a cell between two marker lines, by nbgrader's rules: solutions, and the hidden tests
that follow visible ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from autograder.notebooks.writing.stub import STUB_LINES


class Region(StrEnum):
    """Lines from ``### BEGIN <name>`` to ``### END <name>``.

    Any line with the words counts, as in nbgrader.
    """

    SOLUTION = "SOLUTION"
    HIDDEN_TESTS = "HIDDEN TESTS"
    MARK_SCHEME = "MARK SCHEME"

    @property
    def begin(self) -> str:
        """The words of its first line."""
        return f"BEGIN {self.value}"

    @property
    def end(self) -> str:
        """The words of its last line."""
        return f"END {self.value}"


def region_lines(source: str, region: Region) -> frozenset[int]:
    """1-based numbers of the lines of all `region`s of a cell, marker lines included.

    Raises:
        ValueError: in words that fit behind "cell 'x' ", if a region does not end, or begins in
            another.
    """
    inside, found = False, set()
    for number, line in enumerate(source.split("\n"), 1):
        if region.begin in line:
            if inside:
                message = (
                    f"has a second `{region.begin}` (line {number}) before the first one's"
                    f" `{region.end}`"
                )
                raise ValueError(message)
            inside = True
        if inside:
            found.add(number)
        if region.end in line and region.begin not in line:
            found.add(number)
            inside = False
    if inside:
        message = f"has a `{region.begin}` without `{region.end}`"
        raise ValueError(message)
    return frozenset(found)


def without_region(source: str, region: Region) -> str:
    """The cell without its `region`s.

    Raises:
        ValueError: as `region_lines`.
    """
    gone = region_lines(source, region)
    return "\n".join(
        line for number, line in enumerate(source.split("\n"), 1) if number not in gone
    )


def without_solution(source: str, stub: Sequence[str] = STUB_LINES) -> str:
    """Return a solution cell as students get it.

    Each region is replaced by `stub`, at the indentation of its first line; a cell without one is
    replaced whole.

    Raises:
        ValueError: as `region_lines`.
    """
    gone = region_lines(source, Region.SOLUTION)
    lines: list[str] = []
    for number, line in enumerate(source.split("\n"), 1):
        if Region.SOLUTION.begin in line:
            lines += [line[: len(line) - len(line.lstrip())] + words for words in stub]
        elif number not in gone:
            lines.append(line)
    return (
        "\n".join(lines)
        if any(Region.SOLUTION.begin in line for line in source.split("\n"))
        else "\n".join(stub)
    )
