"""Files that editors, git and other programs spoiled: graded if a person could see what is meant,
and said what was mended.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.notebooks.reading.conflicts import without_conflicts
from autograder.notebooks.reading.notebook_file import (
    Unreadable,
    UnreadableNotebook,
    read_notebook_file,
)
from autograder.notebooks.reading.submission import read_submission

HandIn = Callable[..., Path]


def text_of(source: str, **fields: Any) -> str:
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": 1,
    }
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]} | fields, indent=1
    )


def conflict(text: str, line: str, other: str, base: str = "") -> str:
    """`text` as git leaves it where one side has `line` and the other `other`."""
    (whole,) = [row for row in text.splitlines() if line in row]
    common = f"||||||| parent\n{base}\n" if base else ""
    return text.replace(
        whole,
        f"<<<<<<< HEAD\n{whole}\n{common}=======\n{whole.replace(line, other)}\n>>>>>>> theirs",
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_and_said(hand_in: HandIn, encoding: str) -> None:
    """With a byte order mark or without."""
    file = read_notebook_file(hand_in(text_of("x = 'ä'").encode(encoding)))
    assert file.cells[0].source == "x = 'ä'"
    assert "UTF-16" in file.notices[0]


@pytest.mark.parametrize(
    "data",
    [
        text_of("x = 1").encode(),
        b"\xef\xbb\xbf" + text_of("x = 1").encode(),
        text_of("x = 1").replace("\n", "\r\n").encode(),
    ],
)
def test_what_needs_no_mending_has_no_notice(hand_in: HandIn, data: bytes) -> None:
    """Plain UTF-8; its mark and Windows line ends are harmless."""
    assert read_notebook_file(hand_in(data)).notices == ()


@pytest.mark.parametrize("base", ["", '   "execution_count": 3,'])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_conflict_about_nothing_that_counts_is_mended(
    hand_in: HandIn, base: str, ends: str
) -> None:
    """Both sides have the same code, and differ in an execution count."""
    text = conflict(text_of("x = 1"), '"execution_count": 1', '"execution_count": 2', base).replace(
        "\n", ends
    )
    file = read_notebook_file(hand_in(text.encode()))
    assert [(cell.source, cell.execution_count) for cell in file.cells] == [("x = 1", 1)]
    assert "merge conflict" in file.notices[0]


def test_each_side_of_a_conflict_is_what_its_author_had() -> None:
    """Neither holds the other's lines, nor those that both began with; what stands around is in
    both, and a marker alone is prose.
    """
    text = (
        "a\n<<<<<<< HEAD\nb\n||||||| parent\nbase\n=======\nc\n>>>>>>> theirs\nd\n<<<<<<<"
        " HEAD\n=======\ne\n>>>>>>> theirs\nf"
    )
    assert without_conflicts(text) == ("a\nb\nd\nf", "a\nc\nd\ne\nf")
    assert without_conflicts("a\n=======\nb\n>>>>>>> x\nc") == ("a\n=======\nb\n>>>>>>> x\nc",) * 2


@pytest.mark.parametrize(("line", "other"), [("x = 1", "x = 2"), ("x = 1", "x = [")])
def test_a_conflict_about_code_is_refused(hand_in: HandIn, line: str, other: str) -> None:
    """Nobody can tell which of the two counts; the message says where it is."""
    with pytest.raises(UnreadableNotebook, match=r"two versions at once.*line \d+") as caught:
        read_notebook_file(hand_in(conflict(text_of("x = 1"), line, other)))
    assert caught.value.reason is Unreadable.MERGE_CONFLICT


def test_a_conflict_of_which_one_side_is_broken_is_refused(hand_in: HandIn) -> None:
    """It is no better than two versions."""
    with pytest.raises(UnreadableNotebook) as caught:
        read_notebook_file(
            hand_in(conflict(text_of("x = 1"), '"execution_count": 1', '"execution'))
        )
    assert caught.value.reason is Unreadable.MERGE_CONFLICT


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("y = 0\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs", True),
        ("# <<<<<<< HEAD\nx = 1", False),
        ("'''\nTitle\n=======\n'''\nx = 1", False),
        ("x = 1 <<2\n>>>>>>> x", False),
    ],
)
def test_a_conflict_in_a_cell_is_said(hand_in: HandIn, source: str, said: bool) -> None:
    """The cell can't run, and the student is told why; lines that only look like one marker are
    nothing.
    """
    notices = read_notebook_file(hand_in(text_of(source))).notices
    assert [
        notice.startswith("Cell 1 holds a merge conflict of git's (line 2") for notice in notices
    ] == [True] * said


@pytest.mark.parametrize("minor", range(6))
def test_every_minor_version_of_format_4_is_read(hand_in: HandIn, minor: int) -> None:
    """With ids, without them, and with one id twice; NaN and attachments in between."""
    ids = {"id": "same"} if minor >= 5 else {}
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {"x": float("nan")},
            "source": ["# Hi\n", "there"],
            "attachments": {"a.png": {"image/png": "AA=="}},
        }
        | ids,
        {
            "cell_type": "code",
            "metadata": {},
            "source": ["x = 1\r\n", "y = 2"],
            "outputs": [],
            "execution_count": None,
        }
        | ids,
    ]
    file = read_notebook_file(
        hand_in(text_of("", cells=cells, nbformat_minor=minor, metadata={"n": float("nan")}))
    )
    assert [cell.source for cell in file.cells] == ["# Hi\nthere", "x = 1\ny = 2"]


def test_all_marks_gone_and_utf16_are_restored_and_said(
    hand_in: HandIn, solved: NotebookNode, released: NotebookNode
) -> None:
    """What is mended in the file is told before what is mended in the notebook."""
    for cell in solved.cells:
        cell.metadata.pop("nbgrader", None)
    submission = read_submission(hand_in(nbformat.writes(solved).encode("utf-16")), released)
    assert "UTF-16" in submission.notices[0]
    assert "carried no marks" in submission.notices[1]
    assert submission.missing == ()


def test_a_script_with_a_syntax_error_keeps_its_other_cells(
    hand_in: HandIn, released: NotebookNode
) -> None:
    """The error is one cell's."""
    script = (
        "# %%\ndef model(t_u, w, b):\n    return w * t_u + b\n\n# %%\ndef loss_fn(:\n\n# %%\nx"
        " = (\n"
    )
    submission = read_submission(hand_in(script, "a.py"), released)
    sources = [cell.source for cell in submission.cells]
    assert "def model(t_u, w, b):\n    return w * t_u + b" in sources
    assert "def loss_fn(:" in sources
    assert "loss_fn" not in submission.missing
