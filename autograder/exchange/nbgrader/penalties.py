"""Penalties for late submissions, as nbgrader's own plugin makes them of its due dates, extensions
and timestamps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.exchange.nbgrader.course_folder import NbgraderCourse


def assign_penalties(db: Any, course: NbgraderCourse, submitted: Sequence[tuple[Any, str]]) -> None:
    """Set `late_submission_penalty` of nbgrader's SubmittedNotebook rows.

    Each row comes with its student's id. The penalty is between 0 and the score, None where there
    is none.

    Source: nbgrader.preprocessors.AssignLatePenalties, which does it for one notebook in a
    transaction of its own.

    Raises:
        ExchangeError: if the course's plugin can't be made, or raises.
    """
    from nbgrader.preprocessors import AssignLatePenalties  # heavy, optional: pulls in JupyterLab

    try:
        preprocessor = AssignLatePenalties(config=course.config)
        preprocessor.init_plugin()
    except Exception as error:  # whatever the course's own plugin raises
        message = f"{course.root}: nbgrader's plugin for late submissions can't be made: {error}"
        raise ExchangeError(message) from error
    db.flush()
    for notebook, student in submitted:
        late_s = notebook.assignment.total_seconds_late
        penalty = None
        if late_s > 0:
            db.refresh(notebook)  # its score is summed up by the database
            penalty = _ask(preprocessor.plugin_inst, student, notebook.score, late_s)
        notebook.late_submission_penalty = (
            None if penalty is None else min(max(penalty, 0.0), notebook.score)
        )


def _ask(plugin: Any, student: str, score: float, late_s: float) -> float | None:
    try:
        penalty = plugin.late_submission_penalty(student, score, late_s)
        return None if penalty is None else float(penalty)
    except Exception as error:  # the course's own code again
        message = (
            f"nbgrader's plugin for late submissions raised for {student}: {type(error).__name__}:"
            f" {error}"
        )
        raise ExchangeError(message) from error
