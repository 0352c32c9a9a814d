"""The record of what was collected: whose each submission is, where it came from, and under which
ids the learning system knows its people.

``submitted/collected-<slug>.json``, beside the folders that it speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import same_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 1
ATTEMPT = "~"
"""Between a student's id and the number of an attempt in a folder's name, where all attempts are
collected.
"""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One student, as the roster and the download know them; unknown ids are empty."""

    id: str
    name: str = ""
    canvas_id: str = ""
    moodle_id: str = ""
    login: str = ""
    email: str = ""

    def known_ids(self) -> frozenset[tuple[str, str]]:
        """Ids with their kinds, fit for comparing: two students with a common one are the same."""
        ids = {
            "id": self.id,
            "canvas": self.canvas_id,
            "moodle": self.moodle_id,
            "login": self.login,
            "email": self.email,
        }
        return frozenset((kind, same_text(text)) for kind, text in ids.items() if text)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One folder in submitted/.

    `holder` is the student's or group's folder name without an attempt's number; `attempt` is 0
    where only one is collected.
    """

    folder: str
    holder: str
    members: tuple[Member, ...]
    source: str
    """What the download calls it."""
    files: tuple[str, ...]
    """Names in the download of what was written."""
    passed_over: tuple[str, ...] = ()
    """Names in the download of what else was handed in with it."""
    group: bool = False
    attempt: int = 0
    attempts_seen: int = 1
    sha256: str = ""
    """Of the one file that is graded; empty where there is none or several."""
    content_sha256: str = ""
    submitted_at: str = ""
    late: bool | None = None
    """None where nothing says it."""
    order: str = ""
    collected_at: str = ""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was collected of one assignment, by folder."""

    assignment: str
    system: str = ""
    download: str = ""
    take: str = ""
    entries: tuple[Entry, ...] = ()
    version: int = VERSION

    def entry(self, folder: str) -> Entry | None:
        """The entry of a folder, None if it was not collected."""
        return next((entry for entry in self.entries if entry.folder == folder), None)

    def names(self) -> dict[str, str]:
        """Names of people by folder, for those who have one."""
        found = {
            entry.folder: "; ".join(member.name or member.id for member in entry.members)
            for entry in self.entries
            if any(m.name for m in entry.members)
        }
        return {folder: name for folder, name in found.items() if name != folder}


def record_path(root: Path, slug: str) -> Path:
    """Return the path of the record of `slug` in the folder of submissions."""
    return root / f"collected-{slug}.json"


def read_record(root: Path, slug: str) -> Record:
    """The record in the folder of submissions; an empty one where nothing was collected.

    Raises:
        ExchangeError: if it is there and can't be read.
    """
    path = record_path(root, slug)
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, NotADirectoryError):
        return Record(slug)
    except (msgspec.DecodeError, OSError) as error:
        message = (
            f"{path}: can't be read as the record of what was collected ({error}); move it away and"
            " collect again: submissions that are there stay"
        )
        raise ExchangeError(message) from error
    if record.version != VERSION:
        message = (
            f"{path}: is of another version of GradStep ({record.version}); move it away and"
            " collect again"
        )
        raise ExchangeError(message)
    return record


@dataclass(frozen=True, slots=True)
class Collected:
    """The record, and the names of all folders with a submission.

    Some may have been put there by hand.
    """

    record: Record
    folders: frozenset[str] = frozenset()


def find_collected(path: Path, slug: str) -> Collected:
    """Find the collected submissions in the folder that `autograder grade` is given.

    It may hold submitted/; empty for anything else.

    Raises:
        ExchangeError: if there is a record that can't be read.
    """
    root = path / "submitted" if (path / "submitted").is_dir() else path
    return Collected(
        read_record(root, slug), frozenset(place.parent.name for place in root.glob(f"*/{slug}"))
    )


def write_record(root: Path, record: Record) -> None:
    """Write it at once, entries by folder."""
    ordered = msgspec.structs.replace(
        record, entries=tuple(sorted(record.entries, key=lambda entry: entry.folder))
    )
    write_atomic(
        record_path(root, record.assignment),
        msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n",
    )


def same_people(some: Iterable[Member], others: Iterable[Member]) -> bool:
    """Tell whether both are the same students."""
    left = list(others)
    for member in some:
        match = next((other for other in left if member.known_ids() & other.known_ids()), None)
        if match is None:
            return False
        left.remove(match)
    return not left
