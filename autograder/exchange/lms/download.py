"""A bulk download of submissions, a folder or a .zip, as names and bytes: nothing is unpacked,
links are not followed, and no name in it becomes a path.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import ExchangeError
from autograder.notebooks.reading.archive import (
    DAMAGE,
    MAX_ARCHIVE_BYTES,
    BoundedFile,
    member_name,
    member_problem,
)

MAX_FILES = 20_000
MAX_DOWNLOAD_BYTES = 20_000_000_000
MAX_DIRECTORY_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 50_000_000_000
"""Of all members as the archive declares them; one file at a time is unpacked, and only what may be
a notebook.
"""
MAX_NAME_CHARS = 1_000
_UTF8_NAMES = 0x800


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a download.

    `name` has slashes and is as the download has it; `read(n)` gives its first n bytes.

    `read` raises ExchangeError if the file is damaged, OSError if the disk fails.
    """

    name: str
    size: int
    read: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Download:
    """All files of a download, by name.

    `refused` says of those that were left out what is wrong with them.
    """

    path: Path
    entries: tuple[Entry, ...]
    refused: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files."""
        return tuple(entry.name for entry in self.entries)

    def inside(self) -> Download | None:
        """Return the download without the one folder that holds all of it; None if none does."""
        tops = {entry.name.split("/", 1)[0] for entry in self.entries}
        if len(tops) != 1 or not all("/" in entry.name for entry in self.entries):
            return None
        return replace(
            self,
            entries=tuple(
                replace(entry, name=entry.name.split("/", 1)[1]) for entry in self.entries
            ),
        )


@contextlib.contextmanager
def open_download(path: Path) -> Iterator[Download]:
    """The download at `path`. Hidden files and what a Mac adds (__MACOSX) are no part of it.

    Raises:
        ExchangeError: if there is nothing, or the archive is damaged or too large.
    """
    if path.is_dir():
        yield _folder(path)
    elif path.is_file():
        with _archive(path) as download:
            yield download
    else:
        message = f"{path}: no such file or folder"
        raise ExchangeError(message)


def _folder(path: Path) -> Download:
    entries, refused = [], []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith((".", "__MACOSX")) and not (Path(folder) / name).is_symlink()
        )
        for name in sorted(files):
            place = Path(folder) / name
            if name.startswith("."):
                continue
            shown = place.relative_to(path).as_posix()
            if place.is_symlink() or not place.is_file():
                refused.append(f"{shown}, which is a link or no file")
                continue
            entries.append(Entry(shown, place.stat().st_size, _reader(place)))
            if len(entries) > MAX_FILES:
                message = (
                    f"{path}: holds more than {MAX_FILES} files; is it the download of one"
                    " assignment?"
                )
                raise ExchangeError(message)
    return Download(path, tuple(entries), tuple(refused))


def _reader(place: Path) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        with place.open("rb") as file:
            return file.read(size)

    return read


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[Download]:
    if path.stat().st_size > MAX_DOWNLOAD_BYTES:
        message = f"{path}: is larger than {MAX_DOWNLOAD_BYTES / 1e9:g} GB"
        raise ExchangeError(message)
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(BoundedFile(path, MAX_DIRECTORY_BYTES))
            archive = stack.enter_context(zipfile.ZipFile(file))
            file.most_bytes = MAX_ARCHIVE_BYTES
        except DAMAGE as error:
            message = (
                f"{path}: is no folder and no .zip archive, or a damaged one: download it again"
            )
            raise ExchangeError(message) from error
        yield _members(path, archive)


def _members(path: Path, archive: zipfile.ZipFile) -> Download:
    members = [(member, _decoded_name(member)) for member in archive.infolist()]
    members = [
        (member, name) for member, name in members if not name.endswith("/") and not _hidden(name)
    ]
    if (
        len(members) > MAX_FILES
        or sum(member.file_size for member, _ in members) > MAX_UNPACKED_BYTES
    ):
        message = (
            f"{path}: holds more than {MAX_FILES} files, or unpacks to more than"
            f" {MAX_UNPACKED_BYTES / 1e9:g} GB"
        )
        raise ExchangeError(message)
    count = Counter(name for _, name in members)
    entries, refused = [], []
    for member, name in members:
        problem = member_problem(member, name) or (
            "which is there twice" if count[name] > 1 else ""
        )
        problem = problem or (
            f"a name of more than {MAX_NAME_CHARS} characters" if len(name) > MAX_NAME_CHARS else ""
        )
        if problem:
            refused.append(f"{name}, {problem}")
        else:
            entries.append(Entry(name, member.file_size, _unpacker(path, archive, member)))
    return Download(path, tuple(entries), tuple(dict.fromkeys(refused)))


def _unpacker(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        try:
            with archive.open(member) as packed:
                return packed.read(min(size, member.file_size + 1, MAX_ARCHIVE_BYTES + 1))
        except DAMAGE as error:
            message = f"{path}: {member.filename!a} in it is damaged: download it again"
            raise ExchangeError(message) from error

    return read


def _decoded_name(member: zipfile.ZipInfo) -> str:
    """Return a name in UTF-8 that zipfile has read as the DOS code page.

    Some packers write UTF-8 without saying so.
    """
    name = member_name(member)
    if not member.flag_bits & _UTF8_NAMES and not name.isascii():
        with contextlib.suppress(UnicodeError):
            return name.encode("cp437").decode("utf-8")
    return name


def _hidden(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith("__MACOSX") for part in parts) or any(
        part.startswith(".") and part != ".." for part in parts
    )
