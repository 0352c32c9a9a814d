"""A table for the terminal with very many rows: rich's own takes 0.3 ms for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

GAP = "  "
NARROWEST = 20
"""Of the last column, wherever a terminal ends."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its title. It is as wide as its widest cell, or `max_width`: what is longer is cut, with an ellipsis."""

    title: str
    right: bool = False
    max_width: int | None = None
    style: Sequence[str] = ()
    """Of each row's cell, in rich's words; all plain if empty."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of plain text, never read as markup. The last column wraps at the end of the line."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Line by line."""
        widths = [self._width(number) for number in range(len(self.columns) - 1)]
        rest = max(NARROWEST, options.max_width - sum(widths) - len(GAP) * len(widths))
        styles = {name: console.get_style(name) for column in self.columns for name in column.style if name}
        yield from self._line([column.title for column in self.columns], widths, [Style(bold=True)] * len(self.columns))
        for number, row in enumerate(self.rows):
            own = [styles.get(column.style[number]) if column.style else None for column in self.columns]
            first, *more = [row[-1]] if cell_len(row[-1]) <= rest else [line.plain.rstrip() for line in Text(row[-1]).wrap(console, rest)]
            yield from self._line([*row[:-1], first], widths, own)
            for line in more:
                yield from self._line([*[""] * len(widths), line], widths, own)

    def _width(self, number: int) -> int:
        widest = max(cell_len(text) for text in (self.columns[number].title, *(row[number] for row in self.rows)))
        return min(widest, self.columns[number].max_width or widest)

    def _line(self, cells: Sequence[str], widths: Sequence[int], styles: Sequence[Style | None]) -> RenderResult:
        for column, text, width, style in zip(self.columns, cells, widths, styles, strict=False):
            yield Segment(_fitted(text, width, right=column.right), style)
            yield Segment(GAP)
        yield Segment(cells[-1], styles[-1])
        yield Segment.line()


def _fitted(text: str, width: int, *, right: bool) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
