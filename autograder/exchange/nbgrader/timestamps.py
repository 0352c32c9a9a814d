"""nbgrader's timestamp.txt: when a submission was handed in."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from pathlib import Path

TIMESTAMP = "timestamp.txt"


def submitted_at(folder: Path) -> str:
    """Read the time of handing in from nbgrader's timestamp.txt, ISO 8601 in UTC.

    "" where that says nothing.
    """
    try:
        with (folder / TIMESTAMP).open("rb") as file:
            text = file.read(200).decode("ascii", "replace").strip()
    except OSError:
        return ""
    moment = parse_timestamp(text)
    return moment.isoformat() if moment else ""


def parse_timestamp(text: str) -> datetime.datetime | None:
    """Read "2026-11-20 10:00:00.000000 UTC", or ISO 8601.

    In the place of UTC there may be +0100, a zone's name or nothing (UTC).
    """
    match = re.fullmatch(
        r"(\d{4}-\d\d-\d\d["
        r" T]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s*(Z|[+-]\d\d:?\d\d|[A-Za-z][\w/+-]*)?",
        text,
    )
    if match is None:
        return None
    zone = match[2] or "UTC"
    try:
        if zone[0] in "+-":
            return datetime.datetime.fromisoformat(f"{match[1]}{zone}").astimezone(datetime.UTC)
        key = "UTC" if zone in ("Z", "UTC", "GMT") else zone
        return (
            datetime.datetime.fromisoformat(match[1])
            .replace(tzinfo=datetime.UTC if key == "UTC" else zoneinfo.ZoneInfo(key))
            .astimezone(datetime.UTC)
        )
    except (ValueError, OverflowError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def timestamp_text(moment: datetime.datetime) -> str:
    """Write a moment as nbgrader does, in UTC."""
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n"
