"""Grading a class: find, run, judge and record each submission, one transaction each."""

from __future__ import annotations

import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

import autograder
from autograder.atomic import is_disk_failure
from autograder.docket import open_docket
from autograder.errors import SandboxError
from autograder.judgement.grading import RULINGS, Cause, Grade, Provenance
from autograder.notebooks.cells import Role
from autograder.notebooks.notebook_file import read_notebook_file
from autograder.notebooks.signature import held_in
from autograder.notebooks.staleness import stale_outputs
from autograder.notebooks.submission import Unreadable, UnreadableNotebook, read_submission
from autograder.pipeline.devices import as_graded
from autograder.pipeline.executed import executed_notebook, outputs_of, write_executed
from autograder.pipeline.gallery import read_gallery, resemblances
from autograder.pipeline.graded_tests import digests, with_tests
from autograder.pipeline.judging import describe_error
from autograder.pipeline.plan import context_digest, plan_execution, repeats
from autograder.pipeline.prepare import Prepared, prepare, prepare_for
from autograder.pipeline.probing import add_findings
from autograder.pipeline.questions import answered, carried, take_in_marks
from autograder.pipeline.results import ResultsFolder
from autograder.pipeline.unrun import Unrun, judge_of_nothing
from autograder.pipeline.variants import on_variant, open_variants
from autograder.reports.isolation import level_of
from autograder.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from autograder.assignment import AssignmentFiles, Isolation
    from autograder.docket import Docket
    from autograder.execution.executor import Executor
    from autograder.judgement.grading import JudgedVariant
    from autograder.judgement.likeness import Exhibit
    from autograder.notebooks.submission import Submission
    from autograder.pipeline.collect import Candidate
    from autograder.pipeline.plan import Plan
    from autograder.pipeline.progress import Progress
    from autograder.pipeline.variants import Variants
    from autograder.trace import Evidence

_LOG = logging.getLogger(__name__)

UNREADABLE = {
    Unreadable.WRONG_KERNEL: Cause.WRONG_KERNEL,
    Unreadable.NO_NOTEBOOK: Cause.NO_NOTEBOOK,
    Unreadable.SEVERAL_NOTEBOOKS: Cause.SEVERAL_NOTEBOOKS,
}
"""Causes of submissions that can't be read; all other reasons are UNREADABLE."""

PASSING_TROUBLE = (Ended.FORKSERVER_DIED, Ended.CORRUPT_FRAMES, Ended.KILLED)
"""Endings after which a submission is run once more at once."""


def grade_class(
    files: AssignmentFiles,
    candidates: Sequence[Candidate],
    results: ResultsFolder,
    executor: Executor,
    progress: Progress,
    *,
    force: bool = False,
) -> tuple[Grade, ...]:
    """Grade `candidates`, skipping those whose grade is on disk and still true (unless `force`). Returns all grades, in the order of `candidates`.

    Where there is no GPU for an assignment that asks for one, nothing is run: those that are not kept become ungradable.

    Raises:
        AssignmentError: if the assignment itself is wrong, or the secret that its variants come from is lost.
        ExchangeError: if the gradebook of the assignment's questions can't be read.
        SandboxError: if the machine can't isolate student code as the assignment requires; or if all are to be judged anew (`force`) without the GPU for it.
    """
    if force and executor.device.missing:
        message = f"--force would leave nobody a grade: {files.slug!r} asks for a GPU, and {executor.device.missing}"
        raise SandboxError(message)
    context, variants = context_digest(files), open_variants(files)
    for grade in take_in_marks(files, results, [candidate.student for candidate in candidates]).values():
        results.write_grade(grade)
    if variants:
        variants.meet(candidate.student for candidate in candidates)
    kept = (
        {}
        if force
        else _kept(candidates, results, _Contexts(files, context, variants, missing=bool(executor.device.missing)), executor.required)
    )
    waiting = [candidate for candidate in candidates if candidate.student not in kept]
    if waiting:
        if any(candidate.path is not None for candidate in waiting) and not executor.device.missing:
            executor.warm(len(waiting))

        def body(docket: Docket) -> dict[str, Grade]:
            if executor.device.missing:
                unrun = Unrun(files, judge_of_nothing(files, docket), results, context)
                return _told(unrun.all_without_device(waiting, executor.device.missing), len(waiting), progress)
            prepared = prepare(files, docket, results.evidence, executor)
            grader = _Grader(prepared, results, executor, context, read_gallery(results), variants)
            graded = _told(grader.run(waiting), len(waiting), progress)
            if grader.repeated:
                _LOG.warning(
                    "run again, since their stored runs were isolated less than %s: %s",
                    executor.required,
                    ", ".join(sorted(grader.repeated)),
                )
            return graded

        kept |= open_docket(files, body)
    return tuple(kept[candidate.student] for candidate in candidates)


def _told(grades: Iterator[Grade], count: int, progress: Progress) -> dict[str, Grade]:
    """`grades` by student; `progress` is told of each of these `count` as it comes."""
    progress.started(count)
    graded = {}
    for grade in grades:
        graded[grade.student] = grade
        progress.done(grade)
    return graded


@dataclass(frozen=True, slots=True)
class _Contexts:
    """What grades depend on besides the submission: `shared` by all, or a student's own. Where the GPU is `missing`, grades that were made on one stay true."""

    files: AssignmentFiles
    shared: str
    variants: Variants | None
    missing: bool

    def of(self, grade: Grade) -> str:
        """That of a grade on disk, as it would be made now."""
        own = self.variants is not None and grade.variant is not None
        if not own and not self.missing:
            return self.shared
        files = self.files
        if self.variants is not None and grade.variant is not None:
            on_record = grade.student in self.variants.record.students
            files = self.variants.of(grade.student, None if on_record else grade.variant.attempt)
        return context_digest(as_graded(files, [grade]) if self.missing else files)


def _kept(candidates: Sequence[Candidate], results: ResultsFolder, contexts: _Contexts, required: Isolation) -> dict[str, Grade]:
    """Grades on disk that the same submission would get again; not those of runs that were isolated less than `required`."""
    kept = {}
    for candidate in candidates:
        grade = results.read_grade(candidate.student)
        if grade is None or grade.provenance.submission_sha256 != candidate.digest() or grade.provenance.judging_key != contexts.of(grade):
            continue
        if grade.provenance.evidence_key and level_of(grade.provenance.environment).rank < required.rank:
            continue
        same_times = (grade.submitted_at, grade.late) == (candidate.submitted_at, candidate.late)
        if same_times and not any(RULINGS[check.cause].retry for check in grade.checks):
            kept[candidate.student] = grade
    return kept


@dataclass(frozen=True, slots=True)
class _Grader:
    prepared: Prepared
    results: ResultsFolder
    executor: Executor
    context: str
    gallery: tuple[Exhibit, ...]
    variants: Variants | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    repeated: list[str] = field(default_factory=list)
    """Students whose stored runs were not good enough."""

    def run(self, candidates: Sequence[Candidate]) -> Iterator[Grade]:
        """Grades in the order in which they are done. Ctrl-C stops the running submissions and loses only them."""
        with ThreadPoolExecutor(self.executor.jobs, thread_name_prefix="grade") as pool:
            futures = [pool.submit(self.grade, candidate) for candidate in candidates]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                self.stop.set()
                for future in futures:
                    future.cancel()
                raise

    def grade(self, candidate: Candidate) -> Grade:
        """Grade one submission and write grade.json, whatever it holds."""
        try:
            grade = self._grade(candidate)
        except (InterruptedError, SandboxError):
            raise
        except Exception as error:
            if is_disk_failure(error):
                raise  # the next one would fail as well
            _LOG.exception("grading %s failed", candidate.student)
            grade = self._without_run(candidate, Cause.MACHINE_FAILED, "")
        grade = msgspec.structs.replace(grade, checks=carried(self.results.read_grade(candidate.student), grade.checks))
        self.results.write_grade(grade)
        return grade

    def _grade(self, candidate: Candidate) -> Grade:
        if candidate.path is None:
            return self._without_run(candidate, candidate.problem or Cause.NO_NOTEBOOK, "")
        try:
            own, variant = (self, None) if self.variants is None else self._own(self.variants, candidate.student, candidate.path)
            files = own.prepared.files
            submission = read_submission(candidate.path, own.prepared.release, own.prepared.owners, preferred=files.notebook_name)
        except UnreadableNotebook as error:
            return self._without_run(candidate, UNREADABLE.get(error.reason, Cause.UNREADABLE), str(error))
        if variant is not None and variant.note:  # what stands in it was computed from other data: it says nothing of a stale kernel
            submission = dataclasses.replace(
                submission, cells=tuple(dataclasses.replace(cell, saved_outputs=()) for cell in submission.cells)
            )
        return on_variant(own.with_run(candidate, submission), variant)

    def _own(self, variants: Variants, student: str, path: Path) -> tuple[_Grader, JudgedVariant]:
        """The grader of the student's own variant, and what the file at `path` says of its."""
        held = held_in(read_notebook_file(path, preferred=self.prepared.files.slug).cells)
        attempt = variants.attempt_in(held, student)
        prepared = prepare_for(self.prepared, variants.of(student, attempt), self.results.evidence, self.executor)
        own = dataclasses.replace(self, prepared=prepared, context=context_digest(prepared.files))
        return own, variants.judged(student, attempt, held)

    def _without_run(self, candidate: Candidate, cause: Cause, message: str) -> Grade:
        return Unrun(self.prepared.files, self.prepared.judge, self.results, self.context).grade(candidate, cause, message)

    def with_run(self, candidate: Candidate, submission: Submission) -> Grade:
        """Grade what could be read."""
        cells = with_tests([(cell.id, cell.source) for cell in submission.cells], self.prepared.tests)
        plan = plan_execution(self.prepared.files, self.prepared.judge.specs, cells, submission.rebound)
        evidence = self.results.evidence.get(plan.key)
        if evidence is not None and level_of(evidence.environment).rank < self.executor.required.rank:
            self.repeated.append(candidate.student)  # what ran with less isolation may have written its own evidence
            evidence = None
        if evidence is None:
            evidence = self._execute(plan, submission.rebound)
            checks = self.prepared.judge.results(evidence)
            if not any(RULINGS[check.cause].retry for check in checks):  # our own fault is never cached
                self.results.evidence.put(evidence)
        write_executed(self.results.executed_path(candidate.student), executed_notebook(submission, evidence))
        grade = make_grade(self.prepared, candidate, submission, evidence, self.context)
        checks = add_findings(self.prepared, grade.checks, evidence, self.results.evidence, self.executor)
        alike = resemblances(self.prepared, checks, evidence, self.gallery)
        answers = answered(self.prepared.files.assignment, submission.notebook, self.prepared.release)
        return msgspec.structs.replace(grade, checks=checks + answers, resembles=alike)

    def _execute(self, plan: Plan, holds: Mapping[str, str]) -> Evidence:
        follow_up = repeats(self.prepared.files, self.prepared.judge, holds)
        evidence = self.executor.run(plan.key, plan.request, plan.calls, follow_up, self.stop)
        if evidence.ending.reason in PASSING_TROUBLE and not self.stop.is_set():
            evidence = self.executor.run(plan.key, plan.request, plan.calls, follow_up, self.stop)
        if self.stop.is_set():
            raise InterruptedError  # an interrupted run is no evidence
        return evidence


def make_grade(prepared: Prepared, candidate: Candidate, submission: Submission, evidence: Evidence, context: str) -> Grade:
    """Judge `evidence` of `submission`, without its answers to questions: a function of its arguments."""
    outputs = {cell.run.id: outputs_of(cell.outputs) for cell in evidence.cells}
    provenance = Provenance(
        autograder.__version__, candidate.digest(), evidence.key, context, evidence.environment, digests(prepared.tests)
    )
    return Grade(
        student=candidate.student,
        assignment=prepared.files.slug,
        checks=prepared.judge.results(evidence),
        notices=(*submission.notices, *stale_outputs(submission, outputs)),
        problem=_problem(evidence, submission),
        provenance=provenance,
        submitted_at=candidate.submitted_at,
        late=candidate.late,
    )


def _problem(evidence: Evidence, submission: Submission) -> str:
    """The submission's ending, or its first error outside of a check cell, in a few words."""
    ending = evidence.ending
    if ending.reason is not Ended.FINISHED:
        return f"{ending.reason.replace('_', ' ')}{f': {ending.detail}' if ending.detail else ''}"
    own = {cell.id for cell in submission.cells if cell.role is not Role.CHECK}
    error = next((cell.run.error for cell in evidence.cells if cell.run.id in own and cell.run.error is not None), None)
    return describe_error(error)[:200] if error is not None else ""
