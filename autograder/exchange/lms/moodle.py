"""Moodle: "Download all submissions" in, the offline grading worksheet in and out.

Names are those of Moodle's own packer (mod/assign): ``{Full
name}_{number}_assignsubmission_file/...``, a folder for each student (from 3.1 on; the folder ended
in ``_`` in older ones), or all files in one folder with that as a prefix. The number is that of
"Participant N" in the worksheet. With blind marking the name is "Participant". Where groups hand
in, name and number are the *group's*, so a number alone is not trusted: the name has to agree.

The importer (assignfeedback_offline) reads Identifier, Grade, Last modified (grade) and feedback
columns, and skips, without a word, grades above the maximum.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import Asked, Delivered, Delivery, IdKind, Person, same_text
from autograder.exchange.lms.score_sheet import Column, Held, ScoreRow, ScoreSheet, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.exchange.lms.download import Download, Entry
    from autograder.exchange.lms.sheet import Sheet

_FOLDER = re.compile(
    r"^(?P<name>[^_/]*?)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)_?$"
)
_FLAT = re.compile(
    r"^(?P<name>[^_/]*?)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)_(?P<file>[^/]+)$"
)
_CLEANED = re.compile(r"[?*:\"<>|/\\\x00-\x1f]")
_IDENTIFIER = re.compile(r"^.*?(\d+)$")
BLIND = "participant"
KEPT = (
    "identifier", "full name", "id number", "email address", "username", "department", "institution", "status", "group", "marker", "grade",
    "maximum grade", "scale", "marking workflow state", "grade can be changed", "last modified (submission)", "last modified (grade)",
)  # fmt: skip
"""Columns of a file for import.

Feedback and online texts are left out: what the file does not have, Moodle leaves as it is, and an
apostrophe before a formula would change it.
"""
IDS = {
    "identifier": IdKind.MOODLE,
    "email address": IdKind.EMAIL,
    "id number": IdKind.STUDENT,
    "username": IdKind.LOGIN,
}


def recognise(names: Sequence[str]) -> bool:
    """Tell whether most names are Moodle's."""
    return 2 * sum(_parse(name) is not None for name in names) > len(names)


def name_key(name: str) -> str:
    """Return `name` as Moodle writes it in a file name."""
    return same_text(_CLEANED.sub("", name.replace("_", " ")))


def participant(number: str) -> str:
    """The N of "Participant N", or of N itself; "" if there is none."""
    match = _IDENTIFIER.match(number.strip())
    return match[1].lstrip("0") if match else ""


def deliveries(download: Download, _: Asked) -> Delivered:
    """Return one delivery for each student or group."""
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    names: dict[tuple[str, str], str] = {}
    strange = []
    for entry in download.entries:
        match = _parse(entry.name)
        if match is None:
            strange.append(entry.name)
            continue
        key = (name_key(match["name"]), match["number"] or "")
        names.setdefault(key, match["name"].strip())
        found[key].append(entry)
    return Delivered(
        tuple(_delivery(key, names[key], files) for key, files in found.items()), tuple(strange)
    )


def _parse(name: str) -> re.Match[str] | None:
    parts = PurePosixPath(name).parts
    return _FLAT.match(name) if len(parts) == 1 else _FOLDER.match(parts[0])


def _delivery(key: tuple[str, str], name: str, files: list[Entry]) -> Delivery:
    number = key[1]
    ids = ((IdKind.MOODLE, participant(number)),) if number else ()
    handle = f"{name}_{number}" if number else name
    blind = key[0] == BLIND
    return Delivery(
        handle, (Person("" if blind else key[0], ids, handle, "" if blind else name),), tuple(files)
    )


def score_sheet(sheet: Sheet, _: Column) -> ScoreSheet:
    """The worksheet's rows.

    Raises:
        ExchangeError: if it is no grading worksheet.
    """
    places = {name.casefold(): place for place, name in enumerate(sheet.header)}
    if missing := [
        name for name in ("identifier", "grade", "last modified (grade)") if name not in places
    ]:
        message = (
            f"{sheet.path}: is no grading worksheet of Moodle: it has no column"
            f" {missing[0].capitalize()!r}. Download it in Moodle, with English as your language:"
            " View all submissions, Download grading worksheet"
        )
        raise ExchangeError(message)
    grade, maximum, changeable = (
        places["grade"],
        places.get("maximum grade"),
        places.get("grade can be changed"),
    )
    most = (
        {read_number(row.cells[maximum]) for row in sheet.rows} - {None}
        if maximum is not None
        else set()
    )
    rows = []
    for row in sheet.rows:
        ids = tuple(
            (kind, row.cells[places[name]].strip())
            for name, kind in IDS.items()
            if name in places and row.cells[places[name]].strip()
        )
        ids = tuple(
            (kind, participant(text) if kind is IdKind.MOODLE else text) for kind, text in ids
        )
        locked = changeable is not None and row.cells[changeable].strip().casefold() == "no"
        name = (
            row.cells[places["full name"]]
            if "full name" in places
            else row.cells[places["identifier"]]
        )
        rows.append(
            ScoreRow(row, ids, name, read_number(row.cells[grade]), Held.LOCKED if locked else None)
        )
    numbers = [
        row.cells[place] for row in sheet.rows for place in (grade, maximum) if place is not None
    ]
    return ScoreSheet(
        sheet,
        grade,
        most.pop() if len(most) == 1 else None,
        tuple(rows),
        (),
        tuple(place for name, place in places.items() if name in KEPT),
        comma=any(re.fullmatch(r"\d+,\d+", text.strip()) for text in numbers),
    )
