"""What commands write to the terminal: tables, a progress bar, log lines; all of it plain, since it
may quote students.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from autograder import __version__

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

VERSION = f"autograder (GradStep) {__version__}"


def terminal(width: int | None = None) -> Console:
    """Standard output; `width` in columns where it is not the terminal's own."""
    from rich.console import Console

    return Console(width=width)


class Bar:
    """A progress bar with the time left, drawn only once something is being done."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title, self.total = console, title, 0
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def started(self, total: int) -> None:
        """Show the bar."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        if self._progress is not None:  # something is done again, by the same bar
            self._progress.stop()
        self.total = total
        columns = (
            TextColumn(self._title),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self._console)
        self._progress.start()
        self._task = self._progress.add_task(self._title, total=total)

    def done(self, _: object) -> None:
        """Move the bar one step."""
        if self._progress is not None:
            self._progress.advance(self._task)


class Terminal:
    """A `Show` on standard output. All of it is plain, since it may quote students."""

    def __init__(self) -> None:
        self._console = terminal()

    def line(self, text: str, *, whole: bool = False) -> None:
        """Show a line; a `whole` one is left for the terminal to break."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=whole)

    def warning(self, text: str) -> None:
        """Show it after a word in yellow."""
        self._console.print("[yellow]Warning:[/] ", end="")
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def alarm(self, text: str) -> None:
        """Show it in red."""
        self._console.print(text, style="bold red", markup=False, highlight=False)

    def table(self, table: Any) -> None:
        """Show a table."""
        self._console.print(table)

    def progress(self, title: str) -> Bar:
        """Return a bar, drawn only once something is being done."""
        return Bar(self._console, title)


def plain_text(text: str) -> str:
    """Make a text that may quote a student's fit for a terminal."""
    from autograder.reports.plain import plain

    return plain(text)


class _PlainFormatter(logging.Formatter):
    """Format log lines and tracebacks without terminal escapes.

    They may quote names and errors of students.
    """

    def format(self, record: logging.LogRecord) -> str:
        return plain_text(super().format(record))


def log_plainly() -> None:
    """Warnings and errors to standard error, without terminal escapes."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
