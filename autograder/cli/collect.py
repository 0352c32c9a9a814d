"""Submissions out of a learning system's download: collect."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.options import CourseOption, Slug, open_course
from autograder.cli.terminal import terminal
from autograder.commands.collect.attempts import Take
from autograder.exchange.lms.delivery import SystemName

if TYPE_CHECKING:
    import datetime


def collect(
    assignment: Slug,
    download: Annotated[
        Path,
        typer.Argument(
            help=(
                "Bulk download of Canvas, Moodle, Blackboard or Gradescope, or a folder of"
                " submissions: a .zip or a folder."
            )
        ),
    ],
    course: CourseOption = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster",
            help=(
                "CSV with id, name and canvas_id, moodle_id, login, email, group; or a Canvas"
                " gradebook; or a Moodle worksheet."
            ),
            show_default=False,
        ),
    ] = None,
    take: Annotated[
        Take,
        typer.Option(
            "--take",
            help=(
                "Which attempt counts. 'best' collects all, and the exports choose once they are"
                " graded."
            ),
        ),
    ] = Take.NEWEST,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the submissions. Default: submitted/ in the course folder.",
            show_default=False,
        ),
    ] = None,
    system: Annotated[
        SystemName | None,
        typer.Option(
            "--from",
            help="What made the download. Default: told from its names.",
            show_default=False,
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            help="Of times that name none (Blackboard's), as in Europe/London.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Collect submissions from a download into submitted/, with a record of whose they are and
    where they came from.

    Exit code 1 if some could not be matched to the roster, or were refused or not on time: they are
    listed, and nothing is guessed.
    """
    from autograder.commands.collect.collection import Source, collect_download
    from autograder.commands.collect.summary import collection_lines, incomplete
    from autograder.people.roster import read_roster

    files = open_course(course, assignment)
    zone = _zone(timezone)
    people = read_roster(roster) if roster else None
    root = output or files.course / "submitted"
    done = collect_download(files, Source(download, people, take, system, zone), root)
    console = terminal()
    for line in collection_lines(done, root):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if incomplete(done) else 0)


def _zone(name: str | None) -> datetime.tzinfo | None:
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = (
            f"no time zone is called {name!r}; names are as in Europe/London, America/New_York"
            " or UTC"
        )
        raise typer.BadParameter(message) from error
