"""Gradescope: "Export Submissions" in: ``assignment_N_export/submission_metadata.yml`` and a folder
``submission_M`` for each submission.

The metadata are YAML that Ruby wrote: keys are symbols (``:submitters``), and values may carry
Ruby's tags, which are read as plain values. Several submitters are a group.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import Asked, Delivered, Delivery, IdKind, Person, same_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.exchange.lms.download import Download, Entry

METADATA = "submission_metadata.yml"
METADATA_BYTES = 200_000_000
"""It quotes the output of every autograder run."""


def recognise(names: Sequence[str]) -> bool:
    """Tell whether Gradescope's metadata are there."""
    return METADATA in names


def name_key(name: str) -> str:
    """Gradescope keeps names as they are."""
    return same_text(name)


def deliveries(download: Download, _: Asked) -> Delivered:
    """Return one delivery for each submission, with all its submitters.

    Raises:
        ExchangeError: if the metadata are no such YAML.
    """
    metadata = next(entry for entry in download.entries if entry.name == METADATA)
    content = read_metadata(metadata.read(METADATA_BYTES), f"{download.path}: {METADATA}")
    files: dict[str, list[Entry]] = defaultdict(list)
    for entry in download.entries:
        if entry is not metadata:
            files[entry.name.split("/", 1)[0]].append(entry)
    found = tuple(_delivery(name, about, files.pop(name, [])) for name, about in content.items())
    return Delivered(found, tuple(entry.name for entries in files.values() for entry in entries))


def read_metadata(data: bytes, where: str) -> dict[str, Mapping[Any, Any]]:
    """Read Gradescope's metadata of each submission, by its folder's name.

    Raises:
        ExchangeError: naming `where` and the line.
    """
    import yaml  # comes with jupytext; slow to import

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Reads Ruby's objects as the plain values that they are written as, and makes none."""

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return (
            loader.construct_sequence(node, deep=True)
            if isinstance(node, yaml.SequenceNode)
            else loader.construct_scalar(node)
        )

    Loader.add_multi_constructor("!ruby/", plain)
    try:
        content = yaml.load(data, Loader)  # noqa: S506  (a safe loader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        message = (
            f"{where}{f':{mark.line + 1}' if mark else ''}: is not the YAML that Gradescope exports"
            f" ({getattr(error, 'problem', '') or type(error).__name__})"
        )
        raise ExchangeError(message) from error
    if not isinstance(content, dict) or not all(
        isinstance(about, dict) for about in content.values()
    ):
        message = f"{where}: is not a table of submissions"
        raise ExchangeError(message)
    return {str(name): about for name, about in content.items()}


def _delivery(name: str, about: Mapping[Any, Any], files: Sequence[Entry]) -> Delivery:
    submitters = _value(about, "submitters")
    people = (
        tuple(_person(one) for one in submitters if isinstance(one, dict))
        if isinstance(submitters, list)
        else ()
    )
    moment = _value(about, "created_at")
    exact = moment if isinstance(moment, datetime.datetime) and moment.tzinfo else None
    return Delivery(
        name,
        people,
        tuple(files),
        exact.astimezone(datetime.UTC).isoformat() if exact else "",
        exact,
    )


def _person(about: Mapping[Any, Any]) -> Person:
    name, sid, email = (str(_value(about, key) or "").strip() for key in ("name", "sid", "email"))
    ids = tuple(
        (kind, text) for kind, text in ((IdKind.STUDENT, sid), (IdKind.EMAIL, email)) if text
    )
    return Person(name_key(name), ids, sid or email or name, name)


def _value(about: Mapping[Any, Any], key: str) -> Any:
    """Under the symbol or the plain name."""
    return about.get(f":{key}", about.get(key))
