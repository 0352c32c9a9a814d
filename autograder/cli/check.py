"""Checking one notebook by its visible checks, as students and their CI do: check."""

from __future__ import annotations

import datetime
import logging
import os
import secrets
import stat
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.errors import AutograderError

if TYPE_CHECKING:
    from autograder.reports.check_report import CheckReport

FORMATS = ("text", "markdown", "json", "github")

_LOG = logging.getLogger(__name__)


def check(
    notebook: Annotated[
        Path, typer.Argument(help="Your notebook (.ipynb), a .py percent script, or a .zip of one.")
    ],
    checks: Annotated[
        Path | None,
        typer.Option(
            "--checks",
            help=(
                "The file of checks that was released beside the notebook. Default: the only one in"
                " the notebook's folder."
            ),
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--format",
            help=(
                "What is printed: text, markdown, json, or github (text, and annotations of the"
                " notebook's cells)."
            ),
        ),
    ] = "text",
    junit: Annotated[
        Path | None,
        typer.Option("--junit", help="Write JUnit XML to this file.", show_default=False),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(
            "--summary",
            help='Append Markdown to this file, such as "$GITHUB_STEP_SUMMARY".',
            show_default=False,
        ),
    ] = None,
    classroom50: Annotated[
        Path | None,
        typer.Option(
            "--classroom50",
            help="Write Classroom 50's result.json to this file.",
            show_default=False,
        ),
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(
            "--isolation",
            help=(
                "'none' runs the notebook without a sandbox, as where there can't be one (macOS,"
                " Windows)."
            ),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a notebook and its visible checks, without the course: what you would see of them when
    you are graded.

    Exit code 0 if all pass, 1 if some do not, 2 for wrong use, 3 if this machine could not run
    them.
    """
    if output not in FORMATS:
        message = f"--format takes {', '.join(FORMATS)}, not {output!r}"
        raise typer.BadParameter(message)
    if isolation not in (None, "none"):
        message = f"--isolation takes only 'none', not {isolation!r}"
        raise typer.BadParameter(message)
    if not notebook.is_file():
        message = f"{notebook}: no such file"
        raise AutograderError(message)
    from autograder.exchange.github import commands, pause, resume

    token = (
        secrets.token_hex(32)
        if output == "github" or (output != "json" and _read_by_actions())
        else ""
    )
    try:
        if token:
            # where something goes wrong it stays so: messages may quote the notebook
            _print(pause(token))
        report = _checked(notebook, checks or _beside(notebook), sandbox=isolation is None)
        _print(_shown(report, output))
        _write(report, notebook, junit, summary, classroom50)
    except AutograderError:
        raise
    except (
        Exception
    ) as error:  # Python's own exit code for it, 1, would say that some checks do not pass
        _LOG.exception("%s could not be checked", notebook.name)
        raise typer.Exit(3) from error
    if token:
        _print(resume(token))
    for line in commands(report, notebook.as_posix()) if output == "github" else ():
        _print(line)
    raise typer.Exit(exit_code(report))


def exit_code(report: CheckReport) -> int:
    """0 if all checks pass, 1 if some do not; 3 if the machine could not make one, whatever the
    others say.
    """
    return 3 if report.ungradable else 0 if report.passed else 1


def _read_by_actions() -> bool:
    """Whether GitHub's runner looks for commands in what is printed, and it does not go into a
    file.
    """
    try:
        into_file = stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        into_file = False
    return os.environ.get("GITHUB_ACTIONS") == "true" and not into_file


def _beside(notebook: Path) -> Path:
    """The file of checks in the notebook's folder: the one of its name, else the only one.

    Raises:
        AutograderError: if there is none, or several.
    """
    from autograder.commands.release.checks_file import SUFFIX

    found = sorted(notebook.resolve().parent.glob(f"*{SUFFIX}"))
    named = [path for path in found if path.stem == notebook.stem]
    if len(named or found) == 1:
        return (named or found)[0]
    problem = (
        f"there are several ({', '.join(path.name for path in found)})"
        if found
        else "there is none"
    )
    message = (
        f"{notebook}: needs the file of checks that was released with it (its name ends in"
        f" {SUFFIX}), and beside it {problem}. Name it with --checks"
    )
    raise AutograderError(message)


def _checked(notebook: Path, checks: Path, *, sandbox: bool) -> CheckReport:
    from autograder.commands.check.one_notebook import check_notebook
    from autograder.commands.release.checks_file import open_checks
    from autograder.execution.choosing import own_executor

    with tempfile.TemporaryDirectory(prefix="gradstep-", ignore_cleanup_errors=True) as folder:
        opened = open_checks(checks, Path(folder))
        assignment = opened.manifest.assignment
        if missing := [name for name in assignment.packages if not _is_installed(name)]:
            _LOG.warning(
                "this assignment uses packages that are not installed here: %s", ", ".join(missing)
            )
        with own_executor(
            assignment.packages, sandbox=sandbox, device=assignment.device
        ) as executor:
            return check_notebook(opened, notebook, executor, datetime.datetime.now(datetime.UTC))


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _shown(report: CheckReport, output: str) -> str:
    from autograder.exchange.github import SUMMARY_BYTES
    from autograder.reports.check_report import as_json, markdown, text_lines

    if output == "json":
        return as_json(report)
    return (
        markdown(report, SUMMARY_BYTES) if output == "markdown" else "\n".join(text_lines(report))
    )


def _write(
    report: CheckReport,
    notebook: Path,
    junit: Path | None,
    summary: Path | None,
    classroom50: Path | None,
) -> None:
    """The files that were asked for.

    Raises:
        AutograderError: if one can't be written.
    """
    from autograder.atomic import write_atomic

    try:
        if junit is not None:
            from autograder.reports.junit import junit_xml

            write_atomic(junit, junit_xml(report, notebook.as_posix()))
        if summary is not None:
            from autograder.exchange.github import SUMMARY_BYTES
            from autograder.reports.check_report import markdown

            taken = summary.stat().st_size if summary.exists() else 0
            with summary.open("a", encoding="utf-8") as file:
                file.write(markdown(report, max(0, SUMMARY_BYTES - taken)))
        if classroom50 is not None:
            import msgspec

            from autograder.exchange.github import result_json, submitted

            result = result_json(report, submitted(os.environ, datetime.datetime.now(datetime.UTC)))
            write_atomic(classroom50, msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    except OSError as error:
        message = f"can't write {error.filename}: {error.strerror}"
        raise AutograderError(message) from error


def _print(text: str) -> None:
    """At once, so that it stands in the right order beside what goes to standard error; signs that
    the terminal does not have become question marks.
    """
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
