"""nbgrader's source folders: what is read of them, and what is refused with file and cell."""

import base64

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader_course import CELLS, KERNEL, cell, write_source

from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.assignment_source import read_source
from autograder.notebooks.cells import Role

SOLUTION = "x = 0\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION"


def marked(source, kind=new_code_cell, **marks):
    return kind(source, metadata={"nbgrader": marks})


def read(tmp_path, *cells, **more):
    (notebook,) = read_source(write_source(tmp_path, list(cells), **more)).notebooks
    return notebook.cells


def test_what_each_cell_is_for(tmp_path):
    """Every kind of cell that nbgrader has, with its points, and what students get of it."""
    cells = read(tmp_path, *CELLS)
    assert [(one.id, one.role, one.points) for one in cells] == [
        ("cell-1", Role.FREE, 0),
        ("setup", Role.GIVEN, 0),
        ("means", Role.TEXT, 0),
        ("mean", Role.SOLUTION, 0),
        ("test_mean", Role.TESTS, 3),
        ("cell-6", Role.FREE, 0),
        ("fit", Role.SOLUTION, 0),
        ("cell-8", Role.FREE, 0),
        ("slopes", Role.TESTS, 2),
        ("quiet-tests", Role.TESTS, 0.5),
        ("best", Role.SOLUTION, 0),
        ("test_best", Role.TESTS, 1),
        ("cell-13", Role.FREE, 0),
        ("why", Role.ANSWER, 2),
        ("plot", Role.ANSWER, 1),
        ("draw", Role.TASK, 4),
    ]
    shown = {one.id: one.released for one in cells}
    assert shown["mean"].endswith("    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert (shown["why"], shown["draw"]) == ("YOUR ANSWER HERE", "Draw it.\n")
    assert "secret" not in shown["test_mean"]


@pytest.mark.parametrize(
    "marks",
    [
        {"grade": True, "grade_id": "a", "points": "2"},
        {
            "schema_version": 1,
            "grade": True,
            "solution": False,
            "locked": False,
            "grade_id": "a",
            "points": 2,
        },
        {
            "schema_version": 2,
            "grade": True,
            "solution": False,
            "locked": True,
            "grade_id": "a",
            "points": 2.0,
            "cell_type": "code",
        },
        {
            "schema_version": 3,
            "grade": True,
            "solution": False,
            "locked": True,
            "grade_id": "a",
            "points": 2,
            "task": False,
            "odd": 1,
        },
    ],
    ids=["before versions", "version 1", "version 2", "version 3"],
)
def test_metadata_of_all_versions(tmp_path, marks):
    """They say the same."""
    (one,) = read(tmp_path, marked("assert True", **marks))
    assert (one.id, one.role, one.points) == ("a", Role.TESTS, 2)


GOOD = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "grade_id": "a"}


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            [marked("x", **GOOD | {"schema_version": 4, "grade": True})],
            r"cell 1 \('a'\): nbgrader's metadata is not valid: Schema version is too new: 4",
        ),
        (
            [new_code_cell("x"), marked("x", **GOOD | {"grade": True})],
            r"cell 2 \('a'\): nbgrader's metadata is not valid: .*does not have points",
        ),
        (
            [marked("x", **GOOD | {"grade": True, "points": -1})],
            r"cell 1 \('a'\): .*-1 is less than the minimum of 0",
        ),
        (
            [marked("x", **GOOD | {"grade": "yes", "points": 1})],
            r"cell 1 \('a'\): .*'yes' is not of type 'boolean'",
        ),
        (
            [marked("x", **GOOD | {"grade": True, "points": 1, "grade_id": "a b"})],
            r"cell 1 \('a b'\): .*does not match",
        ),
        (
            [marked("x", **GOOD | {"solution": True, "grade_id": "a" * 65})],
            r"cell 1 \('a+'\): the grade_id can't be a cell's name here",
        ),
        (
            [marked("x", **GOOD | {"locked": True}), marked("y", **GOOD | {"locked": True})],
            r"cell 2 \('a'\): the grade_id is taken by cell 1",
        ),
        (
            [marked("x", new_markdown_cell, **GOOD | {"grade": True, "points": 1})],
            r"cell 1 \('a'\): .*not marked as a solution cell",
        ),
        (
            [new_code_cell("x", metadata={"nbgrader": ["grade"]})],
            r"cell 1: nbgrader's metadata is not valid",
        ),
        (
            [cell(SOLUTION, "a", locked=True)],
            r"cell 1 \('a'\): `BEGIN SOLUTION` in a cell that is not marked as solution",
        ),
        (
            [new_code_cell(SOLUTION)],
            r"cell 1: `BEGIN SOLUTION` in a cell that is not marked as solution",
        ),
        (
            [cell(SOLUTION.replace("SOLUTION", "HIDDEN TESTS"), "a", solution=True)],
            r"cell 1 \('a'\): `BEGIN HIDDEN TESTS` in a cell that is not marked as grade",
        ),
        (
            [cell("### BEGIN SOLUTION\nx", "a", solution=True)],
            r"cell 1 \('a'\): has a `BEGIN SOLUTION` without `END SOLUTION`",
        ),
        (
            [cell("### AUTOTEST f(1)", "a", grade=True, points=1)],
            r"cell 1 \('a'\): `### AUTOTEST` makes its tests when nbgrader releases",
        ),
    ],
)
def test_faults_are_told_with_file_and_cell(tmp_path, cells, message):
    """Whatever nbgrader refuses, and what can't be taken over."""
    with pytest.raises(ExchangeError, match=rf"source/ps1/lines\.ipynb: {message}"):
        read(tmp_path, *cells)


def test_other_languages_are_refused(tmp_path):
    """By the kernel's language."""
    folder = write_source(tmp_path, [new_code_cell("x <- 1")])
    nbformat.write(
        new_notebook(metadata={"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}),
        folder / "lines.ipynb",
    )
    with pytest.raises(ExchangeError, match=r"lines\.ipynb: its kernel is for R; only Python"):
        read_source(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}'])
def test_a_file_that_is_no_notebook(tmp_path, text):
    """Is named."""
    folder = write_source(tmp_path, [])
    (folder / "lines.ipynb").write_text(text)
    with pytest.raises(ExchangeError, match=r"lines\.ipynb: not a notebook that can be read"):
        read_source(folder)


def test_a_folder_without_notebooks(tmp_path):
    """Says which there are."""
    write_source(tmp_path, [])
    write_source(tmp_path, [], name="ps2")
    with pytest.raises(
        ExchangeError, match=r"no notebook \(\*\.ipynb\) in there; add a NAME: ps1, ps2"
    ):
        read_source(tmp_path)
    with pytest.raises(ExchangeError, match="name a folder such as source/ps1"):
        read_source(tmp_path / "nowhere")


def test_the_courses_own_words_for_regions_and_stubs(tmp_path):
    """nbgrader_config.py may change them: hidden tests must not stay in the release for that.

    So may the header, the time of a cell, and what is passed over.
    """
    config = """c = get_config()
c.ClearSolutions.begin_solution_delimeter = "<answer>"
c.ClearSolutions.end_solution_delimeter = "</answer>"
c.ClearSolutions.text_stub = "Write here."
c.ClearHiddenTests.begin_test_delimeter = "VERBORGEN"
c.ClearHiddenTests.end_test_delimeter = "ENDE"
c.Execute.timeout = 7
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "Warning"
c.IncludeHeaderFooter.header = "source/header.ipynb"
"""
    solution, tests = (
        "def f():\n    # <answer>\n    return 1\n    # </answer>",
        "assert f()\n# VERBORGEN\nassert f() == 1\n# ENDE",
    )
    cells = [
        cell(solution, "f", solution=True),
        cell(tests, "t", grade=True, points=1),
        cell("So.", "why", markdown=True, grade=True, solution=True, points=1),
    ]
    folder = write_source(tmp_path, cells, config=config)
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# Rules")], metadata=KERNEL),
        tmp_path / "source" / "header.ipynb",
    )
    source = read_source(folder)
    assert (source.cell_s, source.ignore_stderr) == (7, "Warning")
    assert [one.released for one in source.notebooks[0].cells] == [
        "# Rules",
        "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()",
        "assert f()",
        "Write here.",
    ]
    assert (
        source.notebooks[0].cells[2].source
        == "assert f()\n### BEGIN HIDDEN TESTS\nassert f() == 1\n### END HIDDEN TESTS"
    )


def test_a_broken_configuration_is_named(tmp_path):
    """With what it raised."""
    with pytest.raises(ExchangeError, match=r"nbgrader_config\.py fails: ZeroDivisionError"):
        read_source(write_source(tmp_path, [new_code_cell("x")], config="1 / 0"))


def test_other_files_and_images_in_cells(tmp_path):
    """Files come along with their folders, but not what nbgrader ignores; an image in a cell
    becomes a file.
    """
    picture = base64.b64encode(b"\x89PNG").decode()
    one = new_markdown_cell(
        "![it](attachment:image.png)", attachments={"image.png": {"image/png": picture}}
    )
    folder = write_source(tmp_path, [one])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"")
    (folder / "helper.py").write_text("y = 1\n")
    source = read_source(folder)
    assert sorted(source.files) == ["data/points.csv", "helper.py"]
    assert source.notebooks[0].attachments == {"cell-1-image.png": b"\x89PNG"}
    assert source.notebooks[0].cells[0].source == "![it](cell-1-image.png)"
