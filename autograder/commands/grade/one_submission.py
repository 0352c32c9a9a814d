"""One submission's grade: read it, run it, judge it and write grade.json, one transaction each."""

from __future__ import annotations

import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from autograder.atomic import is_disk_failure
from autograder.commands.grade.finish import finish, make_grade, with_marks
from autograder.commands.grade.partial import resume
from autograder.commands.grade.unrun import UNREADABLE, Unrun
from autograder.course.draws import on_variant
from autograder.course.executed import executed_notebook, write_executed
from autograder.course.graded_tests import with_tests
from autograder.course.judging import repeats
from autograder.course.keys import judging_key
from autograder.course.plan import plan_execution
from autograder.course.prepare import Prepared, prepare_for
from autograder.diagnosis.gallery import Gallery
from autograder.diagnosis.probing import add_findings
from autograder.errors import SandboxError
from autograder.execution.retry import run_again
from autograder.judgement.grade import Cause, Grade
from autograder.notebooks.reading.notebook_file import read_notebook_file
from autograder.notebooks.reading.signature import held_in
from autograder.notebooks.reading.submission import UnreadableNotebook, read_submission
from autograder.reports.isolation import level_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from autograder.commands.grade.submissions import Candidate
    from autograder.course.draws import Variants
    from autograder.course.plan import Plan
    from autograder.course.results import ResultsFolder
    from autograder.evidence.protocol import Call, CallBatch
    from autograder.evidence.trace import Evidence
    from autograder.execution.executor import Executor
    from autograder.judgement.grade import JudgedVariant
    from autograder.notebooks.reading.submission import Submission

_LOG = logging.getLogger(__name__)


class _Turns:
    """One at a time for each key: of identical submissions that are graded at once, the second
    finds the evidence of the first.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._guard = threading.Lock()

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Wait for the turn of `key`."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades submissions of one assignment.

    `context` is the hash of what grades depend on besides the submission.
    """

    prepared: Prepared
    results: ResultsFolder
    executor: Executor
    context: str
    gallery: Gallery
    variants: Variants | None = None
    turns: _Turns = field(default_factory=_Turns)
    stop: threading.Event = field(default_factory=threading.Event)
    repeated: list[str] = field(default_factory=list)
    """Students whose stored runs were not good enough."""

    def run(self, candidates: Sequence[Candidate]) -> Iterator[Grade]:
        """Grades in the order in which they are done.

        Ctrl-C stops the running submissions and loses only them.
        """
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
        grade = with_marks(grade, self.results.read_grade(candidate.student))
        self.results.write_grade(grade)
        return grade

    def _grade(self, candidate: Candidate) -> Grade:
        if candidate.path is None:
            return self._without_run(candidate, candidate.problem or Cause.NO_NOTEBOOK, "")
        try:
            own, variant = (
                (self, None)
                if self.variants is None
                else self._own(self.variants, candidate.student, candidate.path)
            )
            files = own.prepared.files
            submission = read_submission(
                candidate.path,
                own.prepared.release,
                own.prepared.owners,
                preferred=files.notebook_name,
            )
        except UnreadableNotebook as error:
            return self._without_run(
                candidate, UNREADABLE.get(error.reason, Cause.UNREADABLE), str(error)
            )
        # what stands in it was computed from other data: it says nothing of a stale kernel
        if variant is not None and variant.note:
            submission = dataclasses.replace(
                submission,
                cells=tuple(
                    dataclasses.replace(cell, saved_outputs=()) for cell in submission.cells
                ),
            )
        return on_variant(own.with_run(candidate, submission), variant)

    def _own(self, variants: Variants, student: str, path: Path) -> tuple[Grader, JudgedVariant]:
        """The grader of the student's own variant, and what the file at `path` says of its."""
        held = held_in(read_notebook_file(path, preferred=self.prepared.files.slug).cells)
        attempt = variants.attempt_in(held, student)
        prepared = prepare_for(
            self.prepared, variants.of(student, attempt), self.results.evidence, self.executor
        )
        own = dataclasses.replace(self, prepared=prepared, context=judging_key(prepared.files))
        return own, variants.judged(student, attempt, held)

    def _without_run(self, candidate: Candidate, cause: Cause, message: str) -> Grade:
        return Unrun(self.prepared.files, self.prepared.judge, self.results, self.context).grade(
            candidate, cause, message
        )

    def with_run(self, candidate: Candidate, submission: Submission) -> Grade:
        """Grade what could be read."""
        cells = with_tests(
            [(cell.id, cell.source) for cell in submission.cells], self.prepared.tests
        )
        plan = plan_execution(
            self.prepared.files, self.prepared.judge.specs, cells, submission.rebound
        )
        with self.turns.of(plan.key):
            stored = self._stored(candidate.student, plan)
            evidence = plan.signed(
                stored or self._execute(candidate.student, plan, submission.rebound),
                self.prepared.inputs,
            )
            grade = make_grade(self.prepared, candidate, submission, evidence, self.context)
            if evidence != stored and not any(check.retry for check in grade.checks):
                self.results.evidence.put(evidence)
        write_executed(
            self.results.executed_path(candidate.student), executed_notebook(submission, evidence)
        )
        explain = partial(
            add_findings,
            self.prepared,
            evidence=evidence,
            store=self.results.evidence,
            executor=self.executor,
        )
        return finish(grade, self.prepared, evidence, submission.notebook, explain, self.gallery)

    def _stored(self, student: str, plan: Plan) -> Evidence | None:
        """Stored evidence of `plan`; None where there is none that is good enough."""
        evidence = self.results.evidence.get(plan.key)
        if evidence is not None and self._is_weak(evidence):
            # what ran with less isolation may have written its own evidence
            self.repeated.append(student)
            return None
        return evidence

    def _is_weak(self, evidence: Evidence) -> bool:
        return level_of(evidence.environment).rank < self.executor.required.rank

    def _execute(self, student: str, plan: Plan, holds: Mapping[str, str]) -> Evidence:
        follow_up = repeats(self.prepared.files, self.prepared.judge, holds)
        taken = self._take_over(student, plan, follow_up)
        return run_again(lambda: self._run(plan, plan.calls, follow_up), taken)

    def _take_over(
        self, student: str, plan: Plan, follow_up: Callable[[Evidence], Sequence[CallBatch]]
    ) -> Evidence | None:
        """With the calls that the student's last run made already; None where there are none, or
        they do not fit.
        """
        before = self.results.read_grade(student)
        key = before.provenance.evidence_key if before else ""
        earlier = self.results.evidence.get(key) if key and key != plan.key else None
        resumed = (
            resume(plan, earlier, follow_up)
            if earlier is not None and not self._is_weak(earlier)
            else None
        )
        if resumed is None:
            return None
        return resumed.without_running() or resumed.merged(
            self._run(plan, resumed.calls, resumed.ask)
        )

    def _run(
        self,
        plan: Plan,
        calls: Sequence[Call],
        follow_up: Callable[[Evidence], Sequence[CallBatch]],
    ) -> Evidence:
        evidence = self.executor.run(plan.key, plan.request, calls, follow_up, self.stop)
        if self.stop.is_set():
            raise InterruptedError  # an interrupted run is no evidence
        return evidence
