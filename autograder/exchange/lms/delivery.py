"""What one person or group handed in at one time, as a download says it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from autograder.exchange.lms.download import Entry


class SystemName(StrEnum):
    """Systems by the names that authors write."""

    GRADESCOPE = "gradescope"
    MOODLE = "moodle"
    BLACKBOARD = "blackboard"
    CANVAS = "canvas"
    FOLDER = "folder"


class IdKind(StrEnum):
    """Origin of an id: whose number or name it is."""

    CANVAS = "canvas_id"
    MOODLE = "moodle_id"
    LOGIN = "login"
    EMAIL = "email"
    STUDENT = "id"
    ANONYMOUS = "anonymous"
    """Canvas's for one assignment; nothing else is known of its bearer."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who handed in.

    `name` is as the system writes it in file names, for comparing; `handle` names the submission
    while there is no roster; `shown` is for lists.
    """

    name: str
    ids: tuple[tuple[IdKind, str], ...]
    handle: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files handed in together.

    `people` are several where a group handed in and the download names its members; else
    `people[0].name` may be a group's.

    `order` sorts the deliveries of one person, oldest first, and means nothing between systems.
    `submitted_at` has a zone, or is None where the download says nothing exact. `late` is what the
    system says, None if nothing. `label` is what a list calls it.
    """

    label: str
    people: tuple[Person, ...]
    files: tuple[Entry, ...]
    order: str = ""
    submitted_at: datetime.datetime | None = None
    late: bool | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """All deliveries of a download.

    `strange` are names of files that belong to none, `notes` sentences to the instructor.
    """

    deliveries: tuple[Delivery, ...]
    strange: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Facts that a system's module needs to read a download.

    The assignment's name, and the zone of times that name none (None: not known).
    """

    slug: str
    zone: datetime.tzinfo | None = None


NOTEBOOKS = (".ipynb", ".py", ".zip")
"""In the order in which they are taken where somebody handed in several kinds: a .zip is opened
only if there is nothing else.
"""
_COPY = re.compile(r"(?: ?\(\d+\))+$")
"""As browsers name a file that is there already."""


def base_of(name: str, slug: str) -> str:
    """Return the stem of a handed-in file without what a browser or Canvas added to it.

    "tiny (1).ipynb" and, where `slug` is tiny, "tiny-2.ipynb" are tiny.
    """
    stem = _COPY.sub("", PurePosixPath(name).stem)
    return slug if re.fullmatch(rf"{re.escape(slug)}-\d+", stem) else stem


def pick_notebooks(files: Sequence[Entry], slug: str) -> tuple[Entry, ...]:
    """Choose the files to grade; several are for a person to look at.

    The file named as the assignment, else all of the first kind there is (notebook, script,
    archive).
    """
    kinds = [
        [file for file in files if PurePosixPath(file.name).suffix.lower() == suffix]
        for suffix in NOTEBOOKS
    ]
    exact = [[file for file in kind if PurePosixPath(file.name).stem == slug] for kind in kinds]
    named = [[file for file in kind if base_of(file.name, slug) == slug] for kind in kinds]
    return tuple(next((kind for kind in (*exact[:2], *named[:2], *kinds) if kind), []))


def same_text(text: str) -> str:
    """Normalise a text for comparison: composed letters, single spaces, small letters.

    Accents stay: José is not Jose.
    """
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()
