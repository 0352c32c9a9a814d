"""Inputs that fuzzers found, or that cover what they reach: none crashes its reader, hangs, or
takes much memory.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec
import nbformat
import pytest

from autograder.assignment import open_assignment
from autograder.errors import AssignmentError, SubmissionError
from autograder.evidence.limits import Limits
from autograder.evidence.trace import decode_evidence
from autograder.execution.conversing.conversation import Broken, Conversation
from autograder.notebooks.reading.submission import read_submission

CORPUS = Path(__file__).parent / "corpus"
RELEASE = (
    Path(__file__).parents[1]
    / "examples"
    / "quadratic"
    / "submitted"
    / "aziz"
    / "quadratic"
    / "quadratic.ipynb"
)
MAX_S = 5
MAX_BYTES = 500_000_000


def read_as(suffix: str) -> Callable[[Path, Path], None]:
    def read(path: Path, folder: Path) -> None:
        submitted = shutil.copy(path, folder / f"a{suffix}")
        read_submission(Path(submitted), nbformat.read(RELEASE, 4))

    return read


def assignment(path: Path, folder: Path) -> None:
    (folder / "assignments" / "a").mkdir(parents=True)
    shutil.copy(path, folder / "assignments" / "a" / "assignment.toml")
    open_assignment(folder, "a")


def frames(path: Path, _: Path) -> None:
    (ours, theirs), (control, forkserver) = socket.socketpair(), socket.socketpair()
    with ours, theirs, control, forkserver:
        theirs.sendall(path.read_bytes())
        theirs.close()
        conversation = Conversation(control, ours, Limits(), None)
        for _run in (*conversation.cells(["c"]), *conversation.calls(["r"])):
            pass


READERS: dict[str, tuple[Callable[[Path, Path], object], type[Exception]]] = {
    "notebooks": (read_as(".ipynb"), SubmissionError),
    "scripts": (read_as(".py"), SubmissionError),
    "zips": (read_as(".zip"), SubmissionError),
    "assignments": (assignment, AssignmentError),
    "frames": (frames, Broken),
    "evidence": (lambda path, _: decode_evidence(path.read_bytes()), msgspec.DecodeError),
}
FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_every_reader_has_a_corpus() -> None:
    """And every folder a reader."""
    assert {path.parent.name for path in FILES} == set(READERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    """Nothing comes out but what the reader's docstring names."""
    read, refusal = READERS[path.parent.name]
    began = time.process_time()
    tracemalloc.start()
    with contextlib.suppress(refusal):
        read(path, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - began < MAX_S
    assert peak < MAX_BYTES
