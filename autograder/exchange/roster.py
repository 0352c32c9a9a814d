"""The roster: who is in the course. A CSV file with a column `id` and, if you like, `name`; other columns are left alone."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DELIMITERS = ",;\t"
"""What spreadsheets write, by language."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student: the id, under which submissions come in, and the name, empty where the roster has none."""

    id: str
    name: str = ""


def read_roster(path: Path) -> tuple[RosterEntry, ...]:
    """Students in the file's order.

    Raises:
        ExchangeError: naming file and line, if it can't be read, has no column `id` or no students, or an id is missing or stands there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ExchangeError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 (byte {error.start}): save it as CSV UTF-8"
        raise ExchangeError(message) from error
    head = text.partition("\n")[0]
    rows = _rows(path, text, max(DELIMITERS, key=head.count))
    _, header = next(rows, (1, []))
    columns = [title.strip().casefold() for title in header]
    if columns.count("id") != 1:
        message = f"{path}:1: the first line has to name the columns, with one `id` among them; it says: {', '.join(header) or 'nothing'}"
        raise ExchangeError(message)
    own, name = columns.index("id"), columns.index("name") if "name" in columns else None
    entries: dict[str, tuple[int, RosterEntry]] = {}
    for line, row in rows:
        if not any(field.strip() for field in row):
            continue
        student = row[own].strip() if own < len(row) else ""
        if not student:
            message = f"{path}:{line}: no id; every student needs one"
            raise ExchangeError(message)
        if student.casefold() in entries:
            message = f"{path}:{line}: the id {student!r} stands on line {entries[student.casefold()][0]} already"
            raise ExchangeError(message)
        entries[student.casefold()] = line, RosterEntry(student, row[name].strip() if name is not None and name < len(row) else "")
    if not entries:
        message = f"{path}: holds no students"
        raise ExchangeError(message)
    return tuple(entry for _, entry in entries.values())


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        message = f"{path}:{reader.line_num}: {error}"
        raise ExchangeError(message) from error
