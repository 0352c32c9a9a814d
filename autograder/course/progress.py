"""Being told how far something is, and what is to be shown: what commands ask of a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Listener that is told as things are done; from one thread."""

    def started(self, total: int) -> None:
        """Hear that `total` things are going to be done."""

    def done(self, what: object) -> None:
        """Hear that one more thing is done, and on disk where it belongs there."""


class Bar(Progress, Protocol):
    """A progress that knows how much there was."""

    total: int


class Show(Protocol):
    """Place where a command says what it has found."""

    def line(self, text: str, *, whole: bool = False) -> None:
        """Show a line; a `whole` one is not broken, so that a path in it can be copied."""

    def warning(self, text: str) -> None:
        """Show what an instructor should know."""

    def alarm(self, text: str) -> None:
        """Show what an instructor must not overlook."""

    def table(self, table: object) -> None:
        """Show a table of `rich`."""

    def progress(self, title: str) -> AbstractContextManager[Bar]:
        """Show how far something is, as long as it lasts."""


class Silent:
    """A progress that tells nobody."""

    def started(self, total: int) -> None:
        """Show nothing."""

    def done(self, what: object) -> None:
        """Show nothing."""
