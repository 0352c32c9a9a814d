"""Lines of cells in the files that students keep."""

import json

import nbformat
import pytest

from autograder.notebooks.reading.lines import cell_lines
from autograder.notebooks.reading.notebook_file import read_notebook_file

SOURCES = ["a = 1\nb = 2\nraise ValueError", "# text", "c = '\\n{[\"'\n", ""]


def notebook():
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in SOURCES])
    made.cells[1]["outputs"] = [
        nbformat.v4.new_output("stream", text='{"cells": [{"source": "no"}]}\n')
    ]
    return made


def test_each_line_of_a_cell_has_its_line_in_jupyters_file(tmp_path):
    """As Jupyter writes it, the text of the file on the line found is that line of the source."""
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook(), path)
    rows, lines = cell_lines(path), path.read_text().splitlines()
    assert len(rows) == len(SOURCES)
    for cell, source in zip(rows, SOURCES, strict=True):
        for row, text in zip(cell, source.splitlines(), strict=False):
            assert json.dumps(text)[1:-1] in lines[row - 1]
    assert [len(cell) for cell in rows] == [3, 1, 1, 1]


def test_a_notebook_on_one_line_is_all_line_one(tmp_path):
    """As some tools write it."""
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(notebook()))
    assert {row for cell in cell_lines(path) for row in cell} == {1}


def test_source_as_one_text_has_the_line_of_the_text(tmp_path):
    """nbformat allows a string in place of a list."""
    path = tmp_path / "n.ipynb"
    path.write_text('{\n"cells": [\n{"cell_type": "code",\n"source": "x\\ny"}\n]}')
    assert cell_lines(path) == ((4,),)


@pytest.mark.parametrize("header", ["", "# ---\n# jupyter:\n#   a: 1\n# ---\n\n"])
@pytest.mark.parametrize("above", ["", "import torch\n\n"])
def test_scripts_have_the_lines_below_each_header(tmp_path, header, above):
    """A percent script, with and without jupytext's header and code above the first cell: as many
    cells as the reader finds, each line of a source on its line.
    """
    path = tmp_path / "n.py"
    path.write_text(
        f"{header}{above}# %% one\na = 1\nb = 2\n# %% [markdown]\n# text\n# %%\nc = 3\n"
    )
    rows, lines = cell_lines(path), path.read_text().splitlines()
    cells = read_notebook_file(path).cells
    assert len(rows) == len(cells)
    for cell, found in zip(cells, rows, strict=True):
        if cell.cell_type == "code":
            assert [lines[row - 1] for row in found][
                : len(cell.source.splitlines())
            ] == cell.source.splitlines()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"cells": 3}',
        b'{"cells": [3]}',
        b'{"cells": [{"source": "x"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_other_files_have_none(tmp_path, content):
    """They are reported without a line, not refused here."""
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    assert cell_lines(path) == ()
    assert cell_lines(tmp_path / "missing.ipynb") == ()
