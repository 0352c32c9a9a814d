"""Any file at all is either read or refused with a reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import SubmissionError
from autograder.notebooks.reading.notebook_file import (
    Unreadable,
    UnreadableNotebook,
    read_notebook_file,
)
from autograder.notebooks.reading.submission import read_submission

HandIn = Callable[..., Path]


def notebook(*cells: Any, **fields: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": list(cells)} | fields


def code(source: Any, **fields: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    } | fields


def kernel(**metadata: Any) -> dict[str, Any]:
    return notebook(code("x = 1"), metadata=metadata)


DEEP = '{"nbformat": 4, "cells": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"PK\x03\x04 a Word file \xff\xfe", "a.ipynb", Unreadable.NOT_UTF8),
        (b"\xff\xfe{\x00}\x00", "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (b"\xff\xfe{\x00\x00", "a.ipynb", Unreadable.NOT_UTF8),
        (b"{\x00\x00", "a.ipynb", Unreadable.NOT_UTF8),
        ("[" + "{}," * 1_000_000 + "0]", "a.ipynb", Unreadable.TOO_LARGE),
        (b"x = '\xe9'", "a.py", Unreadable.NOT_UTF8),
        ("<html>Please log in</html>", "a.ipynb", Unreadable.NOT_JSON),
        ('{"nbformat": 4, "cells": [', "a.ipynb", Unreadable.NOT_JSON),
        ('{"nbformat": ' + "9" * 5000 + "}", "a.ipynb", Unreadable.NOT_JSON),
        (b"", "a.ipynb", Unreadable.EMPTY),
        (b"\xef\xbb\xbf \n", "a.ipynb", Unreadable.EMPTY),
        (b"", "a.py", Unreadable.EMPTY),
        (notebook(), "a.ipynb", Unreadable.EMPTY),
        (notebook(code(" \n")), "a.ipynb", Unreadable.EMPTY),
        ("[]", "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        ("{}", "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        ('{"nbformat": "4"}', "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(cells={}), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(3), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook({"cell_type": "heading"}), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(code({"a": 1})), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(code(["x", 1])), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(nbformat=5), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(nbformat=3), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (notebook(nbformat=-1), "a.ipynb", Unreadable.NOT_A_NOTEBOOK),
        (DEEP, "a.ipynb", Unreadable.TOO_DEEP),
        (" " * 21_000_000, "a.ipynb", Unreadable.TOO_LARGE),
        ("#" * 1_100_000, "a.py", Unreadable.TOO_LARGE),
        (notebook(*[code("")] * 2001), "a.ipynb", Unreadable.TOO_LARGE),
        (notebook(code("x = 1\n" * 100_000)), "a.ipynb", Unreadable.TOO_LARGE),
        ("# %%\n" * 2001, "a.py", Unreadable.TOO_LARGE),
        (kernel(kernelspec={"name": "ir", "language": "R"}), "a.ipynb", Unreadable.WRONG_KERNEL),
        (kernel(language_info={"name": "julia"}), "a.ipynb", Unreadable.WRONG_KERNEL),
    ],
)
def test_what_is_no_notebook_is_refused(
    hand_in: HandIn, content: Any, name: str, reason: Unreadable
) -> None:
    """The reason is machine-readable, and the message names the file and says what to do."""
    with pytest.raises(UnreadableNotebook, match=rf"{name}: .*([Hh]and|[Ss]ave|hand)") as caught:
        read_notebook_file(hand_in(content, name))
    assert caught.value.reason is reason
    assert isinstance(caught.value, SubmissionError)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "python3", "language": "python"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": 3},
        {"kernelspec": {"name": "my-env"}},
    ],
)
def test_python_kernels_are_read(hand_in: HandIn, metadata: dict[str, Any]) -> None:
    """A kernel of any name will do, as long as no other language is named."""
    assert read_notebook_file(hand_in(kernel(**metadata))).cells[0].source == "x = 1"


def test_other_writers_notebooks_are_read(hand_in: HandIn) -> None:
    """A byte order mark, sources as lists, Windows line ends, half a surrogate pair, no metadata,
    odd outputs.
    """
    outputs = [
        3,
        {"output_type": "stream", "text": ["a\n", "b"]},
        {"output_type": "display_data", "data": {"text/plain": ["x"], "application/json": {}}},
        {},
    ]
    cell = code(["x = 1\r\n", "y = '\ud800'"], outputs=outputs, execution_count="7")
    del cell["metadata"]
    file = read_notebook_file(hand_in(b"\xef\xbb\xbf" + json.dumps(notebook(cell)).encode()))
    assert file.cells[0].source == "x = 1\ny = '?'"
    assert [output.get("text", output.get("data")) for output in file.cells[0].outputs] == [
        "a\nb",
        {"text/plain": "x"},
    ]
    assert file.cells[0].execution_count is None


def test_format_3_is_upgraded(hand_in: HandIn) -> None:
    """A notebook from before 2015 has worksheets, inputs and pyouts."""
    out = {"output_type": "pyout", "text": ["3"], "prompt_number": 2, "metadata": {}}
    cell = {
        "cell_type": "code",
        "input": ["x = 3\n", "x"],
        "outputs": [out],
        "prompt_number": 2,
        "language": "python",
        "metadata": {},
        "collapsed": False,
    }
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    (read,) = read_notebook_file(hand_in(old)).cells
    assert (read.source, read.execution_count, read.outputs[0]["data"]) == (
        "x = 3\nx",
        2,
        {"text/plain": "3"},
    )


def test_a_script_is_read(hand_in: HandIn) -> None:
    """Percent cells, ids in their headers, commented magics; and a script without any is one
    cell.
    """
    script = (
        '# %% [markdown] id="intro"\n# # Hi\n\n# %% id="data"\nimport torch\n# %matplotlib'
        " inline\n\n# %%\nx = 1\n"
    )
    cells = read_notebook_file(hand_in(script, "a.py")).cells
    assert [(cell.cell_type, cell.grade_id, cell.source) for cell in cells] == [
        ("markdown", "intro", "# Hi"),
        ("code", "data", "import torch\n%matplotlib inline"),
        ("code", "", "x = 1"),
    ]
    assert [
        cell.source for cell in read_notebook_file(hand_in("x = 1\n\ny = 2\n", "b.py")).cells
    ] == ["x = 1\n\ny = 2"]


def test_what_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    """A directory is refused, and a pipe, which would wait for ever; a file that is not there is
    the machine's error.
    """
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name in ("pipe.ipynb", "folder.ipynb"):
        with pytest.raises(UnreadableNotebook, match="is not a file"):
            read_notebook_file(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_notebook_file(tmp_path / "gone.ipynb")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["code", "markdown", "stream", "error", "data", "x = 1"])
)
KEYS = st.text(max_size=5) | st.sampled_from(
    [
        "cells",
        "nbformat",
        "metadata",
        "cell_type",
        "source",
        "outputs",
        "output_type",
        "text",
        "data",
        "nbgrader",
        "grade_id",
        "kernelspec",
        "language",
        "worksheets",
        "input",
    ],
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)
CELLS = st.lists(
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": ANYTHING},
        optional={"outputs": ANYTHING, "metadata": ANYTHING},
    ),
    max_size=4,
)
OWN_TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def read_or_refuse(path: Path, release: nbformat.NotebookNode) -> None:
    try:
        submission = read_submission(path, release)
    except SubmissionError:
        return
    nbformat.validate(submission.notebook)


@OWN_TMP
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    name=st.sampled_from(["a.ipynb", "a.py"]),
)
def test_arbitrary_bytes_are_read_or_refused(
    hand_in: HandIn, released: nbformat.NotebookNode, content: bytes, name: str
) -> None:
    """Nothing but a SubmissionError comes out of any file."""
    read_or_refuse(hand_in(content, name), released)


@OWN_TMP
@given(
    version=st.sampled_from([1, 2, 3, 4, 4, 4]),
    metadata=ANYTHING,
    cells=CELLS | ANYTHING,
    worksheets=ANYTHING,
)
def test_arbitrary_json_is_read_or_refused(
    hand_in: HandIn,
    released: nbformat.NotebookNode,
    version: int,
    metadata: Any,
    cells: Any,
    worksheets: Any,
) -> None:
    """Nor out of any JSON that looks like a notebook; and what is read is restored to a valid
    one.
    """
    content = {
        "nbformat": version,
        "nbformat_minor": 0,
        "metadata": metadata,
        "cells": cells,
        "worksheets": worksheets,
    }
    read_or_refuse(hand_in(json.dumps(content)), released)
