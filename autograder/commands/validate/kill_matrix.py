"""What `autograder validate` shows: the kill matrix, and in words what is wrong with the checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autograder.commands.validate.validation import Fate, Trial, Validation

if TYPE_CHECKING:
    from rich.table import Table

SYMBOLS = {
    Fate.KILLED: "x",
    Fate.RAISED: "!",
    Fate.SURVIVED: "[red]o[/]",
    Fate.UNAFFECTED: "·",
    Fate.NOT_RUN: " ",
    Fate.UNKNOWN: "[red]?[/]",
}
MANY = 24
"""Above it, columns of their own would not fit into a terminal."""

LEGEND = (
    "x loses points   ! loses points by an error   o passes, although its run differs   · its run"
    " is the reference's   blank: its long cell was not run, since another check told it   ? could"
    " not be judged"
)


def kill_matrix(validation: Validation) -> Table:
    """Draw one row for each mistake, one column for each check.

    Many checks have one character each, under the last digits of their numbers.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for title in ("mistake", "rows", "in"):
        table.add_column(title, no_wrap=True)
    numbers = range(1, len(validation.checks) + 1)
    narrow = len(numbers) > MANY
    if narrow:
        table.add_column("".join(str(number % 10) for number in numbers), overflow="fold")
    else:
        for number in numbers:
            table.add_column(str(number), no_wrap=True, justify="center", min_width=2)
    for trial in validation.trials:
        name = trial.mistake.id if trial.killed else f"[bold red]{trial.mistake.id}[/]"
        rows = ",".join(map(str, trial.mistake.rows))
        fates = [SYMBOLS[fate] for fate in trial.fates]
        table.add_row(name, rows, trial.mistake.function, *(["".join(fates)] if narrow else fates))
    return table


def lines(validation: Validation) -> Iterator[str]:
    """Yield everything but the matrix, in plain text."""
    yield LEGEND
    yield "   ".join(f"{number} {check}" for number, check in enumerate(validation.checks, 1))
    yield ""
    yield f"Reference  {validation.reference:g} of {validation.points:g} points"
    yield from (f"           {line}" for line in validation.broken)
    given = (
        f", for {', '.join(validation.stub_passes)}: passed with nothing written"
        if validation.stub_passes
        else ""
    )
    yield f"Stub       {validation.stub:g} points{given}"
    if validation.asked:
        yield (
            f"Questions  {validation.asked:g} more points are for answers that a person marks: no"
            " part of what is said here"
        )
    killed = sum(trial.killed for trial in validation.trials)
    yield (
        f"Mistakes   {killed} of {len(validation.trials)} lose points, in"
        f" {validation.seconds:.0f} s"
    )
    if validation.equivalents:
        yield (
            f"Equivalent {len(validation.equivalents) - len(validation.accused)} of"
            f" {len(validation.equivalents)} right programs keep all points"
        )
    for trial in validation.accused:
        lost = [
            check
            for check, fate in zip(validation.checks, trial.fates, strict=True)
            if fate in (Fate.KILLED, Fate.RAISED)
        ]
        yield f"Accused    {_told(trial)}. It is right, and loses {', '.join(lost)}"
    for trial in validation.excused:
        yield f"Excused    {_told(trial)}. {trial.mistake.survives}"
    for trial in validation.trials:
        if trial.killed and trial.mistake.survives:
            yield f"Excused    {trial.mistake.id} needs no excuse any more: it loses points"
    for trial in validation.survivors:
        if trial.inert:
            yield (
                f"Inert      {_told(trial)}. Its runs are the reference's: add a call that tells"
                " it, or excuse it"
            )
        else:
            yield f"Survives   {_told(trial)}. Sharpen a check marked o, or excuse it"
    yield "Validated." if validation.passed else "Not validated."


def _told(trial: Trial) -> str:
    mistake = trial.mistake
    return f"{mistake.id}: {mistake.function} {mistake.name} (solution line {mistake.line})"
