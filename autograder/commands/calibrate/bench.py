"""The calibration bench: right programs and known mistakes, run on the calls that train, and how
far each ends from the reference.

All variants of a call go into one run of a program: what takes time is programs.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from autograder.commands.calibrate.right_programs import (
    CALLED,
    Rephrasing,
    cell_that_makes,
    exchange,
    rephrasings_of,
)
from autograder.commands.validate.validation import known_equivalents, known_mistakes
from autograder.course.judging import describe_error
from autograder.course.plan import plan_probes
from autograder.course.prepare import reference_cells
from autograder.course.progress import Progress, Silent
from autograder.course.replaying import Replayer
from autograder.errors import AssignmentError
from autograder.evidence.limits import Device
from autograder.evidence.protocol import Call, OptimizerSpec
from autograder.evidence.trace import Run, RunStatus
from autograder.execution.executor import Executor
from autograder.execution.retry import run_again
from autograder.judgement.batches.replayed import stochastic_distance
from autograder.judgement.comparing.distance import training_distance
from autograder.judgement.comparing.spread import Across, Spread, Tried
from autograder.judgement.grade import Cause
from autograder.judgement.observation import Observation
from autograder.mistakes.equivalents import Equivalent, equivalents

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from autograder.assignment import Assignment, AssignmentFiles
    from autograder.checks.docket import Docket, Verdict
    from autograder.draw import Values
    from autograder.evidence.limits import Limits
    from autograder.evidence.protocol import ExecutionRequest
    from autograder.evidence.trace import Evidence
    from autograder.judgement.batches.epochs import BatchStory
    from autograder.judgement.comparing.distance import Distance
    from autograder.judgement.observation import Replayed

Cells = list[tuple[str, str]]
Task: TypeAlias = "Callable[[], list[Answer]]"
Replays: TypeAlias = "dict[str, tuple[BatchStory | None, Replayed | None]]"

OTHER_PROGRAM = 1e-3
"""A rephrasing that far out at its very first step computes something else: to reorder rows that
are drawn in batches is no legitimate variation. It is left out.
"""

PORTABLE = {"ATEN_CPU_CAPABILITY": "default"}
"""torch's kernels without AVX2 or AVX512: what an older machine computes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of one program on one check's call: `tried`, or why it says nothing."""

    check: str
    program: str
    right: bool
    tried: Tried | None
    reason: str = ""


def _failed(runs: Sequence[Run]) -> bool:
    return any(run.status is not RunStatus.FINISHED for run in runs)


def make_bench(
    files: AssignmentFiles,
    docket: Docket,
    executor: Executor,
    draws: Mapping[str, Values] | None = None,
    checks: Container[str] | None = None,
    older: Executor | None = None,
) -> Bench:
    """Run the reference on every call, or on those of `checks`.

    Where a call varies, it runs on that of every variant of `draws`.

    Where a call varies, on that of every variant of `draws`. All go into one run. `older` stands
    for an older machine (`older_machine`), where programs are to be tried on one too.

    Raises:
        AssignmentError: if it raises, or no call trains.
    """
    trains = {spec.cell.id for spec in docket.specs if spec.cell}
    cells = [
        (name, source)
        for name, source in reference_cells(files, docket.specs)
        if name not in trains
    ]
    calls, of = dict[str, Call](), dict[str, tuple[str, str]]()
    dockets = {name: docket.of(values) for name, values in (draws or {}).items()} or {"": docket}
    for label, one in dockets.items():
        for spec in one.specs:
            key = f"{spec.id} for {label}" if spec.varies and label else spec.id
            if spec.call is not None and key not in calls and (checks is None or spec.id in checks):
                calls[key], of[key] = (
                    msgspec.structs.replace(spec.call, id=key),
                    (spec.id, label if spec.varies else ""),
                )
    request = _request(files, cells, len(dockets))
    evidence = executor.run("calibration", request, list(calls.values()))
    # A cell that looks at what the left out cells have trained fails here, and no call needs it.
    # Where a call fails, an earlier cell may be why.
    for run in (
        (*(cell.run for cell in evidence.cells), *evidence.calls)
        if _failed(evidence.calls) or not evidence.calls
        else ()
    ):
        if run.status is not RunStatus.FINISHED:
            problem = (
                describe_error(run.error) if run.error else f"{run.status} {evidence.ending.detail}"
            )
            message = f"the reference of {files.slug} fails in {run.id}: {problem}"
            raise AssignmentError(message)
    models = {
        run.id: Observation(run)
        for run in evidence.calls
        if Observation(run).steps and _comparable(calls[run.id])
    }
    if not models:
        message = (
            f"{files.checks}: no check calls a function that trains, so there is nothing to"
            " calibrate"
        )
        raise AssignmentError(message)
    broken = {
        key: verdict.message
        for key, model in models.items()
        if of[key][1]
        and not calls[key].batches
        and (verdict := _on_itself(dockets[of[key][1]], of[key][0], model)).cause
        is not Cause.AGREES
    }
    return Bench(
        files,
        executor,
        cells,
        {key: calls[key] for key in models},
        models,
        of,
        len(dockets),
        broken,
        older,
    )


def older_machine(assignment: Assignment) -> Executor:
    """Runs programs as a machine without newer instructions would."""
    return Executor(1, assignment.isolation, PORTABLE, assignment.packages)


def _on_itself(docket: Docket, check: str, model: Observation) -> Verdict:
    """Return a check's verdict on the reference itself."""
    return docket.judge(next(spec for spec in docket.specs if spec.id == check), model, model)


def _request(files: AssignmentFiles, cells: Cells, variants: int) -> ExecutionRequest:
    """A run of `cells`, with what calls on so many variants may use."""
    request, limits = plan_probes(files, cells, [], "").request, files.assignment.limits
    more = {name: getattr(limits, name) * variants for name in ("cpu_s", "wall_s")} | {
        "evidence_bytes": limits.evidence_bytes * min(variants, 8)
    }
    return msgspec.structs.replace(request, limits=msgspec.structs.replace(limits, **more))


def _comparable(call: Call) -> bool:
    """Tell whether steps can be compared.

    With an optimizer that a driver makes, a model with random parameters is trained, which takes a
    record of its batches.
    """
    made = any(
        isinstance(value, OptimizerSpec) and not value.over for value in call.arguments.values()
    )
    return call.batches or not made


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs programs on the calls that train.

    `models` are the reference's runs, `calls` the calls, both by a key that is the check's id, or
    the check's and a variant's (`of`: both apart); there are so many `variants`, and on those in
    `broken` the check does not pass the reference.
    """

    files: AssignmentFiles
    executor: Executor
    cells: Cells
    calls: Mapping[str, Call]
    models: Mapping[str, Observation]
    of: Mapping[str, tuple[str, str]]
    variants: int
    broken: Mapping[str, str]
    older: Executor | None = None

    def tasks(self) -> list[Task]:
        """Return all programs to try; those for an older machine where there is one.

        What an older CPU or more of its threads compute is no variation of what a GPU does.
        """
        of_cpus = (
            [*([self._portable] if self.older else []), self._threads]
            if self.files.assignment.device is Device.CPU
            else []
        )
        return [*of_cpus, self._rephrasings, *self._equivalents(), *self._mistakes()]

    def few_tasks(self) -> list[Task]:
        """Return right programs by other calls of the reference only, and all mistakes."""
        return [self._rephrasings, *self._mistakes()]

    def across(self, answers: Sequence[Answer]) -> list[Across]:
        """Gather the answers by check, in the order of the checks."""
        found: dict[str, dict[str, Spread]] = {}
        for key in self.models:
            mine = [answer for answer in answers if answer.check == key]
            rights = tuple(
                answer.tried for answer in mine if answer.right and answer.tried is not None
            )
            wrongs = tuple(
                answer.tried for answer in mine if not answer.right and answer.tried is not None
            )
            check, label = self.of[key]
            found.setdefault(check, {})[label] = Spread(
                key, rights, wrongs, self.broken.get(key, "")
            )
        return [Across(check, spreads) for check, spreads in found.items()]

    def answers(self, tasks: Sequence[Task], progress: Progress | None = None) -> Iterator[Answer]:
        """Try `tasks`, as many programs at once as the executor has slots.

        The old machine's kernels are tried beside them.
        """
        progress = progress or Silent()
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

    def _rephrasings(self) -> list[Answer]:
        """The reference, asked in other words; the calls themselves once more too."""
        asked = [
            (check, rephrasing)
            for check, call in self.calls.items()
            for rephrasing in (Rephrasing("again", call), *rephrasings_of(call))
        ]
        calls = [
            msgspec.structs.replace(rephrasing.call, id=f"{check}/{rephrasing.name}")
            for check, rephrasing in asked
        ]
        runs = {
            run.id: run for run in self._run(self.executor, self._request(self.cells), calls).calls
        }
        tried = [
            (check, rephrasing, runs[f"{check}/{rephrasing.name}"]) for check, rephrasing in asked
        ]
        replays = self._replays((check, run) for check, _, run in tried)
        answers = [
            self._right(check, rephrasing.name, run, replays, returned=not rephrasing.rows_moved)
            for check, rephrasing, run in tried
        ]
        moved = [
            answer
            for answer, (_, rephrasing) in zip(answers, asked, strict=True)
            if rephrasing.rows_moved
        ]
        return [answer if answer not in moved else _with_order(answer, moved) for answer in answers]

    def _portable(self) -> list[Answer]:
        assert self.older is not None
        evidence = self._run(self.older, self._request(self.cells), list(self.calls.values()))
        replays = self._replays((run.id, run) for run in evidence.calls)
        return [
            self._right(run.id, "ATEN_CPU_CAPABILITY=default", run, replays)
            for run in evidence.calls
        ]

    def _threads(self) -> list[Answer]:
        """Batches are recorded in calls only, which have one thread."""
        request = self._request(self.cells)
        calls = {check: call for check, call in self.calls.items() if not call.batches}
        if not calls:
            return []
        calling = tuple(
            cell_that_makes(call, check, request.drivers) for check, call in calls.items()
        )
        request = msgspec.structs.replace(request, cells=request.cells + calling, threads=2)
        runs = [cell.run for cell in self._run(self.executor, request, []).cells][-len(calling) :]
        return [
            self._right(check, "2 threads", _as_call(run, call), {})
            for (check, call), run in zip(calls.items(), runs, strict=True)
        ]

    def _equivalents(self) -> Iterator[Task]:
        made = equivalents(self.files.solution.read_text(encoding="utf-8-sig"), self.files.solution)
        written = (
            Equivalent(one.name, one.function, one.definition)
            for one in known_equivalents(self.files)
        )
        for one in (*made, *written):
            cells = exchange(self.cells, self.files, one.function, one.definition)
            if cells != self.cells:
                yield lambda name=f"{one.name} in {one.function}", cells=cells: self._equivalent(
                    name, cells
                )  # type: ignore[misc]

    def _equivalent(self, name: str, cells: Cells) -> list[Answer]:
        evidence = self._run(self.executor, self._request(cells), list(self.calls.values()))
        replays = self._replays((run.id, run) for run in evidence.calls)
        return [self._right(run.id, name, run, replays) for run in evidence.calls]

    def _mistakes(self) -> Iterator[Task]:
        """Yield tasks of the mistakes that checks should catch.

        Those that checks may let pass are not asked to stay clear of the bar.
        """
        for one in known_mistakes(self.files):
            cells = exchange(self.cells, self.files, one.function, one.definition)
            if cells != self.cells and not one.survives:
                yield lambda name=f"{one.id} in {one.function}", cells=cells: self._mistake(
                    name, cells
                )  # type: ignore[misc]

    def _mistake(self, name: str, cells: Cells) -> list[Answer]:
        # by all its optimizers
        made = {
            check: sum(trace.steps for trace in model.run.traces)
            for check, model in self.models.items()
        }
        calls = [
            msgspec.structs.replace(call, max_steps=3 * made[check] + 10)
            for check, call in self.calls.items()
        ]
        request = msgspec.structs.replace(self._request(cells), limits=self._short_limits())
        runs = self._run(self.executor, request, calls).calls
        # any other ending is as far out as can be
        finished = [run for run in runs if run.status is RunStatus.FINISHED]
        replays = self._replays((run.id, run) for run in finished)
        return [
            Answer(run.id, name, False, Tried(name, self._distance(run.id, run, replays)))
            for run in finished
        ]

    def _right(
        self, check: str, name: str, run: Run, replays: Replays, *, returned: bool = True
    ) -> Answer:
        if run.status is not RunStatus.FINISHED:
            return Answer(
                check, name, True, None, describe_error(run.error) if run.error else str(run.status)
            )
        distance = self._distance(check, run, replays, returned=returned)
        if len(distance.by_step) and distance.by_step[0] > OTHER_PROGRAM:
            return Answer(
                check,
                name,
                True,
                None,
                f"it differs by {distance.by_step[0]:.2g} at the first step, so it is another"
                " program",
            )
        return Answer(check, name, True, Tried(name, distance))

    def _replays(self, runs: Iterable[tuple[str, Run]]) -> Replays:
        """Story and replay of every run of a check that recorded batches, by the run's id.

        Data and optimizer are those of the check's own call, in whatever words the run was asked
        for.
        """
        batched = [(check, run) for check, run in runs if self.calls[check].batches]
        models = {run.id: self.models[check].run for check, run in batched}
        replayer = Replayer(self.files, self.cells, models, None, self.executor)
        replayed = replayer.replay(
            [(msgspec.structs.replace(self.calls[check], id=run.id), run) for check, run in batched]
        )
        return {run.id: (replayer.story(run), replayed.get(run.id)) for _, run in batched}

    def _distance(
        self, check: str, run: Run, replays: Replays, *, returned: bool = True
    ) -> Distance:
        if self.calls[check].batches:
            return stochastic_distance(*replays[run.id])
        return training_distance(Observation(run), self.models[check], returned=returned)

    def _request(self, cells: Cells) -> ExecutionRequest:
        return _request(self.files, cells, self.variants)

    def _short_limits(self) -> Limits:
        """Return limits for programs, of which some never end.

        A call may compute twenty times as long as the reference's longest, at least 5 s; a program
        four times that.
        """
        limits = self._request([]).limits
        longest = math.ceil(20 * max(model.run.cpu_s for model in self.models.values()))
        others = (
            math.ceil(4 * sum(model.run.cpu_s for model in self.models.values()))
            if self.variants > 1
            else 0
        )
        return msgspec.structs.replace(
            limits, cpu_s=min(limits.cpu_s, 4 * max(5, longest) + others)
        )

    def _run(
        self, executor: Executor, request: ExecutionRequest, calls: Sequence[Call]
    ) -> Evidence:
        """Run the calls, once more if the machine failed."""
        return run_again(lambda: executor.run("calibration", request, calls), ours=True)


def _with_order(answer: Answer, moved: Sequence[Answer]) -> Answer:
    """Return the answer of a rephrasing that moved rows, unless the order of rows counts.

    It does where another order of the same call's rows is another program from its first step on.
    """
    others = (other for other in moved if other.check == answer.check)
    if answer.tried is not None and any("another program" in other.reason for other in others):
        return Answer(
            answer.check,
            answer.program,
            True,
            None,
            "in the reverse order it is another program, so the order of the rows counts",
        )
    return answer


def _as_call(run: Run, call: Call) -> Run:
    """Return the run of a cell that made `call` as the run of that call.

    An optimizer that was passed in was the only one given.
    """
    given = any(isinstance(value, OptimizerSpec) for value in call.arguments.values())
    traces = tuple(msgspec.structs.replace(trace, given=given) for trace in run.traces)
    return msgspec.structs.replace(run, returned=run.variables.get(CALLED), traces=traces)
