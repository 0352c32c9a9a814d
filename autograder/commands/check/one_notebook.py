"""Checking one notebook where there is no course: the visible checks of a file of checks, judged
and told as grading does.

What only the grader can do is left out: judging later parts with a right function in place of a
wrong one, and asking the reference for gradients.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from autograder.assignment import Disclosure
from autograder.checks.docket import open_docket
from autograder.commands.check.own_findings import own_findings
from autograder.commands.check.places import places_of
from autograder.commands.grade.finish import finish, make_grade
from autograder.commands.grade.submissions import Candidate
from autograder.commands.grade.unrun import UNREADABLE, grade_unrun
from autograder.course.judging import find_run, make_judge, repeats
from autograder.course.plan import plan_execution
from autograder.course.prepare import Prepared
from autograder.errors import AutograderError
from autograder.evidence.limits import Device
from autograder.evidence.trace import Ended
from autograder.execution.retry import run_again
from autograder.judgement.calibration import calibration_path, doubt, read_calibration
from autograder.judgement.grade import Cause, Grade
from autograder.notebooks.reading.submission import UnreadableNotebook, read_submission
from autograder.reports.check_report import CheckReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autograder.checks.docket import CheckSpec, Docket
    from autograder.commands.release.checks_file import Checks
    from autograder.evidence.trace import Evidence
    from autograder.execution.runner import Runner
    from autograder.judgement.grade import CheckResult
    from autograder.notebooks.reading.submission import Submission
    from autograder.reports.check_report import Place

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """What came out: the grade by visible checks, where in the file each lost one points to, and
    how grading will differ.
    """

    grade: Grade
    places: Mapping[str, Place] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Checker:
    checks: Checks
    prepared: Prepared
    runner: Runner

    def check(self, notebook: Path) -> _Found:
        """Check it, whatever it holds."""
        try:
            return self._check(notebook)
        except (AutograderError, OSError):
            raise
        # as in grading: a fault of ours is no fault of the notebook's
        except Exception:  # noqa: BLE001
            _LOG.exception("checking %s failed", notebook.name)
            return _Found(self._without_run(notebook, Cause.MACHINE_FAILED, ""))

    def _without_run(self, notebook: Path, cause: Cause, message: str) -> Grade:
        candidate = Candidate("", notebook)
        slug = self.checks.manifest.slug
        return grade_unrun(self.prepared.judge, slug, candidate, cause, message)

    def _check(self, notebook: Path) -> _Found:
        manifest, candidate = self.checks.manifest, Candidate("", notebook)
        if missing := self.runner.device.missing:
            return _Found(self._without_run(notebook, Cause.NO_DEVICE, missing))
        try:
            submission = read_submission(
                notebook, self.checks.release, manifest.owners, preferred=manifest.slug
            )
        except UnreadableNotebook as error:
            return _Found(
                self._without_run(
                    notebook, UNREADABLE.get(error.reason, Cause.UNREADABLE), str(error)
                )
            )
        evidence = self._run(submission)
        grade = make_grade(self.prepared, candidate, submission, evidence, "")
        explain = partial(
            own_findings,
            self.checks.files,
            self.prepared.judge,
            evidence=evidence,
            runner=self.runner,
            blind=manifest.blind,
        )
        judged = len(grade.checks)
        grade = finish(grade, self.prepared, evidence, submission.notebook, explain)
        told = grade.checks[:judged]
        specs = self.prepared.judge.specs
        errors = {
            spec.id: run.error
            for spec in specs
            if (run := find_run(evidence, spec)) is not None and run.error is not None
        }
        places = places_of(
            notebook, submission, told, {spec.id: spec.function for spec in specs}, errors
        )
        remarks = (
            _remarks(self.checks, told, specs) if evidence.ending.reason is Ended.FINISHED else ()
        )
        remarks += self._doubt()
        return _Found(grade, places, remarks)

    def _doubt(self) -> tuple[str, ...]:
        """Where the assignment's tolerances were measured on another GPU than is here."""
        path = calibration_path(self.checks.files.folder)
        measured = (
            read_calibration(path)
            if self.checks.manifest.assignment.device is Device.CUDA
            else None
        )
        if measured is None or not doubt(path, measured.torch, self.runner.device.name):
            return ()
        return (
            (
                f"You are graded on {measured.device}, and this is {self.runner.device.name}: a"
                " check that fails here by a little may pass there, and the other way round."
            ),
        )

    def _run(self, submission: Submission) -> Evidence:
        judge, files, holds = self.prepared.judge, self.checks.files, submission.rebound
        plan = plan_execution(
            files, judge.specs, [(cell.id, cell.source) for cell in submission.cells], holds
        )
        follow_up = repeats(files, judge, holds)
        return run_again(lambda: self.runner.run(plan.key, plan.request, plan.calls, follow_up))


def check_notebook(
    checks: Checks, notebook: Path, runner: Runner, now: datetime.datetime
) -> CheckReport:
    """Run `notebook` and judge it by the visible checks.

    `now`, with a time zone, decides whether the due date has passed, after which fixes are told.

    Raises:
        SandboxError: if nothing can be run here.
        AssignmentError: if the checks can't be collected here, as when a package that they import
            is missing.
        OSError: if the notebook can't be read from disk.
    """

    def body(docket: Docket) -> CheckReport:
        assignment = checks.manifest.assignment
        prepared = Prepared(
            checks.files,
            make_judge(docket, assignment, checks.reference),
            checks.release,
            checks.manifest.owners,
            (),
        )
        found = _Checker(checks, prepared, runner).check(notebook)
        return CheckReport(
            title=assignment.title,
            grade=found.grade,
            disclosure=(
                Disclosure.FIX
                if assignment.due is not None and now > assignment.due
                else assignment.disclosure
            ),
            places=found.places,
            left_out=tuple((one.title, one.reason) for one in checks.manifest.left_out),
            remarks=found.remarks,
        )

    return open_docket(checks.files, body)


def _remarks(
    checks: Checks, results: Sequence[CheckResult], specs: Sequence[CheckSpec]
) -> tuple[str, ...]:
    """Where grading may judge a lost check with right functions in place of the student's own: also
    checks that are not shown decide that.
    """
    where = {
        name: index
        for index, part in enumerate(checks.manifest.assignment.parts)
        for name in part.functions
    }
    lost = {spec.function for spec, result in zip(specs, results, strict=True) if result.lost}
    lent = [
        name
        for name in checks.manifest.given
        if name in where and any(where[other] > where[name] for other in lost)
    ]
    if not lent:
        return ()
    return (
        (
            f"Here later parts are checked with your own {', '.join(lent)}. Where"
            f" {'that is' if len(lent) == 1 else 'one of those is'} wrong, you are graded with a"
            " right one in its place."
        ),
    )
