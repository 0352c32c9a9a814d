"""`autograder collect`: a learning system's download becomes nbgrader's
submitted/<student>/<slug>/, with a record of where each came from.

Nothing that was collected before is lost: what a new download replaces is moved to
submitted/.earlier/.
"""

from __future__ import annotations

import datetime
import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from autograder.commands.collect.attempts import Take, choose, is_late
from autograder.commands.collect.matching import Unmatched, match
from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import Asked, SystemName, pick_notebooks
from autograder.exchange.lms.download import open_download
from autograder.exchange.lms.systems import system_of
from autograder.exchange.nbgrader.timestamps import TIMESTAMP, timestamp_text
from autograder.notebooks.reading.archive import MAX_ARCHIVE_BYTES
from autograder.people.handed_in import (
    ATTEMPT,
    Entry,
    Member,
    Record,
    read_record,
    same_people,
    write_record,
)
from autograder.people.student_names import student_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.commands.collect.attempts import Chosen
    from autograder.commands.collect.matching import Matched
    from autograder.people.roster import Roster, Student

EARLIER = ".earlier"
_INCOMING = ".incoming"


@dataclass(frozen=True, slots=True)
class Source:
    """What to collect, and how.

    `system` is None to find out; `zone` that of times without one, None if not known.
    """

    path: Path
    roster: Roster | None = None
    take: Take = Take.NEWEST
    system: SystemName | None = None
    zone: datetime.tzinfo | None = None


@dataclass(slots=True)
class Collection:
    """What `collect` did, for its summary. Lists hold folders' names unless they say otherwise."""

    system: SystemName
    record: Record
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept_newer: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    """Folders moved to .earlier whose holder has others now."""
    absent: list[str] = field(default_factory=list)
    """Collected before, and not in this download: they stay."""
    not_taken: list[tuple[str, str]] = field(default_factory=list)
    """Holder, why."""
    unmatched: tuple[Unmatched, ...] = ()
    strangers: list[tuple[str, str]] = field(default_factory=list)
    """Folder of a group, who of it could not be matched and why."""
    missing: tuple[Student, ...] = ()
    """Of the roster, without a submission."""
    twice: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Student, folders in which they have a part."""
    notes: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What is written into one folder, by file name, and the entry that will speak of it."""

    entry: Entry
    files: dict[str, bytes]


def collect_download(files: AssignmentFiles, source: Source, root: Path) -> Collection:
    """Write the submissions of `source` below `root` and the record beside them.

    Raises:
        ExchangeError: if the download, the roster or the record can't be read, or `root` not be
            written.
    """
    here, there = source.path.resolve(), root.resolve()
    if here.is_dir() and (here == there or here in there.parents or there in here.parents):
        message = (
            f"{source.path} and {root} lie in each other: what is collected would be mixed with the"
            " download. Choose another folder with -o"
        )
        raise ExchangeError(message)
    before = read_record(root, files.slug)
    with open_download(source.path) as whole:
        system, download = system_of(whole, source.system)
        delivered = system.deliveries(download, Asked(files.slug, source.zone))
        matched, unmatched = match(delivered.deliveries, source.roster, system)
        done = Collection(
            system.name,
            before,
            unmatched=unmatched,
            refused=download.refused,
            strange=delivered.strange,
        )
        done.notes += (*delivered.notes, *dict.fromkeys(one.note for one in matched if one.note))
        done.strangers += [
            (one.holder.folder, stranger) for one in matched for stranger in one.strangers
        ]
        writer = _Writer(files, root, before, done)
        try:
            for chosen in choose(matched, source.take, files.assignment.due, files.slug):
                writer.take_in(chosen, source.take)
            done.record = writer.record(source)
            write_record(root, done.record)
        except OSError as error:
            message = (
                f"{root} can't be written: {error}. What was there is unchanged or in"
                f" {root / EARLIER}; the same command goes on from there"
            )
            raise ExchangeError(message) from error
    _look_round(done, source.roster, [one.holder.folder for one in matched])
    return done


class _Writer:
    """Brings folders up to date, one after the other, and remembers what the record will say."""

    def __init__(
        self, files: AssignmentFiles, root: Path, before: Record, done: Collection
    ) -> None:
        self._slug, self._due, self._root, self._done, self._before = (
            files.slug,
            files.assignment.due,
            root,
            done,
            before,
        )
        self._entries = {
            entry.folder: entry
            for entry in before.entries
            if entry.attempt or (root / entry.folder / self._slug).exists()
        }
        self._now = datetime.datetime.now(datetime.UTC)
        self._folders_of: dict[tuple[str, str], list[str]] = {}
        for entry in self._entries.values():
            for key in {key for member in entry.members for key in member.known_ids()}:
                self._folders_of.setdefault(key, []).append(entry.folder)

    def take_in(self, chosen: Chosen, take: Take) -> None:
        """Bring one holder's folders up to date."""
        folder = chosen.holder.folder
        if chosen.why_none:
            self._done.not_taken.append((folder, chosen.why_none))
            return
        if chosen.note:
            self._done.notes.append(f"{folder}: {chosen.note}")
        bundles = [self._bundle(chosen, one) for one in chosen.attempts]
        if take is Take.BEST:
            bundles = self._numbered(folder, bundles)
        elif (own := self._entries.get(folder)) and self._is_older(bundles[0].entry, own):
            self._done.kept_newer.append(folder)
            return
        members = bundles[0].entry.members
        current = {bundle.entry.folder for bundle in bundles}
        sources = {bundle.entry.source for bundle in bundles}
        for old in self._others(members):
            attempts = take is Take.BEST and old.attempt and old.holder == folder
            # the same submission, which was taken for somebody else's
            other = old.holder != folder and old.source in sources
            if (
                old.folder not in current
                and not attempts
                and (other or same_people(old.members, members))
            ):
                self._move_away(old.folder)
                self._done.replaced.append(old.folder)
                del self._entries[old.folder]
        for bundle in bundles:
            self._write(bundle)

    def _others(self, members: Iterable[Member]) -> list[Entry]:
        """What was collected before in which one of `members` has a part."""
        folders = dict.fromkeys(
            folder
            for member in members
            for key in member.known_ids()
            for folder in self._folders_of.get(key, ())
        )
        return [self._entries[folder] for folder in folders if folder in self._entries]

    def record(self, source: Source) -> Record:
        """All entries, those of earlier downloads too."""
        return Record(
            self._slug,
            str(self._done.system),
            source.path.name,
            str(source.take),
            tuple(self._entries.values()),
        )

    def _bundle(self, chosen: Chosen, one: Matched) -> _Bundle:
        picked = pick_notebooks(one.delivery.files, self._slug)
        files = {}
        for number, file in enumerate(picked, 1):
            path = PurePosixPath(file.name)
            suffix = path.suffix.lower()
            name = (
                f"{self._slug}{suffix}"
                if len(picked) == 1
                else f"{number}-{student_name(path.stem)}{suffix}"
            )
            # more is no submission; grading says so to the student
            files[name] = file.read(MAX_ARCHIVE_BYTES + 1)
        content = hashlib.sha256(
            b"".join(hashlib.sha256(data).digest() for data in files.values())
        ).hexdigest()
        moment = one.delivery.submitted_at
        entry = Entry(
            folder=chosen.holder.folder,
            holder=chosen.holder.folder,
            members=tuple(_member(student) for student in chosen.holder.members),
            source=one.delivery.label,
            files=tuple(file.name for file in picked),
            passed_over=tuple(file.name for file in one.delivery.files if file not in picked),
            group=chosen.holder.group,
            attempts_seen=chosen.seen,
            sha256=(
                hashlib.sha256(next(iter(files.values()))).hexdigest() if len(files) == 1 else ""
            ),
            content_sha256=content,
            submitted_at=moment.astimezone(datetime.UTC).isoformat() if moment else "",
            late=is_late(one, self._due),
            order=f"{self._done.system}:{one.delivery.order}" if one.delivery.order else "",
            collected_at=self._now.isoformat(timespec="seconds"),
        )
        if moment:
            files[TIMESTAMP] = timestamp_text(moment).encode()
        return _Bundle(entry, files)

    def _numbered(self, folder: str, bundles: Sequence[_Bundle]) -> list[_Bundle]:
        """Attempts under numbers that stay when more are collected later; of equal ones the
        first.
        """
        known = {
            entry.content_sha256: entry.attempt
            for entry in self._entries.values()
            if entry.holder == folder and entry.attempt
        }
        numbered: dict[str, _Bundle] = {}
        for bundle in bundles:
            content = bundle.entry.content_sha256
            if content in numbered:
                continue
            number = known.setdefault(content, max(known.values(), default=0) + 1)
            entry = msgspec.structs.replace(
                bundle.entry, folder=f"{folder}{ATTEMPT}{number}", attempt=number
            )
            if (other := self._entries.get(entry.folder)) and other.holder != folder:
                message = (
                    f"attempt {number} of {folder} would be called as the submission of"
                    f" {other.holder}; give one of them another id in the roster"
                )
                raise ExchangeError(message)
            numbered[content] = _Bundle(entry, bundle.files)
        return list(numbered.values())

    def _is_older(self, new: Entry, own: Entry) -> bool:
        """Whether what is collected already was handed in later, as the same system says."""
        same_system = new.order.partition(":")[0] == own.order.partition(":")[0]
        return (
            bool(new.order and own.order)
            and same_system
            and new.order < own.order
            and new.content_sha256 != own.content_sha256
        )

    def _write(self, bundle: _Bundle) -> None:
        entry, place = bundle.entry, self._root / bundle.entry.folder / self._slug
        existing = _contents(place)
        old = self._entries.get(entry.folder)
        if existing == bundle.files:
            self._done.unchanged.append(entry.folder)
            same = old and msgspec.structs.replace(entry, collected_at=old.collected_at)
            self._entries[entry.folder] = same or entry
            return
        incoming = self._root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=incoming)) / self._slug
        fresh.mkdir()
        for name, data in bundle.files.items():
            (fresh / name).write_bytes(data)
        if existing is not None:
            self._move_away(entry.folder)
        place.parent.mkdir(exist_ok=True)
        fresh.rename(place)
        shutil.rmtree(incoming)
        (self._done.new if existing is None else self._done.changed).append(entry.folder)
        self._entries[entry.folder] = entry

    def _move_away(self, folder: str) -> None:
        place = self._root / folder / self._slug
        if not place.exists():
            return
        stamp = f"{self._now:%Y-%m-%dT%H-%M-%S}"
        kept = self._root / EARLIER / self._slug / folder
        kept.mkdir(parents=True, exist_ok=True)
        number = 0
        while (target := kept / (f"{stamp}.{number}" if number else stamp)).exists():
            number += 1
        place.rename(target)
        if not any(place.parent.iterdir()):
            place.parent.rmdir()


def _contents(place: Path) -> dict[str, bytes] | None:
    """Files by name; None where there is no folder.

    A folder or link in it makes it unlike anything that is collected.
    """
    if not place.is_dir():
        return None
    found = {}
    for path in place.iterdir():
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_ARCHIVE_BYTES + 1:
            return {}
        found[path.name] = path.read_bytes()
    return found


def _member(student: Student) -> Member:
    return Member(
        student.id, student.name, student.canvas_id, student.moodle_id, student.login, student.email
    )


def _look_round(done: Collection, roster: Roster | None, seen: Iterable[str]) -> None:
    """Who is absent from the download, who of the roster has nothing, and who has a part in two
    submissions.
    """
    holders = set(seen)
    done.absent = sorted(
        entry.folder for entry in done.record.entries if entry.holder not in holders
    )
    parts: dict[str, set[str]] = {}
    for entry in done.record.entries:
        for member in entry.members:
            parts.setdefault(member.id, set()).add(entry.holder)
    done.twice = sorted(
        (student, tuple(sorted(folders))) for student, folders in parts.items() if len(folders) > 1
    )
    done.missing = (
        tuple(student for student in roster.students if student.id not in parts) if roster else ()
    )
