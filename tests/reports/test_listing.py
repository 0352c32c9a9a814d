"""A table of plain text in columns, as a terminal of a given width prints it."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.reports.listing import Column, Listing


def printed(listing: Listing, width: int, *, colours: bool = False) -> list[str]:
    """Lines."""
    console = Console(file=io.StringIO(), width=width, force_terminal=colours, color_system="standard" if colours else None)
    console.print(listing)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_columns_are_as_wide_as_they_must_be() -> None:
    """Words to the left, numbers to the right, also where letters take two cells."""
    listing = Listing(
        [Column("Student"), Column("Points", right=True), Column("Why")], [("ann", "10/10", ""), ("李雷", "2/10", "[b]lost[/b]")]
    )
    assert printed(listing, 80) == ["Student  Points  Why", "ann       10/10  ", "李雷       2/10  [b]lost[/b]"]


def test_what_is_too_long_is_cut_or_wrapped() -> None:
    """The last column goes on below itself; the others end in an ellipsis."""
    listing = Listing([Column("Student", max_width=8), Column("Why")], [("a-very-long-name", "one two three four five six seven")])
    lines = printed(listing, 31)
    assert lines[1] == "a-very-…  one two three four"
    assert lines[2:] == ["          five six seven"]
    assert all(len(line) <= 31 for line in lines)


def test_a_cell_has_its_rows_style() -> None:
    """And no other cell has it."""
    listing = Listing([Column("Points", style=["green", ""]), Column("Why")], [("10", "x"), ("2", "y")])
    lines = printed(listing, 40, colours=True)
    assert lines[1] == "\x1b[32m10    \x1b[0m  x"
    assert lines[2] == "2       y"


def test_a_table_without_rows_has_titles() -> None:
    """Nobody handed in."""
    assert printed(Listing([Column("Student"), Column("Why")], []), 40) == ["Student  Why"]
