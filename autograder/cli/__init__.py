"""The command line: parsing, progress, exit codes.

Heavy modules are imported inside the commands, so that ``autograder --help`` answers in a blink.

Exit codes: 0 done; 1 done, but some submission is ungradable, could not be collected or not be
exported, or checks failed their test; 2 wrong use, or the assignment's own files are wrong; 3 the
machine can't isolate student code as required; 130 interrupted.

`check` is for students and their CI: 0 all visible checks pass; 1 some do not; 2 wrong use, or a
file of checks that can't be read; 3 the machine could not run the notebook, or a check could not be
made.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from autograder.atomic import is_disk_failure
from autograder.cli import (
    calibrate,
    check,
    collect,
    doctor,
    export,
    grade,
    import_,
    new,
    release,
    validate,
)
from autograder.cli.terminal import VERSION, log_plainly, plain_text
from autograder.errors import AssignmentError, AutograderError, SandboxError

app = typer.Typer(
    name="autograder",
    help=(
        "GradStep: release and grade deep-learning assignments. Student code runs in a sandbox; the"
        " training itself is judged."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer's signature
    if value:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options of all commands together; the help above is the application's."""


COMMANDS = (
    new.init,
    new.new,
    validate.validate,
    calibrate.calibrate,
    release.release,
    grade.grade,
    grade.regrade,
    doctor.doctor,
    collect.collect,
    check.check,
)

for command in COMMANDS:
    app.command()(command)
app.add_typer(export.export)
app.add_typer(import_.imports)


def main() -> None:
    """Entry point: our own errors become one message and an exit code, anything else a traceback to
    report.
    """
    log_plainly()
    try:
        app()
    except OSError as error:
        if not (is_disk_failure(error) or isinstance(error, PermissionError)):
            raise
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(
            plain_text(
                f"error: {place}{error.strerror}. What is written is whole; mend that, and the same"
                " command goes on"
            ),
            err=True,
        )
        sys.exit(2)
    except SandboxError as error:
        typer.echo(plain_text(f"error: {error}"), err=True)
        sys.exit(3)
    except AutograderError as error:
        typer.echo(
            plain_text(
                f"{'assignment error' if isinstance(error, AssignmentError) else 'error'}: {error}"
            ),
            err=True,
        )
        sys.exit(2)
