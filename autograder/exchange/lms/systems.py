"""The systems whose downloads are understood, in the order in which a download is tried on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autograder.errors import ExchangeError
from autograder.exchange.lms import blackboard, canvas, gradescope_download, moodle, plain_folder
from autograder.exchange.lms.delivery import Asked, Delivered, SystemName
from autograder.exchange.lms.download import Download


@dataclass(frozen=True, slots=True)
class System:
    """Functions that tell a system's download, read it, and write a name as it does."""

    name: SystemName
    recognise: Callable[[Sequence[str]], bool]
    deliveries: Callable[[Download, Asked], Delivered]
    name_key: Callable[[str], str]


SYSTEMS = (
    System(
        SystemName.GRADESCOPE,
        gradescope_download.recognise,
        gradescope_download.deliveries,
        gradescope_download.name_key,
    ),
    System(SystemName.MOODLE, moodle.recognise, moodle.deliveries, moodle.name_key),
    System(SystemName.BLACKBOARD, blackboard.recognise, blackboard.deliveries, blackboard.name_key),
    System(SystemName.CANVAS, canvas.recognise, canvas.deliveries, canvas.name_key),
    System(
        SystemName.FOLDER, plain_folder.recognise, plain_folder.deliveries, plain_folder.name_key
    ),
)


def system_of(download: Download, named: SystemName | None) -> tuple[System, Download]:
    """Return the system that made `download`, or the one `named`, and the download.

    The download comes without a folder around all of it where the system makes none.

    Raises:
        ExchangeError: if no system's names are found.
    """
    for system in SYSTEMS:
        if named not in (None, system.name):
            continue
        for layer in (download, download.inside()):
            if layer is not None and system.recognise(layer.names):
                return system, layer
    wanted = (
        f"as {named} names them"
        if named
        else "as Canvas, Moodle, Blackboard or Gradescope name them, nor notebooks in folders"
    )
    message = f"{download.path}: no submissions {wanted}"
    raise ExchangeError(message)
