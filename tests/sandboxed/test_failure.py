"""Errors of students' code: told with the cell and the line in which they find it."""

from __future__ import annotations

import pytest

from autograder.sandboxed.failure import report_of

PLACES = {"<cell 1>": ("data", 0), "<cell 2>": ("loop", 2)}
"""The second cell began with two blank lines, which were dropped."""


def raised(*sources: str) -> BaseException:
    """What the last of these cells raises."""
    namespace: dict[str, object] = {}
    try:
        for number, source in enumerate(sources, 1):
            exec(compile(source, f"<cell {number}>", "exec"), namespace)
    except BaseException as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("sources", "place"),
    [
        (("x = 1", "y = 2\n1 / 0"), ("loop", 4)),
        (
            ("x = 1", "y = 2\nz = (3\n4 5"),
            ("loop", 4),
        ),  # a syntax error: the line that Python names, 2, and the two above
        (
            ("def f():\n    return 1 / 0", "f()"),
            ("data", 2),
        ),  # where it happened, not where it was called
        (("import json", "json.loads('{')"), ("loop", 3)),  # in a library: the student's own line
        (("x = 1", "eval('1 +')"), ("loop", 3)),  # a syntax error of text that is no cell
    ],
)
def test_the_line_is_that_of_the_students_cell(
    sources: tuple[str, ...], place: tuple[str, int]
) -> None:
    """Counted in the cell as the student sees it."""
    report = report_of(raised(*sources), PLACES)
    assert (report.cell, report.line) == place
    assert f'Cell "{place[0]}", line {place[1]}' in report.traceback


def test_an_error_outside_of_all_cells_has_no_place() -> None:
    """Nor does one that was never raised."""
    report = report_of(ValueError("no"), PLACES)
    assert (report.type, report.message, report.cell, report.line) == ("ValueError", "no", "", None)
    assert report_of(SyntaxError("no"), {}).cell == ""


def test_a_missing_module_is_named_and_no_other_error_is_taken_for_one() -> None:
    """Only then a package that is not installed is what a person looks at."""
    assert (
        report_of(raised("import nowhere_to_be_found.part"), PLACES).module == "nowhere_to_be_found"
    )
    assert report_of(raised("nowhere"), PLACES).module == ""
    assert report_of(raised("from json import nowhere"), PLACES).module == ""


def test_an_error_that_can_not_be_shown_is_reported() -> None:
    """A student's own __str__ may fail, or be no text."""
    source = "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd"
    report = report_of(raised(source), PLACES)
    assert (report.type, report.message, report.line) == ("Odd", "(its message cannot be shown)", 4)


def test_a_long_traceback_keeps_its_end() -> None:
    """There stands what happened."""
    report = report_of(raised(f"raise ValueError('{'x' * 30_000}' + ' at last')"), PLACES)
    assert len(report.traceback) < 10_100
    assert report.traceback.startswith("[...]")
    assert report.traceback.rstrip().endswith("at last")
