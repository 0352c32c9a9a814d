"""The table of scores that a learning system exported: who stands in which row, what score is
there, and the same table with other scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from autograder.exchange.lms.sheet import sheet_text
from autograder.reports.plain import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.exchange.lms.delivery import IdKind
    from autograder.exchange.lms.sheet import Row, Sheet


class Held(StrEnum):
    """Reason why a row's score is not to be touched."""

    EXCUSED = "is excused there"
    NOT_ASSIGNED = "is not assigned this there"
    LOCKED = "has a grade there that can't be changed"


@dataclass(frozen=True, slots=True)
class Column:
    """Choice of a column: the one that the author `named`, else that titled as the assignment."""

    titles: tuple[str, ...]
    named: str = ""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One student's row: the ids in it, the name for lists, the score (None: none yet)."""

    row: Row
    ids: tuple[tuple[IdKind, str], ...]
    name: str
    score: float | None
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """Rows and columns of a file of scores.

    `possible` is the most points, None where the file does not say. `fixed` are rows about columns,
    `keep` the columns that a file for import has.
    """

    sheet: Sheet
    column: int
    possible: float | None
    rows: tuple[ScoreRow, ...]
    fixed: tuple[Row, ...]
    keep: tuple[int, ...]
    comma: bool = False
    """Whether numbers have a decimal comma."""

    def text(self, scores: Mapping[int, float]) -> str:
        """The file with `scores` by the line of their row, and no other students."""
        header = [self.sheet.header[place] for place in self.keep]
        fixed = [[row.cells[place] for place in self.keep] for row in self.fixed]
        rows: list[Sequence[str]] = [header, *(cells for cells in fixed if any(cells))]
        for one in self.rows:
            if one.row.line in scores:
                written = number(scores[one.row.line])
                score = written.replace(".", ",") if self.comma else written
                rows.append(
                    [score if place == self.column else one.row.cells[place] for place in self.keep]
                )
        return sheet_text(rows, delimiter=self.sheet.delimiter, bom=self.sheet.bom)


def read_number(text: str) -> float | None:
    """A score, with a point or a decimal comma; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"-?\d+(?:[.,]\d+)?", text):
        return float(text.replace(",", "."))
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+\.\d+", text):
        return float(text.replace(",", ""))
    return None
