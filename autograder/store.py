"""Evidence by content hash: one file per key, written atomically, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.atomic import write_atomic
from autograder.trace import Evidence, decode_evidence, encode_evidence


@dataclass(frozen=True, slots=True)
class EvidenceStore:
    """A folder of evidence. `root` is made on the first write, readable by its owner only: it also holds the reference's runs."""

    root: Path

    def path(self, key: str) -> Path:
        """Where evidence `key` lies or would lie."""
        return self.root / key[:2] / f"{key[2:]}.msgpack"

    def get(self, key: str) -> Evidence | None:
        """Evidence stored under `key`, or None if there is none that can be read; a damaged file counts as none and is replaced by the next run."""
        try:
            evidence = decode_evidence(self.path(key).read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return evidence if evidence.key == key else None

    def put(self, evidence: Evidence) -> None:
        """Store `evidence` under its key."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.path(evidence.key), encode_evidence(evidence))
