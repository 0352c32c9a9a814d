"""What processes run below a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def below(pid: int) -> Iterator[tuple[int, str]]:
    """Processes that `pid` has started, directly or not, with their command lines."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return
    for child in children:
        try:
            yield child, Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
        yield from below(child)
