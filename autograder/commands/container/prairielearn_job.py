"""One job of PrairieLearn's external grader: grade what a student handed in, with all checks, and
write results.json.

It runs in a container of the instructor's; the student's code runs under another user there, in the
sandbox.
"""

from __future__ import annotations

import datetime
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import Disclosure, open_assignment
from autograder.atomic import write_atomic
from autograder.commands.grade.submissions import Candidate
from autograder.commands.grade.whole_class import grade_class
from autograder.course.progress import Silent
from autograder.course.results import ResultsFolder
from autograder.errors import AssignmentError
from autograder.exchange.prairielearn import encoded, not_gradable, results_json
from autograder.execution.executor import Executor
from autograder.judgement.grade import Cause

if TYPE_CHECKING:
    from typing import Any

    from autograder.assignment import AssignmentFiles

_LOG = logging.getLogger(__name__)


def main(job: str) -> None:
    """Grade the job in folder `job` (PrairieLearn's is /grade).

    There are results whatever happens; what went wrong on our side stands in the log and not in
    them.
    """
    root = Path(job)
    try:
        results = grade_job(root, datetime.datetime.now(datetime.UTC))
    # the boundary of one submission: the student must get an answer
    except Exception:  # noqa: BLE001
        logging.basicConfig()
        _LOG.exception("grading failed")
        results = not_gradable(
            "The grader failed. It costs no points and no attempt: tell your instructor."
        )
    write_atomic(root / "results" / "results.json", encoded(results))


def grade_job(root: Path, now: datetime.datetime) -> dict[str, Any]:
    """results.json of the job in `root`, which holds the course in tests/course and the submission
    in student/.

    Raises:
        AssignmentError: if the course is wrong.
        SandboxError: if the container can't isolate student code as the assignment requires.
    """
    course = root / "tests" / "course"
    slugs = [path.parent.name for path in (course / "assignments").glob("*/assignment.toml")]
    if len(slugs) != 1:
        message = f"{course} should hold one assignment, not {len(slugs)}"
        raise AssignmentError(message)
    files = open_assignment(course, slugs[0])
    with (
        tempfile.TemporaryDirectory() as folder,
        Executor(1, files.assignment.isolation, packages=files.assignment.packages) as executor,
    ):
        (grade,) = grade_class(
            files,
            [_submission(files, root / "student")],
            ResultsFolder(Path(folder), files.slug),
            executor,
            Silent(),
        )
    late = files.assignment.due is not None and now > files.assignment.due
    return results_json(
        grade, Disclosure.FIX if late else files.assignment.disclosure, show_hidden=late
    )


def _submission(files: AssignmentFiles, folder: Path) -> Candidate:
    """The notebook of the assignment's name, or the only one."""
    found = sorted(
        path for path in folder.glob("*.ipynb") if path.is_file() and not path.is_symlink()
    )
    named = [path for path in found if path.stem == files.slug] or found
    if len(named) != 1:
        return Candidate("student", None, Cause.SEVERAL_NOTEBOOKS if named else Cause.NO_NOTEBOOK)
    return Candidate("student", named[0])
