"""Folders that no system made: nbgrader's ``{student}/{assignment}/``, a folder for each student,
or a file for each.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from autograder.exchange.lms.delivery import (
    NOTEBOOKS,
    Asked,
    Delivered,
    Delivery,
    IdKind,
    Person,
    same_text,
)
from autograder.exchange.nbgrader.timestamps import TIMESTAMP, parse_timestamp

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from autograder.exchange.lms.download import Download, Entry


def recognise(names: Sequence[str]) -> bool:
    """Tell whether there is anything to grade."""
    return any(PurePosixPath(name).suffix.lower() in NOTEBOOKS for name in names)


def name_key(name: str) -> str:
    """Names are as people write them."""
    return same_text(name)


def deliveries(download: Download, asked: Asked) -> Delivered:
    """Return one delivery for each first folder.

    Of files beside each other, there is one for each name.
    """
    download = _unwrapped(download)
    with_slug = {
        name.split("/")[0]
        for name in download.names
        if name.split("/")[1:2] == [asked.slug] and name.count("/") > 1
    }
    owners: dict[str, list[Entry]] = defaultdict(list)
    strange = []
    for entry in download.entries:
        top, *rest = entry.name.split("/")
        if top in with_slug and rest[0] != asked.slug:
            continue  # another assignment in nbgrader's layout
        if rest:
            owners[top].append(entry)
        elif PurePosixPath(top).suffix.lower() in NOTEBOOKS:
            owners[PurePosixPath(top).stem].append(entry)
        else:
            strange.append(entry.name)
    return Delivered(
        tuple(_delivery(owner, files) for owner, files in owners.items()), tuple(strange)
    )


def _unwrapped(download: Download) -> Download:
    """Strip the folder around all of it, if named as the archive or as nbgrader's folder.

    Any other may be a student's.
    """
    inside = download.inside()
    top = download.names[0].split("/")[0]
    return (
        inside
        if inside
        and top in (download.path.stem, "submitted", "submissions")
        and len(inside.entries) > 1
        else download
    )


def _delivery(owner: str, files: list[Entry]) -> Delivery:
    ids = tuple((kind, owner) for kind in (IdKind.STUDENT, IdKind.LOGIN, IdKind.EMAIL))
    moment = _moment(files)
    return Delivery(
        owner,
        (Person(name_key(owner), ids, owner),),
        tuple(file for file in files if PurePosixPath(file.name).name != TIMESTAMP),
        moment.isoformat() if moment else "",
        moment,
    )


def _moment(files: Sequence[Entry]) -> datetime.datetime | None:
    stamp = next((file for file in files if PurePosixPath(file.name).name == TIMESTAMP), None)
    return parse_timestamp(stamp.read(200).decode("ascii", "replace").strip()) if stamp else None
