"""Blackboard Learn: the .zip of "Assignment File Download" in.

Files are named ``{assignment}_{username}_attempt_{Y-m-d-H-M-S}_{file}``, with a receipt that ends
right after the time, in ``.txt``, for each attempt. A group's attempts have the group's name in the
place of the username. The time is the server's own, without a zone. A receipt begins with Name,
Assignment and Date Submitted, which ends in a zone's letters; only GMT and UTC are the same
everywhere, and are believed. What follows may be the student's own words and is not read.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.exchange.lms.delivery import Asked, Delivered, Delivery, IdKind, Person, same_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograder.exchange.lms.download import Download, Entry

_NAME = re.compile(
    r"^(?P<head>[^/]+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>[^/]+)|(?P<receipt>\.txt))$"
)
_BEARER = re.compile(r"^Name:\s*(?P<name>.*?)\s*(?:\((?P<login>[^()]*)\))?\s*$")
_OWN_WORDS = "Submission Field:"
RECEIPT_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """Content of Blackboard's receipt.

    The name, the username ("" for a group), the assignment's title, and whether its times are UTC.
    """

    name: str
    login: str
    assignment: str
    utc: bool = False


def recognise(names: Sequence[str]) -> bool:
    """Tell whether most names are Blackboard's."""
    return 2 * sum(_NAME.match(name) is not None for name in names) > len(names)


def name_key(name: str) -> str:
    """Blackboard keeps names as they are."""
    return same_text(name)


def deliveries(download: Download, asked: Asked) -> Delivered:
    """Return one delivery for each attempt."""
    attempts: dict[tuple[str, str], list[tuple[re.Match[str], Entry]]] = defaultdict(list)
    strange = []
    for entry in download.entries:
        match = _NAME.match(entry.name)
        if match is None:
            strange.append(entry.name)
        else:
            attempts[match["head"], match["when"]].append((match, entry))
    receipts = {
        key: read_receipt(entry.read(RECEIPT_BYTES))
        for key, files in attempts.items()
        for match, entry in files
        if match["receipt"]
    }
    titles = {receipt.assignment for receipt in receipts.values()}
    found = []
    for (head, when), files in attempts.items():
        receipt = receipts.get((head, when))
        person = _person(head, receipt, titles)
        if person is None:
            strange += [entry.name for _, entry in files]
            continue
        uploads = tuple(entry for match, entry in files if not match["receipt"])
        found.append(
            Delivery(
                f"{person.handle}, attempt of {when}",
                (person,),
                uploads,
                when,
                _moment(when, datetime.UTC if receipt and receipt.utc else asked.zone),
            )
        )
    return Delivered(tuple(found), tuple(strange), _notes(found, asked))


def read_receipt(data: bytes) -> Receipt:
    """The receipt's first lines; empty words where they are missing."""
    text = data.decode("utf-8-sig", "replace").partition(_OWN_WORDS)[0]
    bearer = next((match for line in text.splitlines() if (match := _BEARER.match(line))), None)
    assignment = next(
        (
            line.partition(":")[2].strip()
            for line in text.splitlines()
            if line.startswith("Assignment:")
        ),
        "",
    )
    submitted = next((line for line in text.splitlines() if line.startswith("Date Submitted:")), "")
    utc = submitted.split()[-1] in ("GMT", "UTC") if submitted else False
    return Receipt(
        bearer["name"] if bearer else "",
        (bearer["login"] or "").strip() if bearer else "",
        assignment,
        utc,
    )


def _person(head: str, receipt: Receipt | None, titles: Iterable[str]) -> Person | None:
    """Return the person who made an attempt; None if unknown.

    Without its own receipt, the username is what follows the assignment's title, or the only
    underscore.
    """
    if receipt and receipt.login and head.endswith(f"_{receipt.login}"):
        return Person(
            name_key(receipt.name), ((IdKind.LOGIN, receipt.login),), receipt.login, receipt.name
        )
    login = next(
        (
            head.removeprefix(f"{title}_")
            for title in titles
            if title and head.startswith(f"{title}_")
        ),
        "",
    )
    if not login and head.count("_") == 1:
        login = head.partition("_")[2]
    if not login:
        return None
    return Person(name_key(login), ((IdKind.LOGIN, login),), login)


def _moment(when: str, zone: datetime.tzinfo | None) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.strptime(when, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=zone)
    except ValueError:
        return None
    return moment if zone else None


def _notes(found: Sequence[Delivery], asked: Asked) -> tuple[str, ...]:
    unknown = sum(delivery.submitted_at is None for delivery in found)
    if asked.zone or not unknown:
        return ()
    return (
        (
            f"the times of {unknown} of {len(found)} attempts name no zone, so nobody of them is"
            " called late and their times are not kept: --timezone Europe/London, for example,"
            " says which"
        ),
    )
