"""Grades of submissions that were not run: there was nothing to run, it could not be read, or there
was nothing to run it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

import autograder
from autograder.commands.grade.finish import with_marks
from autograder.commands.grade.marking import unread
from autograder.course.hardware import DEVICE
from autograder.course.judging import Judge
from autograder.evidence.trace import Ended, Ending, Evidence
from autograder.judgement.grade import Cause, Grade, Provenance
from autograder.notebooks.reading.submission import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.commands.grade.submissions import Candidate
    from autograder.course.results import ResultsFolder


UNREADABLE = {
    Unreadable.WRONG_KERNEL: Cause.WRONG_KERNEL,
    Unreadable.NO_NOTEBOOK: Cause.NO_NOTEBOOK,
    Unreadable.SEVERAL_NOTEBOOKS: Cause.SEVERAL_NOTEBOOKS,
}
"""Causes of submissions that can't be read; all other reasons are UNREADABLE."""


@dataclass(frozen=True, slots=True)
class Unrun:
    """Grades without running.

    `context` is a hash of all that grades depend on besides the submission.
    """

    files: AssignmentFiles
    judge: Judge
    results: ResultsFolder
    context: str

    def grade(self, candidate: Candidate, cause: Cause, message: str) -> Grade:
        """The grade of what could not be run, all checks for the same cause."""
        # of an earlier submission
        self.results.executed_path(candidate.student).unlink(missing_ok=True)
        grade = grade_unrun(
            self.judge, self.files.slug, candidate, cause, message, context=self.context
        )
        # on which the grade stays true
        hardware = {DEVICE: self.files.hardware} if self.files.hardware else {}
        provenance = msgspec.structs.replace(grade.provenance, environment=hardware)
        return msgspec.structs.replace(grade, provenance=provenance)

    def all_without_device(self, candidates: Sequence[Candidate], missing: str) -> Iterator[Grade]:
        """Write a grade for each, since the GPU is `missing`: ungradable, and run by the next
        grading where there is one.
        """
        for candidate in candidates:
            nothing = candidate.path is None
            cause = (candidate.problem or Cause.NO_NOTEBOOK) if nothing else Cause.NO_DEVICE
            grade = self.grade(candidate, cause, "" if nothing else missing)
            grade = with_marks(grade, self.results.read_grade(candidate.student))
            self.results.write_grade(grade)
            yield grade


def grade_unrun(
    judge: Judge, slug: str, candidate: Candidate, cause: Cause, message: str, *, context: str = ""
) -> Grade:
    """Return the grade of a submission without a run: all checks and questions for `cause`."""
    checks = judge.all_for(cause, message) + unread(judge.assignment, cause, message)
    return Grade(
        candidate.student,
        slug,
        checks,
        (),
        str(cause),
        Provenance(autograder.__version__, candidate.digest(), "", context),
        candidate.submitted_at,
        late=candidate.late,
    )


def judge_of_nothing(files: AssignmentFiles, docket: Docket) -> Judge:
    """A judge without the reference's runs: it can only say of all checks that they were not
    made.
    """
    return Judge(docket, files.assignment, Evidence("", (), (), Ending(Ended.NO_DEVICE)), {})
