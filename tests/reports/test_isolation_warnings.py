"""Grades that were made without a sandbox say so wherever they are shown; the others say
nothing.
"""

import csv
import io

import pytest
from report_samples import check, grade, sample_page

from autograder.evidence.limits import Isolation
from autograder.judgement.grade import Provenance
from autograder.reports.feedback.page import render_feedback
from autograder.reports.grades_csv import grades_csv
from autograder.reports.isolation import (
    NO_SANDBOX,
    WEAK_SANDBOX,
    isolation_line,
    isolation_warning,
    isolation_warnings,
    level_of,
)
from autograder.reports.terminal.class_table import class_lines, what_went_wrong


def isolated(level, key="ev" * 32, **fields):
    environment = {} if level is None else {"isolation": level}
    return grade(
        check("a"), provenance=Provenance("0.1.0", "5a" * 32, key, "ju" * 32, environment), **fields
    )


def shown(one):
    """Everything that the instructor and the student read."""
    (row,) = csv.DictReader(io.StringIO(grades_csv([one])))
    return (
        render_feedback(sample_page(grade=one)),
        what_went_wrong(one),
        "\n".join(class_lines([one])),
        row["isolation"],
    )


def test_no_sandbox_is_said_in_every_report():
    """The page, the table's row, the lines under it and the CSV."""
    page, row, lines, cell = shown(isolated("none"))
    assert NO_SANDBOX in page
    assert row.startswith("isolation: none")
    assert f"WARNING {NO_SANDBOX} (Ada Lovelace)" in lines
    assert cell == NO_SANDBOX.removeprefix("isolation: ")


@pytest.mark.parametrize("level", ["good", "strong"])
def test_a_sandbox_that_held_is_not_warned_of(level):
    """Only the level, where there is a column for it."""
    page, row, lines, cell = shown(isolated(level))
    assert "Graded without protection" not in page
    assert (row, cell) == ("", level)
    assert "WARNING" not in lines


def test_weak_and_unknown_levels_are_warned_of_and_what_never_ran_is_not():
    """What is not known to have held did not hold."""
    assert isolation_warning(isolated("weak")) == WEAK_SANDBOX
    assert isolation_warning(isolated("excellent")) == NO_SANDBOX
    assert isolation_warning(isolated(None)) == NO_SANDBOX
    assert isolation_warning(isolated(None, key="")) == ""
    assert level_of({"isolation": "good"}) is Isolation.GOOD


def test_a_class_without_a_sandbox_is_one_line():
    """Ten names, then how many more."""
    (line,) = isolation_warnings(
        [isolated("none", student=f"s{number:02}") for number in range(13)]
    )
    assert line.endswith("s08, s09 and 3 more)")


def test_layers_that_did_not_hold_are_told_with_the_reason():
    """And which did; that none is known is no layer."""
    layers = {
        "torch": "2",
        "isolation": "weak",
        "layer: bubblewrap": "not installed",
        "layer: seccomp": "yes",
        "layer: user": "yes",
    }
    assert (
        isolation_line(layers) == "Isolation  weak (seccomp, user; not bubblewrap: not installed)"
    )
    assert isolation_line({}) == "Isolation  unknown (no layer)"
