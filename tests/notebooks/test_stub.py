"""Stubs are cut where the markers say, and never leak."""

from pathlib import Path

import pytest

from autograder.errors import AssignmentError
from autograder.notebooks.writing.stub import (
    cut_stub,
    definition,
    definitions,
    is_written,
    whole_definition,
)

PATH = Path("solution.py")
SOURCE = '''"""Module."""
import math
from os import (
    path,
)


@staticmethod
def area(radius, *, unit="m"):
    """Area of a disc."""
    limit = 10
    ### BEGIN SOLUTION
    if radius > limit:
        return None

    return math.pi * radius**2
    ### END SOLUTION


def given(x):
    return x  # complete


class Step:
    """Two regions."""

    def up(self):
        ### BEGIN SOLUTION
        return 1
        ### END SOLUTION

    def down(self):
        ### BEGIN SOLUTION
        return -1
        ### END SOLUTION
'''


def test_a_stub_keeps_all_but_the_region() -> None:
    """Decorators, signature, docstring and code above the region stay; nbgrader's words take its
    place.
    """
    assert (
        cut_stub(SOURCE, "area", PATH)
        == '''@staticmethod
def area(radius, *, unit="m"):
    """Area of a disc."""
    limit = 10
    # YOUR CODE HERE
    raise NotImplementedError()'''
    )


def test_each_region_becomes_a_stub() -> None:
    """A class may have several regions."""
    stub = cut_stub(SOURCE, "Step", PATH)
    assert stub.count("        # YOUR CODE HERE\n        raise NotImplementedError()") == 2
    assert "return" not in stub


def test_the_wording_is_nbgraders() -> None:
    """The stub's lines are those that nbgrader's ClearSolutions writes."""
    clear = pytest.importorskip("nbgrader.preprocessors").ClearSolutions()
    assert clear.code_stub["python"] in cut_stub(SOURCE, "Step", PATH).replace(
        "\n        raise", "\nraise"
    )


def test_a_definition_is_whole_and_without_markers() -> None:
    """The reference gets the function as the instructor wrote it."""
    text = definition(SOURCE, "area", PATH)
    assert "return math.pi * radius**2" in text
    assert "SOLUTION" not in text
    assert definition(SOURCE, "given", PATH) == "def given(x):\n    return x  # complete"


def test_definitions_are_a_program() -> None:
    """Several definitions come with the module's imports and run by themselves."""
    namespace: dict[str, object] = {}
    exec(definitions(SOURCE.replace("@staticmethod\n", ""), ["given", "area"], PATH), namespace)
    assert round(namespace["area"](1.0), 4) == 3.1416  # type: ignore[operator]
    assert "Step" not in namespace


def test_what_students_are_given_is_whole_and_never_a_solution() -> None:
    """A function without a region, docstring and comments included; one with a region is refused,
    for it would be told.
    """
    assert whole_definition(SOURCE, "given", PATH) == "def given(x):\n    return x  # complete"
    assert (is_written(SOURCE, "given", PATH), is_written(SOURCE, "area", PATH)) == (False, True)
    with pytest.raises(
        AssignmentError, match=r"solution\.py:8: 'area' has a region .* it would be told"
    ):
        whole_definition(SOURCE, "area", PATH)


def test_of_two_definitions_the_last_is_meant() -> None:
    """As in Python, where the first is never called: students get what the reference runs."""
    twice = (
        "def area(side):\n    ### BEGIN SOLUTION\n    return side**2\n    ### END SOLUTION\n\n\n"
        + SOURCE
    )
    assert cut_stub(twice, "area", PATH) == cut_stub(SOURCE, "area", PATH)
    assert definition(twice, "area", PATH) == definition(SOURCE, "area", PATH)


def broken(old: str, new: str) -> str:
    assert old in SOURCE
    return SOURCE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        (
            SOURCE,
            "volume",
            r"solution\.py:1: no top-level function 'volume'; it defines area, given, Step",
        ),
        (SOURCE, "given", r"solution\.py:20: 'given' has no region"),
        (
            broken("    ### END SOLUTION\n", ""),
            "area",
            r"solution\.py:12: `BEGIN SOLUTION` in 'area' is never ended",
        ),
        (
            broken("    ### BEGIN SOLUTION\n", ""),
            "area",
            r"solution\.py:16: `END SOLUTION` in 'area' without",
        ),
        (
            broken("        return None\n", "        return None\n    ### BEGIN SOLUTION\n"),
            "area",
            r"solution\.py:15: nested `BEGIN SOLUTION`: .* line 12",
        ),
        (
            broken("    ### END SOLUTION\n", "### END SOLUTION\n"),
            "area",
            r"solution\.py:12: .* never ended",
        ),
        (
            broken("    ### BEGIN SOLUTION\n", "### BEGIN SOLUTION\n"),
            "area",
            r"solution\.py:8: the stub of 'area' loses its signature or docstring",
        ),
        (
            broken('    """Area', '    ### BEGIN SOLUTION\n    """Area').replace(
                "    limit = 10\n    ### BEGIN SOLUTION\n", ""
            ),
            "area",
            "loses its signature",
        ),
        ("def area(:\n", "area", r"solution\.py:1: not valid Python"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(source: str, name: str, message: str) -> None:
    """A missing function, a missing region, unbalanced or nested markers: file and line, and what
    to do.
    """
    with pytest.raises(AssignmentError, match=message):
        cut_stub(source, name, PATH)


@pytest.mark.parametrize(
    "marker", ["# BEGIN SOLUTION", "#### BEGIN SOLUTION ####", "### begin solution"]
)
def test_a_sloppy_marker_still_hides(marker: str) -> None:
    """A marker written a little differently is a marker all the same, or the solution would be
    handed out.
    """
    assert "math.pi" not in cut_stub(broken("### BEGIN SOLUTION", marker), "area", PATH)
