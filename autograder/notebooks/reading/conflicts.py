"""Merge conflicts as git leaves them in a file: two versions of some lines, between lines of
markers.
"""

from __future__ import annotations

from collections.abc import Iterable

_OURS, _BASE, _BETWEEN, _THEIRS = "<<<<<<<", "|||||||", "=======", ">>>>>>>"


def first_conflict(text: str) -> int | None:
    """The 1-based line of the first conflict, None where there is none.

    Ours, theirs and what stands between have to be there: a marker alone may be prose.
    """
    if _OURS not in text:
        return None
    awaited, first = [_OURS, _BETWEEN, _THEIRS], None
    for number, line in enumerate(text.split("\n"), 1):
        if _marker(line) == awaited[0]:
            first = first or number
            del awaited[0]
            if not awaited:
                return first
    return None


def without_conflicts(text: str) -> tuple[str, str]:
    """Decide all conflicts for the first version, and for the second; return both texts."""
    ours: list[str] = []
    theirs: list[str] = []
    inside = ""
    for line in text.split("\n"):
        marker = _marker(line)
        if marker and marker != inside and (inside or marker == _OURS):
            inside = "" if marker == _THEIRS else marker
            continue
        if inside in ("", _OURS):
            ours.append(line)
        if inside in ("", _BETWEEN):
            theirs.append(line)
    return "\n".join(ours), "\n".join(theirs)


def conflicted_cells(cells: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    """Return a sentence to the student for each cell (number, source) with a conflict in it.

    It is no Python, so the cell can't run.
    """
    return tuple(
        f"Cell {number} holds a merge conflict of git's (line {line}: <<<<<<<), so it can't run."
        " Decide for one version and delete the markers."
        for number, source in cells
        if (line := first_conflict(source))
    )


def _marker(line: str) -> str:
    line = line.rstrip("\r")
    head = line[:7]
    if head in (_OURS, _BASE, _BETWEEN, _THEIRS) and line[7:8] in ("", " "):
        return head
    return ""
