"""CSV as spreadsheets and learning systems write it, read with the numbers of its lines and written
so that nothing in it runs.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError
from autograder.reports.grades_csv import safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MAX_BYTES = 50_000_000
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Row:
    """One record; `line` is where it starts in the file, from 1.

    There are as many cells as columns.
    """

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with a header.

    `delimiter` and `bom` are those of the file, for writing one like it.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str = ","
    bom: bool = False


def read_sheet(path: Path) -> Sheet:
    """Read a CSV file: UTF-8 or UTF-16 with its mark; commas, semicolons or tabs.

    Empty lines are passed over, short rows filled up.

    Raises:
        ExchangeError: naming file and line, for anything that is no such table.
    """
    text, bom = _text(path)
    delimiter = max(
        ",;\t",
        key=lambda sign: len(next(csv.reader([text.partition("\n")[0]], delimiter=sign), [])),
    )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: tuple[str, ...] = ()
    rows, line = [], 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = tuple(cell.strip() for cell in cells)
                continue
            if len(cells) > len(header) and any(cells[len(header) :]):
                message = (
                    f"{path}:{start}: {len(cells)} cells, but the header names {len(header)}; is a"
                    " name with a comma not in quotes?"
                )
                raise ExchangeError(message)
            rows.append(Row(start, tuple((cells + [""] * len(header))[: len(header)])))
    except csv.Error as error:
        message = f"{path}:{line}: no valid CSV: {error}"
        raise ExchangeError(message) from error
    if not header:
        message = f"{path}: is empty"
        raise ExchangeError(message)
    return Sheet(path, header, tuple(rows), delimiter, bom)


def _text(path: Path) -> tuple[str, bool]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: can't be read: {error.strerror}"
        raise ExchangeError(message) from error
    encoding = next(name for mark, name in _MARKS if data.startswith(mark))
    if len(data) > MAX_BYTES or (b"\0" in data and encoding != "utf-16"):
        message = (
            f"{path}: is larger than {MAX_BYTES / 1e6:g} MB, or no text: save it as CSV, not as a"
            " workbook"
        )
        raise ExchangeError(message)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: is not UTF-8: save it as “CSV UTF-8”"
        raise ExchangeError(message) from error
    return text, data.startswith(_BOM.encode())


def sheet_text(rows: Iterable[Sequence[str]], *, delimiter: str = ",", bom: bool = False) -> str:
    """CSV of `rows`, each cell made harmless for a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    for cells in rows:
        writer.writerow([cell if cell.strip() == "-" else safe_cell(cell) for cell in cells])
    return (_BOM if bom else "") + file.getvalue()
