"""The recipe of a container that grades, for machines that can't isolate students' code
themselves.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from autograder.atomic import write_atomic
from autograder.commands.export.packaging import installed, needed, package
from autograder.reports.rendering import filled

if TYPE_CHECKING:
    from pathlib import Path


def export_container(folder: Path) -> tuple[Path, ...]:
    """Write a Dockerfile into `folder`, and beside it this package and what it needs; nothing of a
    course. Returns the paths of what is to be read.

    Raises:
        ExchangeError: if this package is not installed, so that nothing is known of what it needs.
    """
    requirements, constraints = needed(("nbgrader",))  # for the gradebook
    words = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "torch": installed("torch"),
        "folder": shlex.quote(str(folder)),
    }
    for name, data in package():
        write_atomic(folder / "package" / name, data)
    written = {
        "Dockerfile": filled("container/Dockerfile", words).encode(),
        "requirements.txt": requirements,
        "constraints.txt": constraints,
    }
    for name, data in written.items():
        write_atomic(folder / name, data)
    return tuple(folder / name for name in written)
