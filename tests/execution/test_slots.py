"""Slots: whose uid and scratch folder a submission gets, wherever a grader's temporary files are."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.execution.layers.slots import reserve_slot

OTHER = """
from autograder.execution.layers.slots import reserve_slot
slot = reserve_slot(own_uid=True)
print(slot.uid, slot.scratch)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for temporary files that everybody can enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def other_grader(temporary: Path) -> list[str]:
    """The uid and the scratch folder of a slot that a grader with this TMPDIR takes."""
    environment = os.environ | {"TMPDIR": str(temporary)}
    return subprocess.run([sys.executable, "-c", OTHER], env=environment, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's submissions have a uid of their own")
def test_two_graders_never_share_a_uid(folder: Path) -> None:
    """Each ends all processes of its uid, so also not where their temporary files lie apart."""
    slot = reserve_slot(own_uid=True)
    try:
        uid, scratch = other_grader(folder)
    finally:
        slot.release()
    assert int(uid) != slot.uid
    assert Path(scratch).is_relative_to(folder)


@pytest.mark.parametrize("unfit", ["closed", "shared memory"])
def test_scratch_folders_are_where_submissions_find_them(folder: Path, unfit: str) -> None:
    """Not where they can't enter, and not in shared memory, in whose place the sandbox puts its own."""
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0o700)
    temporary = folder / "closed" if unfit == "closed" else Path("/dev/shm")
    assert Path(other_grader(temporary)[1]).parents[1] == Path("/tmp")
