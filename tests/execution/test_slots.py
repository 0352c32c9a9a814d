"""Slots: whose uid and scratch folder a submission gets, wherever a grader's temporary files
are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import SandboxError
from autograder.execution.layers.mounts import closed_folder
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
    return subprocess.run(
        [sys.executable, "-c", OTHER], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


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


@pytest.mark.parametrize(
    "unfit", [0o720, 0o702, "a file", "a link", "a link to nothing", "another's"]
)
def test_a_folder_that_others_may_have_filled_is_refused(
    folder: Path, unfit: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to it could put files of their own in the place of a submission's."""
    base = folder / f"gradstep-{os.geteuid()}"
    if unfit == "a file":
        base.touch()
    elif unfit in ("a link", "a link to nothing"):
        if unfit == "a link":
            (folder / "elsewhere").mkdir()
        base.symlink_to(folder / "elsewhere")
    else:
        base.mkdir()
        base.chmod(unfit if isinstance(unfit, int) else 0o755)
    if unfit == "another's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(base, 65534, 65534)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(
        SandboxError, match=f"gradstep-{os.geteuid()} is not this user's own folder"
    ):
        reserve_slot(own_uid=False)


def test_a_slot_is_for_its_user_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may pass through the folder of slots, and neither list it nor look into one; a slot
    given back is the next one's.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    first, second = reserve_slot(own_uid=False), reserve_slot(own_uid=False)
    try:
        assert first.scratch != second.scratch
        assert (first.uid, second.uid) == (None, None)
        assert [Path(slot.scratch).stat().st_mode & 0o777 for slot in (first, second)] == [
            0o700,
            0o700,
        ]
        assert Path(first.scratch).parent.stat().st_mode & 0o777 == 0o711
    finally:
        first.release()
        second.release()
    again = reserve_slot(own_uid=False)
    again.release()
    assert again.scratch in (first.scratch, second.scratch)


def test_the_first_closed_folder_on_the_way_is_named(folder: Path) -> None:
    """The place itself may be the closed one; what is not there yet closes nothing."""
    inner = folder / "closed" / "open"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    assert closed_folder(str(inner)) is None
    assert closed_folder(str(folder / "missing" / "too")) is None
    (folder / "closed").chmod(0o750)
    assert (
        closed_folder(str(inner))
        == closed_folder(str(folder / "closed"))
        == str((folder / "closed").resolve())
    )


@pytest.mark.parametrize("unfit", ["closed", "shared memory"])
def test_scratch_folders_are_where_submissions_find_them(folder: Path, unfit: str) -> None:
    """Not where they can't enter, and not in shared memory, in whose place the sandbox puts its
    own.
    """
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0o700)
    temporary = folder / "closed" if unfit == "closed" else Path("/dev/shm")
    assert Path(other_grader(temporary)[1]).parents[1] == Path("/tmp")
