"""A notebook inside a .zip: found and read in memory under limits; nothing is ever written under a
name from the archive.
"""

from __future__ import annotations

import errno
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.notebooks.reading.unreadable import Unreadable, UnreadableNotebook

MAX_ARCHIVE_BYTES = 100_000_000
MAX_MEMBERS = 1_000
MAX_DIRECTORY_BYTES = 1_000_000
"""Of the archive's table of contents, which zipfile reads at once: an object of half a kilobyte for
46 bytes.
"""
MAX_UNPACKED_BYTES = 500_000_000
"""Of all members as the archive declares them, though only the notebook is unpacked."""
MAX_RATIO = 200
"""Notebooks with much output shrink to a fiftieth; DEFLATE can't do better than 1032, which is what
bombs come near to.
"""
RATIO_COUNTS_FROM_BYTES = 1_000_000
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""Zipfile fails in all of these ways on what is no archive."""
_ENCRYPTED = 0x1 | 0x40
_AGAIN = "Make a new .zip of your .ipynb file, or hand in the .ipynb file itself"


@dataclass(frozen=True, slots=True)
class Packed:
    """A file out of an archive: its name there, and its bytes."""

    name: str
    data: bytes


class BoundedFile(io.FileIO):
    """A file of which no single read is larger than `most_bytes`.

    zipfile reads the table of contents in one, by a size that the archive claims. Members are read
    by sizes that were checked, under a limit of their own.
    """

    def __init__(self, path: Path, most_bytes: int = MAX_DIRECTORY_BYTES) -> None:
        super().__init__(path)
        self.most_bytes = most_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises zipfile.BadZipFile for more than `most_bytes`."""
        limit = self.most_bytes if size is None or size < 0 else size
        if limit > self.most_bytes:
            message = "a table of contents that is too large"
            raise zipfile.BadZipFile(message)
        return super().read(limit) or b""


def notebook_in_archive(
    path: Path, suffixes: Sequence[str], preferred: str, max_bytes: int
) -> Packed:
    """Return the notebook in the .zip at `path`.

    It is the one named `preferred`, else the only one of the first of `suffixes` that there is.

    Raises:
        UnreadableNotebook: if there is none, or several, or the archive is damaged or made to harm.
        OSError: if the disk fails; that is not the student's fault.
    """
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise _refused(path, f"is larger than {MAX_ARCHIVE_BYTES / 1e6:g} MB", Unreadable.TOO_LARGE)
    try:
        with BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members, path)
            chosen = _choose(members, suffixes, preferred, path)
            if chosen.file_size > max_bytes:
                raise _too_large(path, chosen.filename, max_bytes)
            file.most_bytes = MAX_ARCHIVE_BYTES
            with archive.open(chosen) as packed:
                data = packed.read(chosen.file_size + 1)  # no more than it declares is unpacked
    except DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a seek to where an archive claims that something is
            raise
        raise _damaged(path, error) from error
    return Packed(chosen.filename, data)


def _check(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    if len(members) > MAX_MEMBERS:
        raise _refused(
            path, f"holds {len(members)} files, more than {MAX_MEMBERS}", Unreadable.TOO_LARGE
        )
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise _refused(
            path, f"unpacks to more than {MAX_UNPACKED_BYTES / 1e6:g} MB", Unreadable.TOO_LARGE
        )
    names: set[str] = set()
    for member in members:
        name = member_name(member)
        if problem := member_problem(member, name):
            raise _refused(path, f"holds {_shown(name)}, {problem}")
        if name in names:
            raise _refused(path, f"holds {_shown(name)} twice")
        names.add(name)


def member_problem(member: zipfile.ZipInfo, name: str) -> str:
    """Say why no student's archive needs such a member; empty if it is harmless."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    # others unpack without a bound on memory
    usual = member.compress_type in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    )
    problems = (
        (name.startswith("/") or re.match(r"[A-Za-z]:", name), "a name from the root of a disk"),
        (
            ".." in name.split("/") or "\0" in member.orig_filename,
            "a name that leads out of the archive",
        ),
        (kind == stat.S_IFLNK, "which is a link"),
        (
            kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK),
            "which is a device or something else that is no file",
        ),
        (member.flag_bits & _ENCRYPTED, "which is locked with a password"),
        (not usual, "which is packed in an unusual way"),
        (
            member.file_size > max(RATIO_COUNTS_FROM_BYTES, MAX_RATIO * member.compress_size),
            f"which unpacks to more than {MAX_RATIO} times its size",
        ),
    )
    return next((problem for found, problem in problems if found), "")


def _choose(
    members: Sequence[zipfile.ZipInfo], suffixes: Sequence[str], preferred: str, path: Path
) -> zipfile.ZipInfo:
    own = list(_own(members))
    found = [member for member in own if _suffix(member) in suffixes]
    choice = [member for member in found if PurePosixPath(member_name(member)).stem == preferred]
    for suffix in suffixes:
        choice = choice or [member for member in found if _suffix(member) == suffix]
    if len(choice) == 1:
        return choice[0]
    if choice:
        names = ", ".join(_shown(member_name(member)) for member in choice[:3]) + (
            " and others" if len(choice) > 3 else ""
        )
        problem = f"holds several notebooks ({names}). Hand in the one that counts"
        raise UnreadableNotebook(path, Unreadable.SEVERAL_NOTEBOOKS, problem)
    nested = next(
        (
            f": there is {_shown(member_name(member))}, and archives in archives are not opened"
            for member in own
            if _suffix(member) in ARCHIVES
        ),
        "",
    )
    raise UnreadableNotebook(path, Unreadable.NO_NOTEBOOK, f"holds no notebook{nested}. {_AGAIN}")


def _own(members: Sequence[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
    """Return the student's files.

    Folders, Jupyter's checkpoints, and what a Mac adds (__MACOSX, .DS_Store) are left out.
    """
    for member in members:
        name = member_name(member)
        if not name.endswith("/") and not any(
            part.startswith((".", "__")) for part in name.split("/")
        ):
            yield member


def member_name(member: zipfile.ZipInfo) -> str:
    """The member's name with slashes, as Windows' own packer does not write it."""
    return member.filename.replace("\\", "/")


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member_name(member)).suffix.lower()


def _shown(name: str) -> str:
    return ascii(name[:80])


def _too_large(path: Path, name: str, max_bytes: int) -> UnreadableNotebook:
    return _refused(
        path,
        f"holds {_shown(name)}, which is larger than {max_bytes / 1e6:g} MB. Clear its outputs and"
        " save it",
        Unreadable.TOO_LARGE,
    )


def _damaged(path: Path, error: Exception) -> UnreadableNotebook:
    return _refused(path, f"is no .zip archive, or a damaged one ({ascii(str(error))[1:-1][:100]})")


def _refused(
    path: Path, problem: str, reason: Unreadable = Unreadable.ARCHIVE_REFUSED
) -> UnreadableNotebook:
    return UnreadableNotebook(path, reason, f"{problem}. {_AGAIN}")
