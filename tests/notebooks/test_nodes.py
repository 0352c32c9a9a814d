"""Cells and outputs that are made without asking the schema are those that nbformat makes."""

import nbformat
import pytest

from autograder.notebooks.nodes import display_output, error_output, new_cell, stream_output


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        ("code", nbformat.v4.new_code_cell),
        ("markdown", nbformat.v4.new_markdown_cell),
        ("raw", nbformat.v4.new_raw_cell),
    ],
)
@pytest.mark.parametrize("source", ["", "x = 1\n", "Zoë \u2028 'quoted'"])
def test_cells_are_nbformats(kind, theirs, source):
    assert new_cell(kind, source, "an-id") == theirs(source, id="an-id")


def test_a_cell_that_ran_has_its_count():
    assert new_cell("code", "1", "a", 7) == nbformat.v4.new_code_cell(
        "1", id="a", execution_count=7
    )


def test_outputs_are_nbformats():
    new = nbformat.v4.new_output
    assert stream_output("stderr", "words") == new("stream", name="stderr", text="words")
    assert error_output("E", "why", ["line"]) == new(
        "error", ename="E", evalue="why", traceback=["line"]
    )
    assert display_output({"text/plain": "1"}) == new("display_data", data={"text/plain": "1"})


def test_what_is_put_in_later_stays_with_its_cell():
    """No two cells share a list or metadata."""
    first, second = new_cell("code", "", "a"), new_cell("code", "", "b")
    first.outputs.append(stream_output("stdout", "x"))
    first.metadata["tags"] = ["t"]
    assert (second.outputs, second.metadata) == ([], {})
