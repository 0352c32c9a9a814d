"""``pytest assignments/optimizers [--submission alice.ipynb]``: the checks by themselves, in an
editor or a terminal.
"""

from __future__ import annotations

import atexit
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autograder.assignment import open_assignment
from autograder.checks.docket import measured_calls, specify
from autograder.course.graded_tests import graded_tests, verdict_of_cell, with_tests
from autograder.course.hardware import require_device
from autograder.course.judging import cause_of_run, find_run
from autograder.course.plan import plan_execution
from autograder.course.prepare import reference_cells, reference_evidence, render_release
from autograder.course.replaying import Replayer
from autograder.evidence.limits import Isolation
from autograder.evidence.store import EvidenceStore
from autograder.evidence.trace import RunStatus
from autograder.execution.devices import find_device
from autograder.execution.executor import Executor
from autograder.judgement.calibration import calibration_path, read_bars
from autograder.judgement.grade import RULINGS, Cause
from autograder.judgement.observation import Observation
from autograder.notebooks.reading.submission import read_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.checks.docket import CheckSpec
    from autograder.draw import Values
    from autograder.evidence.trace import Evidence, Run
    from autograder.judgement.observation import Replayed


class StandaloneRuns:
    """`Runs` of the collected checks: the reference is run once, the submission once, both in the
    sandbox.

    An assignment with variants is run on its first sample, also a submission: its own data are put
    out of it. Unlike `autograder grade` it makes no second run alone or with given definitions: a
    check shows what the notebook by itself does.
    """

    def __init__(
        self,
        items: Sequence[pytest.Function],
        folder: Path,
        submission: Path | None,
        isolation: str | None,
    ) -> None:
        self._files = require_device(open_assignment(folder.parent.parent, folder.name))
        self.values = self._files.draw.values if self._files.draw else None
        self._items = tuple(item for item in items if item.path.parent == folder)
        self._specs = self._specs_of(self.values)
        self._submission = submission
        self._isolation = Isolation(isolation) if isolation else None
        self._stack = ExitStack()
        atexit.register(self._stack.close)

    def run(self, spec: CheckSpec) -> Observation:
        """The submission's run, or the reference's if there is no submission."""
        if self._submission is None:
            return self.reference(spec)
        found = find_run(self._submitted, spec)
        if found is None:
            pytest.fail(f"the submission has no run of {spec.run_id}", pytrace=False)
        cause, message = cause_of_run(found, self._submitted)
        if cause is not Cause.AGREES and not (spec.graded and found.status is RunStatus.RAISED):
            pytest.fail(f"{RULINGS[cause].message}\n{message}", pytrace=False)
        return Observation(
            found,
            replayed=self._replay(spec, found),
            graded=verdict_of_cell(self._submitted, spec, self._tests),
        )

    def reference(self, spec: CheckSpec) -> Observation:
        """The reference's run."""
        found = find_run(self._reference, spec)
        assert found is not None
        replayed = self._replay(spec, found) if self._submission is None else None
        return Observation(
            found,
            self._bars.get(spec.id),
            replayed,
            verdict_of_cell(self._reference, spec, self._tests),
            spec.worth.points,
        )

    @cached_property
    def _tests(self) -> dict[str, str]:
        return graded_tests(reference_cells(self._files, self._specs), self._specs)

    def _specs_of(self, values: Values | None) -> tuple[CheckSpec, ...]:
        return tuple(specify(item, values) for item in self._items)

    def _replay(self, spec: CheckSpec, run: Run) -> Replayed | None:
        """What the reference makes of `run`, if it trains by minibatches."""
        return (
            self._replayer.replay([(spec.call, run)]).get(run.id)
            if spec.call is not None and run.batches
            else None
        )

    @cached_property
    def _replayer(self) -> Replayer:
        trains = {spec.cell.id for spec in self._specs if spec.cell}
        cells = [
            (name, source)
            for name, source in reference_cells(self._files, self._specs)
            if name not in trains
        ]
        models = {
            spec.run_id: run
            for spec in self._specs
            if spec.call is not None and (run := find_run(self._reference, spec)) is not None
        }
        return Replayer(self._files, cells, models, None, self._executor)

    @cached_property
    def _bars(self) -> dict[str, float]:
        return read_bars(
            calibration_path(self._files.folder), measured_calls(self._files, self._specs_of)
        )

    @cached_property
    def _executor(self) -> Executor:
        return self._stack.enter_context(
            Executor(
                1,
                self._isolation or self._files.assignment.isolation,
                packages=self._files.assignment.packages,
                device=find_device(self._files.assignment.device),
            )
        )

    @cached_property
    def _reference(self) -> Evidence:
        store = EvidenceStore(Path(self._stack.enter_context(tempfile.TemporaryDirectory())))
        return reference_evidence(self._files, self._specs, store, self._executor)

    @cached_property
    def _submitted(self) -> Evidence:
        assert self._submission is not None
        release, owners = render_release(self._files, self._specs, self._reference)
        submission = read_submission(
            self._submission, release, owners, preferred=self._files.notebook_name
        )
        cells = with_tests([(cell.id, cell.source) for cell in submission.cells], self._tests)
        plan = plan_execution(self._files, self._specs, cells, submission.rebound)
        return self._executor.run(plan.key, plan.request, plan.calls)
