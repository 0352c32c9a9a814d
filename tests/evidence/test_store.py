"""Evidence in folders and wherever fsspec leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import AutograderError
from autograder.evidence.store import EvidenceStore, RemoteStore, Store, open_store
from autograder.evidence.trace import Ended, Ending, Evidence, encode_evidence

KEY = "ab" + "0" * 62
EVIDENCE = Evidence(KEY, (), (), Ending(Ended.FINISHED), {"torch": "2"})


@pytest.fixture(params=["folder", "path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """One of each kind."""
    places = {
        "folder": "",
        "path": str(tmp_path / "there"),
        "file": f"file://{tmp_path / 'there'}",
        "memory": f"memory://{tmp_path.name}",
    }
    return open_store(places[request.param], tmp_path / "here")


def test_what_is_put_is_got(store: Store) -> None:
    """And nothing else; again puts it anew."""
    assert store.get(KEY) is None
    store.put(EVIDENCE)
    store.put(EVIDENCE)
    assert store.get(KEY) == EVIDENCE
    assert store.get("cd" + KEY[2:]) is None


def test_places_are_what_they_say(tmp_path: Path) -> None:
    """A path is a folder, a URL is fsspec's; two openings of one place see the same."""
    assert open_store("", tmp_path) == EvidenceStore(tmp_path)
    assert open_store(str(tmp_path), Path("elsewhere")) == EvidenceStore(tmp_path)
    url = f"file://{tmp_path / 'there'}"
    one, other = open_store(url, tmp_path), open_store(f"{url}/", tmp_path)
    assert isinstance(one, RemoteStore)
    one.put(EVIDENCE)
    assert other.get(KEY) == EVIDENCE
    # no half-written file is left
    assert [path.name for path in (tmp_path / "there").rglob("*") if path.is_file()] == [
        f"{KEY[2:]}.msgpack"
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\x00", encode_evidence(Evidence("cd", (), (), Ending(Ended.FINISHED)))]
)
def test_what_is_damaged_counts_as_none(tmp_path: Path, content: bytes) -> None:
    """Also evidence that lies under another's key."""
    store = open_store(f"file://{tmp_path}", tmp_path)
    (tmp_path / KEY[:2]).mkdir()
    (tmp_path / KEY[:2] / f"{KEY[2:]}.msgpack").write_bytes(content)
    assert store.get(KEY) is None
    store.put(EVIDENCE)
    assert store.get(KEY) == EVIDENCE


def test_a_place_that_cannot_be_is_said(tmp_path: Path) -> None:
    """An unknown protocol; one without permission, which is no missing evidence."""
    with pytest.raises(AutograderError, match=r"can't be kept at nowhere://x"):
        open_store("nowhere://x", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(AutograderError, match="can't be reached"):
        open_store(f"file://{tmp_path}/file/below", tmp_path).put(EVIDENCE)
