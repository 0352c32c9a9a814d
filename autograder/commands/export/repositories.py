"""What is written for other systems to run: workflows for students' repositories, and a question
for PrairieLearn.

A student's repository gets nothing but the visible checks, which `release` has written.
PrairieLearn's container is the instructor's, and gets the whole assignment.
"""

from __future__ import annotations

import html
import json
import shlex
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import autograder
from autograder.atomic import write_atomic
from autograder.commands.export.packaging import tree
from autograder.course.draws import refuse_variants
from autograder.course.hardware import refuse_gpu
from autograder.errors import ExchangeError
from autograder.reports.rendering import filled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.assignment import AssignmentFiles

_NAMESPACE = uuid.UUID("6f1f6c6e-5d0a-4a43-9f0e-2f2a5f0d6a11")
_READABLE, _RUNNABLE = 0o644, 0o755
GREATEST_TIMEOUT_S = 600
"""PrairieLearn allows no more."""
_STARTING_S = 120
"""For imports and the reference, which runs beside each submission."""


def export_github(files: AssignmentFiles, folder: Path, grader: str) -> tuple[Path, ...]:
    """Write the workflow for students' repositories, and Classroom 50's autograder.py; returns
    their paths. `grader` is what pip installs GradStep from, "" for this version of it.

    Raises:
        ExchangeError: if another file is in the way.
        AssignmentError: if the assignment has variants.
    """
    refuse_variants(files, "GitHub")
    words = _words(files, grader)
    return _write(
        {
            folder / ".github" / "workflows" / "gradstep.yml": filled("ci/github.yml", words),
            folder / "classroom50" / files.slug / "autograder.py": filled(
                "ci/autograder.py", words
            ),
        }
    )


def export_gitlab(files: AssignmentFiles, folder: Path, grader: str) -> tuple[Path, ...]:
    """Write .gitlab-ci.yml for students' repositories; the rest as `export_github`."""
    refuse_variants(files, "GitLab")
    return _write({folder / ".gitlab-ci.yml": filled("ci/gitlab.yml", _words(files, grader))})


def export_prairielearn(
    files: AssignmentFiles, folder: Path, grader: str, image: str
) -> tuple[Path, ...]:
    """Write a question folder, which holds the solution and is for the instructor's course
    repository, and a Dockerfile for `image`; the rest as `export_github`.

    Raises:
        AssignmentError: if the assignment has variants.
    """
    refuse_variants(files, "PrairieLearn")
    refuse_gpu(files, "PrairieLearn")
    words = _words(files, grader)
    question = folder / "questions" / files.slug
    course = question / "tests" / "course"
    info = {
        "uuid": str(uuid.uuid5(_NAMESPACE, files.slug)),
        "title": files.assignment.title,
        "topic": "GradStep",
        "type": "v3",
        "gradingMethod": "External",
        "externalGradingOptions": {
            "enabled": True,
            "image": image,
            "entrypoint": "/grade/tests/run.sh",
            "timeout": min(GREATEST_TIMEOUT_S, 2 * files.assignment.limits.wall_s + _STARTING_S),
        },
    }
    texts: dict[Path, str | bytes] = {
        question / "info.json": json.dumps(info, indent=2, ensure_ascii=False) + "\n",
        question / "question.html": filled(
            "prairielearn/question.html", {**words, "title": html.escape(files.assignment.title)}
        ),
        question / "tests" / "run.sh": filled("prairielearn/run.sh", words),
        folder / "Dockerfile": filled("prairielearn/Dockerfile", words),
    }
    for source in (files.folder, files.solution.parent):
        texts |= {
            course / source.relative_to(files.course) / name: data for name, data in tree(source)
        }
    return _write(texts)


def _words(files: AssignmentFiles, grader: str) -> dict[str, str]:
    """What stands in templates.

    Raises:
        ExchangeError: for requirements that can't stand on one line.
    """
    requirements: Sequence[str] = [
        grader or f"gradstep=={autograder.__version__}",
        *files.assignment.packages,
    ]
    if odd := [
        one
        for one in requirements
        if not one.isprintable() or not one.strip() or one.startswith("-")
    ]:
        message = f"{odd[0]!r} is nothing that can be installed"
        raise ExchangeError(message)
    return {
        "slug": files.slug,
        "requirements": " ".join(map(shlex.quote, requirements)),
        "requirement_list": json.dumps(requirements),
    }


def _write(texts: Mapping[Path, str | bytes]) -> tuple[Path, ...]:
    """Write all files or none; scripts can be run.

    Raises:
        ExchangeError: if a file with another content is in the way, or a folder can't be written.
    """
    contents = {
        path: text.encode() if isinstance(text, str) else text for path, text in texts.items()
    }
    try:
        if taken := [
            str(path)
            for path, content in contents.items()
            if path.exists() and path.read_bytes() != content
        ]:
            message = (
                f"there already with another content, and never overwritten: {', '.join(taken)}"
            )
            raise ExchangeError(message)
        for path, content in contents.items():
            write_atomic(path, content)
            path.chmod(_RUNNABLE if path.suffix == ".sh" else _READABLE)
    except OSError as error:
        message = f"can't write {error.filename}: {error.strerror}"
        raise ExchangeError(message) from error
    return tuple(contents)
