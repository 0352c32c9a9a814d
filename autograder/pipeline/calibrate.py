"""Measuring tolerances: how far right programs lie apart on each call that trains, how near the nearest mistake comes, and the bar between.

Right programs are the reference under legitimate variation; mistakes are those that `validate` tries. All make the same calls, without the cells that train for long.
"""

from __future__ import annotations

import datetime
import math
import platform
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from autograder.atomic import write_atomic
from autograder.checks import Observation
from autograder.docket import open_docket
from autograder.errors import AssignmentError, CalibrationError
from autograder.execution.executor import Executor
from autograder.judgement.batches.replayed import stochastic_distance
from autograder.judgement.calibration import Calibration, calibration_path, calibration_text, call_digest, changes, read_calibration
from autograder.judgement.distance import training_distance
from autograder.judgement.spread import Spread, Tried
from autograder.mutation.equivalents import Equivalent, equivalents
from autograder.pipeline.judging import describe_error
from autograder.pipeline.plan import plan_probes
from autograder.pipeline.prepare import reference_cells
from autograder.pipeline.replaying import Replayer
from autograder.pipeline.validate import known_mistakes, known_variants
from autograder.pipeline.variation import CALLED, Variant, cell_that_makes, exchange, variants_of
from autograder.protocol import OptimizerSpec
from autograder.trace import Ended, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from autograder.assignment import AssignmentFiles, Limits
    from autograder.docket import Docket
    from autograder.judgement.batches.replayed import Replayed
    from autograder.judgement.batches.story import BatchStory
    from autograder.judgement.distance import Distance
    from autograder.protocol import Call, ExecutionRequest
    from autograder.trace import Evidence

Cells = list[tuple[str, str]]
Replays: TypeAlias = "dict[str, tuple[BatchStory | None, Replayed | None]]"

OTHER_PROGRAM = 1e-3
"""A variant that far out at its very first step computes something else: to reorder rows that are drawn in batches is no legitimate variation. It is left out."""

PORTABLE = {"ATEN_CPU_CAPABILITY": "default"}
"""torch's kernels without AVX2 or AVX512: what an older machine computes."""

RETRIED = (Ended.FORKSERVER_DIED, Ended.CORRUPT_FRAMES)


class Progress(Protocol):
    """Is told as programs are tried; from one thread."""

    def started(self, total: int) -> None:
        """`total` programs are going to be tried."""

    def done(self, result: object) -> None:
        """One more is."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was written, what a reviewer should know about it (`warnings`), which variants could not be tried (`left_out`), and what changed."""

    calibration: Calibration
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    changes: tuple[str, ...]
    tried: int


def calibrate_assignment(files: AssignmentFiles, executor: Executor, progress: Progress) -> Calibrated:
    """Measure every check of `files` that trains, and write calibration.toml.

    Raises:
        AssignmentError: if the reference raises in a call, or no check trains.
        CalibrationError: if a check has no room for a bar, naming the mistake that is nearest and what to change; nothing is written then.
        SandboxError: if the machine can't isolate programs as the assignment requires.
    """
    before = read_calibration(calibration_path(files.folder))

    def body(docket: Docket) -> tuple[_Bench, list[_Answer]]:
        bench = make_bench(files, docket, executor)
        return bench, list(bench.answers(progress))

    bench, answers = open_docket(files, body)
    spreads = [_spread(check, answers) for check in bench.models]
    if refused := [refusal for spread in spreads if (refusal := spread.refusal())]:
        raise CalibrationError("\n".join(refused))
    calibration = Calibration(
        torch=executor.environment["torch"],
        python=executor.environment["python"],
        machine=platform.machine(),
        date=datetime.datetime.now(datetime.UTC).date(),
        checks={
            spread.check: spread.measured(call_digest(bench.calls[spread.check]), bench.models[spread.check].steps) for spread in spreads
        },
    )
    path = calibration_path(files.folder)
    write_atomic(path, calibration_text(calibration))
    path.chmod(0o644)  # it is committed and shared, unlike results
    warnings = tuple(warning for spread in spreads if (warning := spread.warning()))
    return Calibrated(calibration, warnings, _left_out(answers), changes(before, calibration), len(answers))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one program did on one check's call: `tried`, or why it says nothing."""

    check: str
    program: str
    right: bool
    tried: Tried | None
    reason: str = ""


def _spread(check: str, answers: Sequence[_Answer]) -> Spread:
    mine = [answer for answer in answers if answer.check == check]
    rights = tuple(answer.tried for answer in mine if answer.right and answer.tried is not None)
    wrongs = tuple(answer.tried for answer in mine if not answer.right and answer.tried is not None)
    return Spread(check, rights, wrongs)


def _left_out(answers: Sequence[_Answer]) -> tuple[str, ...]:
    """One line for each variant that could not be tried, and why."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        if answer.reason:
            grouped.setdefault((answer.program, answer.reason), []).append(answer.check)
    return tuple(f"{program}, for {', '.join(checks)}: {reason}" for (program, reason), checks in grouped.items())


def _failed(runs: Sequence[Run]) -> bool:
    return any(run.status is not RunStatus.FINISHED for run in runs)


def make_bench(files: AssignmentFiles, docket: Docket, executor: Executor) -> _Bench:
    """Run the reference on every call.

    Raises:
        AssignmentError: if it raises, or no call trains.
    """
    trains = {spec.cell.id for spec in docket.specs if spec.cell}
    cells = [(name, source) for name, source in reference_cells(files, docket.specs) if name not in trains]
    calls = {spec.id: msgspec.structs.replace(spec.call, id=spec.id) for spec in docket.specs if spec.call is not None}
    plan = plan_probes(files, cells, list(calls.values()), "")
    evidence = executor.run(plan.key, plan.request, plan.calls)
    # A cell that looks at what the left out cells have trained fails here, and no call needs it. Where a call fails, an earlier cell may be why.
    for run in (*(cell.run for cell in evidence.cells), *evidence.calls) if _failed(evidence.calls) or not evidence.calls else ():
        if run.status is not RunStatus.FINISHED:
            problem = describe_error(run.error) if run.error else f"{run.status} {evidence.ending.detail}"
            message = f"the reference of {files.slug} fails in {run.id}: {problem}"
            raise AssignmentError(message)
    models = {run.id: Observation(run) for run in evidence.calls if Observation(run).steps and _comparable(calls[run.id])}
    if not models:
        message = f"{files.checks}: no check calls a function that trains, so there is nothing to calibrate"
        raise AssignmentError(message)
    return _Bench(files, executor, cells, {check: calls[check] for check in models}, models)


def _comparable(call: Call) -> bool:
    """Whether steps can be compared: with an optimizer that a driver makes, a model with random parameters is trained, which takes a record of its batches."""
    made = any(isinstance(value, OptimizerSpec) and not value.over for value in call.arguments.values())
    return call.batches or not made


@dataclass(frozen=True, slots=True)
class _Bench:
    """Runs programs on the calls that train. `models` are the reference's runs, `calls` the calls, both by check id."""

    files: AssignmentFiles
    executor: Executor
    cells: Cells
    calls: Mapping[str, Call]
    models: Mapping[str, Observation]

    def answers(self, progress: Progress) -> Iterator[_Answer]:
        """Try everything, as many programs at once as the executor has slots, and the old machine's kernels beside them."""
        tasks = [self._portable, self._variants, self._threads, *self._equivalents(), *self._mistakes()]
        progress.started(len(tasks))
        with ThreadPoolExecutor(self.executor.jobs + 1, thread_name_prefix="calibrate") as pool:
            futures = [pool.submit(task) for task in tasks]
            try:
                for future in as_completed(futures):
                    yield from future.result()
                    progress.done(future)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _variants(self) -> list[_Answer]:
        """The reference, asked in other words; the calls themselves once more too."""
        asked = [(check, variant) for check, call in self.calls.items() for variant in (Variant("again", call), *variants_of(call))]
        calls = [msgspec.structs.replace(variant.call, id=f"{check}/{variant.name}") for check, variant in asked]
        runs = {run.id: run for run in self._run(self.executor, self._request(self.cells), calls).calls}
        tried = [(check, variant, runs[f"{check}/{variant.name}"]) for check, variant in asked]
        replays = self._replays((check, run) for check, _, run in tried)
        answers = [self._right(check, variant.name, run, replays, returned=not variant.rows_moved) for check, variant, run in tried]
        moved = [answer for answer, (_, variant) in zip(answers, asked, strict=True) if variant.rows_moved]
        return [answer if answer not in moved else _with_order(answer, moved) for answer in answers]

    def _portable(self) -> list[_Answer]:
        with Executor(1, self.files.assignment.isolation, PORTABLE, self.files.assignment.packages) as older:
            evidence = self._run(older, self._request(self.cells), list(self.calls.values()))
        replays = self._replays((run.id, run) for run in evidence.calls)
        return [self._right(run.id, "ATEN_CPU_CAPABILITY=default", run, replays) for run in evidence.calls]

    def _threads(self) -> list[_Answer]:
        """Batches are recorded in calls only, which have one thread."""
        request = self._request(self.cells)
        calls = {check: call for check, call in self.calls.items() if not call.batches}
        if not calls:
            return []
        calling = tuple(cell_that_makes(call, check, request.drivers) for check, call in calls.items())
        request = msgspec.structs.replace(request, cells=request.cells + calling, threads=2)
        runs = [cell.run for cell in self._run(self.executor, request, []).cells][-len(calling) :]
        return [self._right(check, "2 threads", _as_call(run, call), {}) for (check, call), run in zip(calls.items(), runs, strict=True)]

    def _equivalents(self) -> Iterator[Callable[[], list[_Answer]]]:
        made = equivalents(self.files.solution.read_text(encoding="utf-8-sig"), self.files.solution)
        written = (Equivalent(one.name, one.function, one.definition) for one in known_variants(self.files))
        for one in (*made, *written):
            cells = exchange(self.cells, self.files, one.function, one.definition)
            if cells != self.cells:
                yield lambda name=f"{one.name} in {one.function}", cells=cells: self._equivalent(name, cells)  # type: ignore[misc]

    def _equivalent(self, name: str, cells: Cells) -> list[_Answer]:
        evidence = self._run(self.executor, self._request(cells), list(self.calls.values()))
        replays = self._replays((run.id, run) for run in evidence.calls)
        return [self._right(run.id, name, run, replays) for run in evidence.calls]

    def _mistakes(self) -> Iterator[Callable[[], list[_Answer]]]:
        """Those that checks may let pass are not asked to stay clear of the bar."""
        for one in known_mistakes(self.files):
            cells = exchange(self.cells, self.files, one.function, one.definition)
            if cells != self.cells and not one.survives:
                yield lambda name=f"{one.id} in {one.function}", cells=cells: self._mistake(name, cells)  # type: ignore[misc]

    def _mistake(self, name: str, cells: Cells) -> list[_Answer]:
        made = {check: sum(trace.steps for trace in model.run.traces) for check, model in self.models.items()}  # by all its optimizers
        calls = [msgspec.structs.replace(call, max_steps=3 * made[check] + 10) for check, call in self.calls.items()]
        request = msgspec.structs.replace(self._request(cells), limits=self._short_limits())
        runs = self._run(self.executor, request, calls).calls
        finished = [run for run in runs if run.status is RunStatus.FINISHED]  # any other ending is as far out as can be
        replays = self._replays((run.id, run) for run in finished)
        return [_Answer(run.id, name, False, Tried(name, self._distance(run.id, run, replays))) for run in finished]

    def _right(self, check: str, name: str, run: Run, replays: Replays, *, returned: bool = True) -> _Answer:
        if run.status is not RunStatus.FINISHED:
            return _Answer(check, name, True, None, describe_error(run.error) if run.error else str(run.status))
        distance = self._distance(check, run, replays, returned=returned)
        if len(distance.by_step) and distance.by_step[0] > OTHER_PROGRAM:
            return _Answer(check, name, True, None, f"it differs by {distance.by_step[0]:.2g} at the first step, so it is another program")
        return _Answer(check, name, True, Tried(name, distance))

    def _replays(self, runs: Iterable[tuple[str, Run]]) -> Replays:
        """Story and replay of every run of a check that recorded batches, by the run's id. Data and optimizer are those of the check's own call, in whatever words the run was asked for."""
        batched = [(check, run) for check, run in runs if self.calls[check].batches]
        models = {run.id: self.models[check].run for check, run in batched}
        replayer = Replayer(self.files, self.cells, models, None, self.executor)
        replayed = replayer.replay([(msgspec.structs.replace(self.calls[check], id=run.id), run) for check, run in batched])
        return {run.id: (replayer.story(run), replayed.get(run.id)) for _, run in batched}

    def _distance(self, check: str, run: Run, replays: Replays, *, returned: bool = True) -> Distance:
        if self.calls[check].batches:
            return stochastic_distance(*replays[run.id])
        return training_distance(Observation(run), self.models[check], returned=returned)

    def _request(self, cells: Cells) -> ExecutionRequest:
        return plan_probes(self.files, cells, [], "").request

    def _short_limits(self) -> Limits:
        """Some mistakes never end: a call may compute twenty times as long as the reference's longest, at least 5 s; a program four times that."""
        limits = self.files.assignment.limits
        longest = math.ceil(20 * max(model.run.cpu_s for model in self.models.values()))
        return msgspec.structs.replace(limits, cpu_s=min(limits.cpu_s, 4 * max(5, longest)))

    def _run(self, executor: Executor, request: ExecutionRequest, calls: Sequence[Call]) -> Evidence:
        """Once more if the machine failed."""
        evidence = executor.run("calibration", request, calls)
        return executor.run("calibration", request, calls) if evidence.ending.reason in RETRIED else evidence


def _with_order(answer: _Answer, moved: Sequence[_Answer]) -> _Answer:
    """`answer` of a variant that moved rows, unless another order of the same call's rows is another program from its first step on: then the order of the rows counts there."""
    others = (other for other in moved if other.check == answer.check)
    if answer.tried is not None and any("another program" in other.reason for other in others):
        return _Answer(
            answer.check, answer.program, True, None, "in the reverse order it is another program, so the order of the rows counts"
        )
    return answer


def _as_call(run: Run, call: Call) -> Run:
    """The run of a cell that made `call`, as the run of that call: an optimizer that was passed in was the only one given."""
    given = any(isinstance(value, OptimizerSpec) for value in call.arguments.values())
    traces = tuple(msgspec.structs.replace(trace, given=given) for trace in run.traces)
    return msgspec.structs.replace(run, returned=run.variables.get(CALLED), traces=traces)
