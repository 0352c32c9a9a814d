"""On which lines of a file its cells stand: what an editor or a code host needs to point at one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

_YAML = "# ---"
_SPACE = re.compile(r"[ \t\r\n]*")


def cell_lines(path: Path) -> tuple[tuple[int, ...], ...]:
    """Return the lines of the file on which each cell's source stands, in order.

    1-based; for each cell one at least. Empty where none can be told (an archive, another notebook
    format).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    if path.suffix.lower() == ".py":
        return tuple(_script_lines(text.splitlines()))
    try:
        starts = [_source_starts(text, start) for start in _cells(text)]
    except (ValueError, IndexError, RecursionError):
        return ()
    return tuple(tuple(text.count("\n", 0, start) + 1 for start in cell) for cell in starts)


def _script_lines(lines: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Return the lines below each header.

    What stands above the first is a cell of its own if it holds anything but jupytext's own header.
    """
    start = lines.index(_YAML, 1) + 1 if lines[:1] == [_YAML] and _YAML in lines[1:] else 0
    headers = [number for number, line in enumerate(lines, 1) if line.startswith("# %%")]
    ends = [*headers, len(lines) + 1]
    written = [
        number
        for number, line in enumerate(lines[: ends[0] - 1], 1)
        if number > start and line.strip()
    ]
    if written:
        yield tuple(range(written[0], ends[0]))
    for header, end in pairwise(ends):
        yield tuple(range(header + 1, end)) or (header,)


def _cells(text: str) -> list[int]:
    """Return the positions at which the cells of a notebook's JSON begin.

    Raises:
        ValueError, IndexError: if `text` is no JSON object, or holds no list of cells.
    """
    place = _members(text, _skip(text, 0))["cells"]
    found = []
    place = _expect(text, place, "[")
    while text[place] != "]":
        found.append(place)
        place = _comma(text, _end(text, place))
    return found


def _source_starts(text: str, cell: int) -> list[int]:
    """Return the positions at which the strings of a cell's source begin.

    If it has none, that of the cell.
    """
    place = _members(text, cell).get("source", cell)
    if text[place] != "[":
        return [place]
    found = []
    place = _expect(text, place, "[")
    while text[place] != "]":
        found.append(place)
        place = _comma(text, _end(text, place))
    return found or [cell]


class _Members(dict[str, int]):
    """Positions at which the values of an object begin, by name."""

    def __missing__(self, name: str) -> int:
        message = f"no {name}"
        raise ValueError(message)


def _members(text: str, place: int) -> _Members:
    found = _Members()
    place = _expect(text, place, "{")
    while text[place] != "}":
        name, end = json.JSONDecoder().raw_decode(text, place)
        place = _expect(text, _skip(text, end), ":")
        found[str(name)] = place
        place = _comma(text, _end(text, place))
    return found


def _end(text: str, place: int) -> int:
    return json.JSONDecoder().raw_decode(text, place)[1]


def _comma(text: str, place: int) -> int:
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def _expect(text: str, place: int, letter: str) -> int:
    if text[place] != letter:
        message = f"expected {letter}"
        raise ValueError(message)
    return _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
