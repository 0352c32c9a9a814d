"""Evidence by content hash: one file per key, written whole or not at all, never changed; in a
folder, or wherever fsspec leads.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from autograder.atomic import write_atomic
from autograder.errors import AutograderError
from autograder.evidence.trace import Evidence, decode_evidence, encode_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

ATOMIC = ("s3", "s3a", "gs", "gcs", "abfs", "az", "memory")
"""Object stores: an object is there as a whole, once it has been put.

Elsewhere a file is moved to its name.
"""


class Store(Protocol):
    """A place that keeps evidence by key."""

    def get(self, key: str) -> Evidence | None:
        """Return evidence stored under `key`, or None if there is none that can be read.

        A damaged file counts as none and is replaced by the next run.
        """

    def put(self, evidence: Evidence) -> None:
        """Store `evidence` under its key."""


@dataclass(frozen=True, slots=True)
class EvidenceStore:
    """A folder of evidence.

    `root` is made on the first write, readable by its owner only: it also holds the reference's
    runs.
    """

    root: Path

    def path(self, key: str) -> Path:
        """Return the path at which evidence `key` lies or would lie."""
        return self.root / _name(key)

    def get(self, key: str) -> Evidence | None:
        """Read evidence from its file, as `Store.get`."""
        try:
            return _decoded(self.path(key).read_bytes(), key)
        except FileNotFoundError:
            return None

    def put(self, evidence: Evidence) -> None:
        """Write evidence to a file of its own, as `Store.put`."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.path(evidence.key), encode_evidence(evidence))


@dataclass(frozen=True, slots=True)
class RemoteStore:
    """Evidence at a place that fsspec opens, such as s3://bucket/course.

    Whoever reads there reads the reference's runs.
    """

    root: str
    files: Any
    """An fsspec file system."""

    def get(self, key: str) -> Evidence | None:
        """Fetch evidence from its file, as `Store.get`.

        Raises:
            AutograderError: if the place can't be reached.
        """
        try:
            return _decoded(self.files.cat_file(f"{self.root}/{_name(key)}"), key)
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system has errors of its own
            raise self._unreachable(error) from error

    def put(self, evidence: Evidence) -> None:
        """Send evidence to a file of its own, as `Store.put`.

        Raises:
            AutograderError: if it can't be written there.
        """
        path, data = f"{self.root}/{_name(evidence.key)}", encode_evidence(evidence)
        try:
            if set(_protocols(self.files)) & set(ATOMIC):
                self.files.pipe_file(path, data)
                return
            self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
            partly = f"{path}.{uuid.uuid4().hex}.tmp"
            self.files.pipe_file(partly, data)
            self.files.mv(partly, path)
        except Exception as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> AutograderError:
        return AutograderError(
            f"evidence at {self.root} can't be reached: {type(error).__name__}: {error}"
        )


def open_store(place: str, otherwise: Path) -> Store:
    """The store at the URL or path `place`; empty: in the folder `otherwise`.

    Raises:
        AutograderError: if fsspec does not know the URL's protocol, or its library is not
            installed.
    """
    if not place or "://" not in place:
        return EvidenceStore(Path(place) if place else otherwise)
    import fsspec  # comes with torch; imported only where it is asked for

    try:
        files, root = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        message = f"evidence can't be kept at {place}: {error}"
        raise AutograderError(message) from error
    return RemoteStore(root.rstrip("/"), files)


def _protocols(files: Any) -> Iterator[str]:
    own = files.protocol
    yield from (own,) if isinstance(own, str) else own


def _name(key: str) -> str:
    return f"{key[:2]}/{key[2:]}.msgpack"


def _decoded(data: bytes, key: str) -> Evidence | None:
    try:
        evidence = decode_evidence(data)
    except msgspec.DecodeError:
        return None
    return evidence if evidence.key == key else None
