"""Arguments that several commands take, and what they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.assignment import open_assignment

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles

Slug = Annotated[
    str, typer.Argument(metavar="ASSIGNMENT", help="Name of a folder in assignments/.")
]
CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        help=(
            "Course folder (holds assignments/ and solutions/). Default: this folder or the nearest"
            " one above."
        ),
        show_default=False,
    ),
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="Where results go. Default: results/ in the course folder.",
        show_default=False,
    ),
]
GradebookOption = Annotated[
    str,
    typer.Option(
        "--gradebook",
        metavar="URL",
        envvar="AUTOGRADER_GRADEBOOK",
        help=(
            "SQLAlchemy URL of nbgrader's gradebook, as postgresql+psycopg://user@host/grades."
            " Default: what nbgrader_config.py says, else gradebook.db."
        ),
        show_default=False,
    ),
]
EvidenceOption = Annotated[
    str,
    typer.Option(
        "--evidence",
        metavar="PLACE",
        envvar="AUTOGRADER_EVIDENCE",
        help=(
            "Where evidence is kept: a folder, or a URL that fsspec opens, as s3://bucket/course."
            " Default: evidence/ in the results folder."
        ),
        show_default=False,
    ),
]

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
"""That this process may use; 1 where the system can't tell."""


def open_course(course: Path | None, slug: str) -> AssignmentFiles:
    """Assignment `slug` of the course that `course_of` finds.

    Raises:
        AssignmentError: if there is none, or a file of it is wrong.
    """
    return open_assignment(course_of(course), slug)


def course_of(course: Path | None) -> Path:
    """`course`, or the nearest folder from here upwards that holds assignments/, or here."""
    root = course or next(
        (
            folder
            for folder in (Path.cwd(), *Path.cwd().parents)
            if (folder / "assignments").is_dir()
        ),
        Path.cwd(),
    )
    return root.resolve()
