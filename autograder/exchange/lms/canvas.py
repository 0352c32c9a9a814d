"""Canvas: submissions.zip in, the gradebook's CSV in and out.

File names are those of Canvas' own packer (lib/content_zipper.rb): ``{sortable name}_[LATE_]{user
id}_{attachment id}_{file}``, the name in small letters without anything but letters and digits;
``anon_{anonymous id}`` in the place of name and user id; of a group, the group's name and the user
id of one member; text entries and links end in ``_text.html`` and ``_link.html``. A file that is
handed in again under its name gets ``-1``, ``-2``.

The importer (lib/gradebook_importer.rb) finds students by ID and assignments by the number in
"Title (number)", and changes only the columns that a file has.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import (
    NOTEBOOKS,
    Asked,
    Delivered,
    Delivery,
    IdKind,
    Person,
    base_of,
    same_text,
)
from autograder.exchange.lms.score_sheet import Column, Held, ScoreRow, ScoreSheet, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.exchange.lms.download import Download, Entry
    from autograder.exchange.lms.sheet import Sheet

_NAME = re.compile(
    r"^(?:(?!LATE_)(?P<name>.+?)_)?(?P<late>LATE_)?(?:anon_(?P<anon>[^_]+)|(?P<uid>\d+))_(?:(?P<att>\d+)_(?P<file>.+)|(?P<kind>text|link)\.html)$"
)
_RESUBMITTED = re.compile(r"-\d+$")
_ASSIGNMENT = re.compile(r"^(?P<title>.*) \((?P<id>\d+)\)$", re.DOTALL)
_EXCUSED = "EX"
_NOT_ASSIGNED = "N/A"
IDS = {"ID": IdKind.CANVAS, "SIS Login ID": IdKind.LOGIN, "SIS User ID": IdKind.STUDENT}


def recognise(names: Sequence[str]) -> bool:
    """Tell whether there are notebooks, and Canvas named every file that may be one."""
    own = [
        name
        for name in names
        if "/" not in name
        and (PurePosixPath(name).suffix.lower() in NOTEBOOKS or _NAME.match(name))
    ]
    return bool(own) and all(map(_NAME.match, own)) and not any("/" in name for name in names)


def name_key(name: str) -> str:
    """Return `name` as Canvas writes it in a file name."""
    return re.sub(r"\W", "", unicodedata.normalize("NFC", name)).casefold()


def deliveries(download: Download, asked: Asked) -> Delivered:
    """Return one delivery for each user, or for each time that a user handed in.

    The latter where a file is there under its name and again with -1, -2.
    """
    users: dict[str, list[tuple[re.Match[str], Entry]]] = defaultdict(list)
    strange = []
    for entry in download.entries:
        match = _NAME.match(entry.name)
        if match is None:
            strange.append(entry.name)
        else:
            users[match["uid"] or f"anon_{match['anon']}"].append((match, entry))
    found = [
        delivery for user, files in users.items() for delivery in _of_user(user, files, asked.slug)
    ]
    return Delivered(tuple(found), tuple(strange))


def _of_user(user: str, files: list[tuple[re.Match[str], Entry]], slug: str) -> list[Delivery]:
    first = files[0][0]
    kind = IdKind.ANONYMOUS if first["anon"] else IdKind.CANVAS
    handle = user if first["anon"] else "_".join(part for part in (first["name"], user) if part)
    person = Person(name_key(first["name"] or ""), ((kind, user.removeprefix("anon_")),), handle)
    late = any(match["late"] for match, _ in files)
    uploads = sorted(
        ((int(match["att"]), match["file"], entry) for match, entry in files if match["att"]),
        key=lambda upload: upload[0],
    )
    return [
        Delivery(
            handle,
            (person,),
            tuple(entry for _, _, entry in upload),
            f"{max((number for number, _, _ in upload), default=0):020}",
            None,
            late,
        )
        for upload in _times(uploads, slug)
    ]


def _times(uploads: list[tuple[int, str, Entry]], slug: str) -> list[list[tuple[int, str, Entry]]]:
    """Return uploads (attachment id, file, entry) by the time they were handed in, oldest first.

    A file with -1 replaces the one without, and what has no other stays with the newest.
    """
    stems = {PurePosixPath(file).stem for _, file, _ in uploads}
    by_base: dict[tuple[str, str], list[tuple[int, str, Entry]]] = defaultdict(list)
    for upload in uploads:
        path = PurePosixPath(upload[1])
        bare = _RESUBMITTED.sub("", path.stem)
        base = (
            base_of(path.name, slug)
            if base_of(path.name, slug) == slug
            else bare
            if bare in stems
            else path.stem
        )
        by_base[base, path.suffix.lower()].append(upload)
    count = max((len(group) for group in by_base.values()), default=1)
    return [
        [group[-back] for group in by_base.values() if len(group) >= back]
        for back in range(count, 0, -1)
    ]


def is_gradebook(header: Sequence[str]) -> bool:
    """Tell whether these are a gradebook's columns.

    Where Canvas shows last names first, there are two columns for names.
    """
    return "ID" in header and "Section" in header and header[0] in ("Student", "LastName")


def score_sheet(sheet: Sheet, wanted: Column) -> ScoreSheet:
    """The gradebook's rows, and the column of one assignment.

    Raises:
        ExchangeError: if it is no gradebook, or which column is meant can't be told.
    """
    header = sheet.header
    if not is_gradebook(header):
        message = (
            f"{sheet.path}: is no gradebook of Canvas: it has no columns Student, ID and Section."
            " Download it in Canvas: Grades, Export, Export Entire Gradebook"
        )
        raise ExchangeError(message)
    column = _column(sheet, wanted)
    points = next((row for row in sheet.rows if "Points Possible" in row.cells[0]), None)
    possible = read_number(points.cells[column]) if points else None
    places = {kind: header.index(name) for name, kind in IDS.items() if name in header}
    keep = [*range(header.index("Section") + 1), column]
    fixed, rows = [], []
    for row in sheet.rows:
        if row is points or _about_columns(row.cells):
            fixed.append(row)
        elif row.cells[places[IdKind.CANVAS]].isdigit():
            ids = tuple(
                (kind, row.cells[place]) for kind, place in places.items() if row.cells[place]
            )
            held = {_EXCUSED: Held.EXCUSED, _NOT_ASSIGNED: Held.NOT_ASSIGNED}.get(
                row.cells[column].strip().upper()
            )
            rows.append(ScoreRow(row, ids, row.cells[0], read_number(row.cells[column]), held))
    return ScoreSheet(sheet, column, possible, tuple(rows), tuple(fixed), tuple(keep))


def _column(sheet: Sheet, wanted: Column) -> int:
    titles = {
        number: match
        for number, name in enumerate(sheet.header)
        if (match := _ASSIGNMENT.match(name))
    }
    if wanted.named:
        found = [
            number
            for number, match in titles.items()
            if wanted.named in (match[0], match["title"], match["id"])
        ]
    else:
        found = [
            number
            for number, match in titles.items()
            if same_text(match["title"]) in map(same_text, wanted.titles)
        ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(repr(match[0]) for match in titles.values()) or "none"
    asked = repr(wanted.named) if wanted.named else " or ".join(map(repr, wanted.titles))
    message = (
        f"{sheet.path}: {'no assignment' if not found else 'several assignments'} titled {asked};"
        f' name one with --column "TITLE (NUMBER)". There are: {known}'
    )
    raise ExchangeError(message)


def _about_columns(cells: Sequence[str]) -> bool:
    """The row that says which assignments are posted by hand."""
    return all(
        re.fullmatch(r"\s*(?:Muted|Manual Posting.*)?\s*", cell, re.IGNORECASE) for cell in cells
    )
