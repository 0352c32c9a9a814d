"""From evidence to the results of checks, and what to run again first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autograder.course.graded_tests import verdict_of_cell
from autograder.course.plan import rerun_batches
from autograder.evidence.trace import Ended, RunStatus
from autograder.judgement.grade import ENDINGS, RULINGS, STATUSES, Cause, CheckResult, Outcome
from autograder.judgement.observation import Observation
from autograder.judgement.points import of_check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from autograder.assignment import Assignment, AssignmentFiles
    from autograder.checks.docket import CheckSpec, Docket
    from autograder.course.replaying import Replayer
    from autograder.evidence.protocol import CallBatch
    from autograder.evidence.trace import ErrorReport, Evidence, Run
    from autograder.judgement.observation import Replayed


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges evidence of one assignment.

    `broken` are checks that raise on the reference itself, with what they raised; `replayer`
    replays training by minibatches; `tests` are the test cells that give points by their own run,
    by id, with their hidden tests.
    """

    docket: Docket
    assignment: Assignment
    reference: Evidence
    broken: dict[str, str]
    replayer: Replayer | None = None
    tests: Mapping[str, str] = field(default_factory=dict)

    @property
    def specs(self) -> tuple[CheckSpec, ...]:
        """All checks, in file order."""
        return self.docket.specs

    def results(self, evidence: Evidence) -> tuple[CheckResult, ...]:
        """Judge every check on `evidence`."""
        missing = _missing_package(evidence)
        replays = self.replays(evidence)
        return tuple(
            self._review(self._result(spec, evidence, replays), missing) for spec in self.specs
        )

    def replays(self, evidence: Evidence) -> dict[str, Replayed]:
        """Replay by the reference every run by minibatches to be judged, by the run's id."""
        if self.replayer is None:
            return {}
        asked = [
            (spec.call, run)
            for spec in self.specs
            if spec.call is not None
            and (run := find_run(evidence, spec)) is not None
            and run.batches
        ]
        return self.replayer.replay(asked)

    def all_for(self, cause: Cause, message: str = "") -> tuple[CheckResult, ...]:
        """The results when nothing could be run, all for the same cause."""
        return tuple(self._settle(spec, cause, message) for spec in self.specs)

    def to_repeat(
        self, results: Sequence[CheckResult]
    ) -> tuple[tuple[CheckSpec, ...], dict[str, tuple[str, ...]]]:
        """Return checks whose run is made again, alone, before their judgement counts.

        With them come the given definitions for each.

        Also the given definitions for each.

        That is what failed, or was not reached although definitions of an earlier part that lost
        points can be given in the student's place. A call that hung or ended the process would only
        do so again.
        """
        again, given = [], {}
        losing = [
            (spec, result)
            for spec, result in zip(self.specs, results, strict=True)
            if _loses(result)
        ]
        lost = {spec.function for spec, _ in losing}
        for spec, result in losing:
            names = self._givable(spec, lost)
            if names:
                given[spec.id] = names
            if names or (
                spec.call is not None
                and result.cause in (Cause.DISAGREES, Cause.RAISED, Cause.CHECK_RAISED)
            ):
                again.append(spec)
        return tuple(again), given

    def _givable(self, spec: CheckSpec, lost: set[str]) -> tuple[str, ...]:
        """Return definitions of earlier parts that may be given and whose own checks lost points.

        Of test cells that give points themselves, the one run counts.
        """
        names: list[str] = []
        if spec.graded:
            return ()
        for part in self.assignment.parts:
            if spec.function in part.functions:
                return tuple(names)
            names += [name for name in part.given if name in lost]
        return ()

    def _result(
        self, spec: CheckSpec, evidence: Evidence, replays: Mapping[str, Replayed]
    ) -> CheckResult:
        if spec.id in self.broken:
            return self._settle(spec, Cause.CHECK_BROKEN, "")
        run = find_run(evidence, spec)
        if run is None:
            return self._settle(spec, Cause.CELL_MISSING if spec.cell else Cause.MACHINE_FAILED, "")
        cause, message = cause_of_run(run, evidence)
        points = 0.0
        if cause is Cause.AGREES or (
            spec.graded and run.status is RunStatus.RAISED
        ):  # an assert that fails is what a test cell is for
            model = find_run(self.reference, spec)
            assert model is not None, f"the reference has no run of {spec.run_id}"
            observed = Observation(
                run,
                replayed=replays.get(run.id),
                graded=verdict_of_cell(evidence, spec, self.tests),
            )
            verdict = self.docket.judge(
                spec,
                observed,
                Observation(model, graded=verdict_of_cell(self.reference, spec, self.tests)),
            )
            cause, message, points = verdict.cause, verdict.message, verdict.points
        return self._settle(spec, cause, message, run.given, points)

    def _settle(
        self,
        spec: CheckSpec,
        cause: Cause,
        message: str,
        given: tuple[str, ...] = (),
        part_right: float = 0.0,
    ) -> CheckResult:
        ruling = RULINGS[cause]
        part = self.assignment.part_of(spec.function)
        return CheckResult(
            id=spec.id,
            title=spec.title,
            part=part.title if part else "",
            outcome=ruling.outcome,
            cause=cause,
            points=of_check(ruling.outcome, cause, spec.worth.points, part_right),
            max_points=spec.worth.counted,
            bonus=spec.worth.points - spec.worth.counted,
            visibility=spec.worth.visibility,
            run=spec.run_id,
            on_cell=spec.cell is not None,
            message="\n".join(text for text in (ruling.message, message) if text),
            given=given,
            readable=spec.graded,
        )

    def _review(self, result: CheckResult, package: str) -> CheckResult:
        """Put what failed next to a missing package up for review.

        A missing package is no mistake of the student's.
        """
        if not package or not result.lost:
            return result
        spec = next(spec for spec in self.specs if spec.id == result.id)
        return self._settle(spec, Cause.PACKAGE_MISSING, f"Package: {package}")


def make_judge(
    docket: Docket,
    assignment: Assignment,
    reference: Evidence,
    replayer: Replayer | None = None,
    tests: Mapping[str, str] | None = None,
) -> Judge:
    """A judge that has tried every check on the reference first."""
    trial = Judge(docket, assignment, reference, {}, replayer, tests or {})
    broken = {
        result.id: result.message
        for result in trial.results(reference)
        if result.outcome is not Outcome.PASSED
    }
    return replace(trial, broken=broken)


def repeats(
    files: AssignmentFiles, judge: Judge, holds: Mapping[str, str]
) -> Callable[[Evidence], list[CallBatch]]:
    """Return the function that names the runs to make again before they are judged for good.

    An executor asks it when it has the evidence so far.
    """

    def follow_up(evidence: Evidence) -> list[CallBatch]:
        again, given = judge.to_repeat(judge.results(evidence))
        return rerun_batches(files, again, given, holds)

    return follow_up


def find_run(evidence: Evidence, spec: CheckSpec) -> Run | None:
    """Return the run that `spec` is judged on: the last one made of its call or cell.

    So a repetition alone, or with given definitions, counts.
    """
    runs = [cell.run for cell in evidence.cells] if spec.cell is not None else []
    runs += evidence.calls
    return next((run for run in reversed(runs) if run.id == spec.run_id), None)


def cause_of_run(run: Run, evidence: Evidence) -> tuple[Cause, str]:
    """Say why `run` can't be judged, with details for the student; AGREES if it can."""
    match run.status:
        case RunStatus.FINISHED:
            return Cause.AGREES, ""
        case RunStatus.NOT_RUN:
            return ENDINGS[evidence.ending.reason], evidence.ending.detail
        case RunStatus.RAISED if run.error is not None and run.error.type == "SignatureError":
            return Cause.WRONG_SIGNATURE, run.error.message
        case RunStatus.TIMED_OUT if evidence.ending.reason is Ended.WALL_LIMIT:
            return Cause.WALL_LIMIT, evidence.ending.detail
        case RunStatus.DIED | RunStatus.KILLED if evidence.ending.reason is not Ended.FINISHED:
            return ENDINGS[evidence.ending.reason], evidence.ending.detail
        case _:
            return STATUSES[run.status], _told(run)


def _told(run: Run) -> str:
    """Return the error of a run; of one with given definitions only its type.

    Student code could put their source into the message.
    """
    if run.error is None:
        return ""
    return run.error.type if run.given else describe_error(run.error)


def describe_error(error: ErrorReport) -> str:
    """One line: type, message, where."""
    # Python's own words for a place that students can't look up
    message = re.sub(r" \(<cell \d+>, line \d+\)$", "", error.message)
    place = (
        f" (cell {error.cell}{f', line {error.line}' if error.line else ''})" if error.cell else ""
    )
    return f"{error.type}: {message}{place}"


def _loses(result: CheckResult) -> bool:
    """Tell whether the run was no good, also where a missing package excuses it."""
    return result.lost or result.cause is Cause.PACKAGE_MISSING


def _missing_package(evidence: Evidence) -> str:
    """Name of the first package that a cell could not import, or empty."""
    errors = (cell.run.error for cell in evidence.cells)
    return next((error.module.split(".")[0] for error in errors if error and error.module), "")
