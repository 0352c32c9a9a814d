"""Regions are cut as nbgrader cuts them."""

import nbformat
import pytest

from autograder.assignment import Assignment, AssignmentFiles
from autograder.errors import AssignmentError
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.program_cells import solution_cell, written_whole
from autograder.notebooks.writing.regions import (
    Region,
    region_lines,
    without_region,
    without_solution,
)
from autograder.notebooks.writing.source import Mode, render_notebook

SOURCES = [
    "x = 1",
    "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION",
    (
        "a = 0\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\nb = 0\n  # BEGIN SOLUTION\n  b = 1\n "
        " # END SOLUTION\nc = 0"
    ),
    "### BEGIN SOLUTION\n### END SOLUTION",
    "END SOLUTION\nx = 1",
    "a = 0\n### BEGIN SOLUTION, up to END SOLUTION\na = 1\n### END SOLUTION\nb = 0",
]
MARKS = {"schema_version": 3, "grade_id": "a", "grade": False, "locked": False, "task": False}


@pytest.mark.parametrize("source", SOURCES)
def test_solutions_are_cut_as_by_nbgrader(source):
    """Each region is the stub at its own indentation; a cell without one is replaced whole."""
    from nbgrader.preprocessors import ClearSolutions

    cell = nbformat.v4.new_code_cell(source, metadata={"nbgrader": MARKS | {"solution": True}})
    ClearSolutions().preprocess_cell(cell, {"language": "python"}, 0)
    assert without_solution(source) == cell.source


@pytest.mark.parametrize("source", [text.replace("SOLUTION", "HIDDEN TESTS") for text in SOURCES])
def test_hidden_tests_are_cut_as_by_nbgrader(source):
    """And the numbers of their lines are those that are gone."""
    from nbgrader.preprocessors import ClearHiddenTests

    cell = nbformat.v4.new_code_cell(
        source, metadata={"nbgrader": MARKS | {"solution": False, "grade": True, "points": 1}}
    )
    ClearHiddenTests().preprocess_cell(cell, {}, 0)
    assert without_region(source, Region.HIDDEN_TESTS) == cell.source
    kept = [
        line
        for number, line in enumerate(source.split("\n"), 1)
        if number not in region_lines(source, Region.HIDDEN_TESTS)
    ]
    assert "\n".join(kept) == cell.source


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("### BEGIN SOLUTION\nx = 1", "has a `BEGIN SOLUTION` without `END SOLUTION`"),
        (
            "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
            r"has a second `BEGIN SOLUTION` \(line 2\)",
        ),
    ],
)
def test_regions_that_do_not_pair_up(source, message):
    """Are refused, as by nbgrader."""
    with pytest.raises(ValueError, match=message):
        region_lines(source, Region.SOLUTION)


def test_a_solution_is_taken_over_cell_by_cell(tmp_path):
    """Cut for students, whole for the reference; a cell that is not there is named."""
    script = (
        '"""Reference."""\n\n# %% id="a"\n# %time x = 1\n\n\ny = 2\n\n# %% id="b"\n'
        + SOURCES[1]
        + "\n"
    )
    path = tmp_path / "solution.py"
    assert solution_cell(script, "a", path, cut=False) == "# %time x = 1\n\n\ny = 2"
    assert (
        solution_cell(script, "b", path, cut=True)
        == "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    with pytest.raises(
        AssignmentError,
        match=r"solution\.py: no cell has the id 'c'; begin one with: # %% id=\"c\"",
    ):
        solution_cell(script, "c", path, cut=True)


def test_what_students_write_as_a_whole():
    """Definitions of cells without a region; not those beside one, nor those of a solution that is
    not written in cells.
    """
    script = (
        '# %% id="a"\ndef f():\n    def inner(): ...\n%time x = 1\nclass C: ...\n\n# %% id="b"\ndef'
        " g(): ...\n# BEGIN SOLUTION\n# END SOLUTION\n"
    )
    assert written_whole(script) == {"f", "C"}
    assert written_whole("def f():\n    return 1\n") == frozenset()


def test_students_never_get_hidden_tests(tmp_path):
    """Of a test cell, nor of one that has become an example; the reference has them."""
    files = AssignmentFiles(tmp_path, "a", Assignment("A", 1, ()))
    for path in (files.template, files.solution):
        path.parent.mkdir(parents=True)
        path.write_text("")
    hidden = "assert 1\n### BEGIN HIDDEN TESTS\nassert 2\n### END HIDDEN TESTS"
    files.template.write_text(
        f'# %% role="tests" id="a"\n{hidden}\n\n# %% role="given" id="b"\n{hidden}\n'
    )
    released = render_notebook(files, Mode.RELEASE, Facts({"a": 1.0}))
    assert [cell.source for cell in released.cells] == ["assert 1", "assert 1"]
    assert [
        cell.source for cell in render_notebook(files, Mode.REFERENCE, Facts({"a": 1.0})).cells
    ] == [hidden, hidden]
    files.template.write_text('# %% role="tests" id="a"\n### BEGIN HIDDEN TESTS\nassert 2\n')
    with pytest.raises(
        AssignmentError, match=r"notebook\.py\.j2:1: cell 'a' has a `BEGIN HIDDEN TESTS` without"
    ):
        render_notebook(files, Mode.RELEASE, Facts({"a": 1.0}))
