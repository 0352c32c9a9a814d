"""Exceptions of student code as plain text, with the cell and the line they came from."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from types import TracebackType

from autograder.evidence.trace import ErrorReport
from autograder.sandboxed.text import clean, message_of, type_name

_TRACEBACK_LIMIT = 10_000
_OWN = ("autograder/sandboxed/", "IPython/core/", "asyncio/")


def report_of(error: BaseException, places: Mapping[str, tuple[str, int]]) -> ErrorReport:
    """Describe `error`.

    `places` maps the file names of cells to their id and the number of blank lines dropped at their
    top; the innermost frame that lies in a cell says where it happened.
    """
    cell, line = _place(error, places)
    module = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    return ErrorReport(
        type=type_name(error),
        message=message_of(error),
        traceback=_text_of(error, places),
        cell=cell,
        line=line,
        module=clean(module, 200) if type(module) is str else "",
    )


def _place(error: BaseException, places: Mapping[str, tuple[str, int]]) -> tuple[str, int | None]:
    if (
        isinstance(error, SyntaxError)
        and error.filename is not None
        and error.filename in places
        and type(error.lineno) is int
    ):
        cell, skipped = places[error.filename]
        return cell, error.lineno + skipped
    if isinstance(error, SyntaxError) and not _frames(error.__traceback__, places):
        return list(places.values())[-1][0] if places else "", None
    found = _frames(error.__traceback__, places)
    return found[-1] if found else ("", None)


def _frames(
    tb: TracebackType | None, places: Mapping[str, tuple[str, int]]
) -> list[tuple[str, int]]:
    found = []
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if name in places:
            cell, skipped = places[name]
            found.append((cell, tb.tb_lineno + skipped))
        tb = tb.tb_next
    return found[-1000:]


def _named(match: re.Match[str], places: Mapping[str, tuple[str, int]]) -> str:
    """Name a frame's place in the student's words.

    That is the cell's id, and the line as counted in its source.
    """
    if match[1] not in places:
        return match[0]
    cell, skipped = places[match[1]]
    return f'Cell "{cell}", line {int(match[2]) + skipped}'


def _text_of(error: BaseException, places: Mapping[str, tuple[str, int]]) -> str:
    """A plain traceback: the student's frames and those of libraries, not the grader's own."""
    try:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__, limit=-60)
            if not any(part in frame.filename.replace("\\", "/") for part in _OWN)
        ]
        lines = (
            ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
            if frames
            else []
        )
        text = "".join([*lines, *traceback.format_exception_only(type(error), error)])
    except Exception:  # noqa: BLE001 - a student's __str__ may fail
        return f"{type_name(error)}: {message_of(error)}"
    text = re.sub(r'File "(<cell \d+>)", line (\d+)', lambda match: _named(match, places), text)
    return clean(
        text if len(text) <= _TRACEBACK_LIMIT else "[...]\n" + text[-_TRACEBACK_LIMIT:],
        _TRACEBACK_LIMIT + 10,
    )
