"""Being told how far something is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listener that is told as things are done; from one thread."""

    def started(self, total: int) -> None:
        """Hear that `total` things are going to be done."""

    def done(self, what: object) -> None:
        """One more is, and on disk where it belongs there."""


class Silent:
    """A progress that tells nobody."""

    def started(self, total: int) -> None:
        """Nothing to show."""

    def done(self, what: object) -> None:
        """Nothing to show."""
