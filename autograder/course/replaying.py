"""Running the reference at the states that a student's training went through, batch by batch, so
that a stochastic training can be judged.

What is sent to the sandbox here is the reference and plain numbers; no student code runs beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from autograder.course import batch_objectives
from autograder.course.keys import PACKAGE
from autograder.course.plan import plan_probes
from autograder.errors import AssignmentError
from autograder.evidence.protocol import ArgumentList, Call, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, RunStatus, array_of
from autograder.evidence.trace import Mapping as MappingValue
from autograder.judgement.batches.epochs import BatchStory, story_of
from autograder.judgement.observation import Observation, Replayed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.evidence.protocol import Argument
    from autograder.evidence.store import Store
    from autograder.evidence.trace import NdArray, Run
    from autograder.execution.executor import Executor

DRIVERS = "\n\n".join(
    (PACKAGE / "sandboxed" / "replays" / f"{name}.py").read_text(encoding="utf-8")
    for name in ("replay", "batch_replay")
)
RANDOM_BYTES = 5056
"""Size of the state of torch's default generator on a CPU."""

Named = tuple[Call, "Run"]


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays runs of one assignment.

    `cells` define the reference; `models` are its runs, by id of the call. `executor` None: nothing
    may run; `keep` False: what ran is not stored.
    """

    files: AssignmentFiles
    cells: Sequence[tuple[str, str]]
    models: Mapping[str, Run]
    store: Store | None
    executor: Executor | None
    keep: bool = True

    def replay(self, runs: Sequence[Named]) -> dict[str, Replayed]:
        """What the reference makes of `runs`, by id; those that trained no batches are left out.

        Raises:
            AssignmentError: if the replays are not stored and nothing may run.
        """
        stories = {
            run.id: (call, story) for call, run in runs if (story := self.story(run)) is not None
        }
        calls = [one for call, story in stories.values() for one in replay_calls(call, story)]
        answers = self._run(calls, DRIVERS) if calls else {}
        found = {name: _replayed(answers, name, story) for name, (_, story) in stories.items()}
        return {name: replayed for name, replayed in found.items() if replayed is not None}

    def explained(self, call: Call, run: Run, replayed: Replayed) -> Replayed:
        """`replayed` with the gradients of known wrong objectives at the same states."""
        story = self.story(run)
        if story is None:
            return replayed
        mutants = batch_objectives.mutations(
            self.files.solution.read_text(encoding="utf-8-sig"), self.files.solution
        )
        plan = _Plan(call, story)
        asked = [
            (code, plan.gradients(f"{code}-{number}", mutant=mutant))
            for number, (code, mutant) in enumerate(batch_objectives.losses(mutants))
        ]
        asked += [
            (code, plan.gradients(f"{code}-{number}", targets=rows))
            for number, (code, rows) in enumerate(
                batch_objectives.labels(plan.rows, len(story.images))
            )
        ]
        answers = self._run(
            [one for _, one in asked],
            f"{DRIVERS}\n\n_MUTANTS = {batch_objectives.sources(mutants)!r}\n",
        )
        others: dict[str, NdArray] = {}
        for code, one in asked:
            gradients = _gradients(answers.get(one.id), len(story.pairs))
            if gradients is not None and np.isfinite(gradients).all():
                others[f"{code}#{one.id}"] = gradients
        return Replayed(replayed.gradients, replayed.losses, replayed.after, others)

    def story(self, run: Run) -> BatchStory | None:
        """The run beside the data of its call; None where it can't be replayed: it recorded no
        batches of the data, did not come to its end, or trained another model.
        """
        model = self.models.get(run.id)
        if (
            model is None
            or model.batches is None
            or run.batches is None
            or run.status is not RunStatus.FINISHED
        ):
            return None
        story = story_of(Observation(run), Observation(model))
        fits = (
            story is not None
            and story.pairs
            and story.order is not None
            and sorted(run.batches.shapes) == sorted(model.batches.shapes)
        )
        return story if fits else None

    def _run(self, calls: Sequence[Call], drivers: str) -> dict[str, Run]:
        plan = plan_probes(self.files, self.cells, calls, drivers)
        evidence = None if self.store is None else self.store.get(plan.key)
        if evidence is None:
            if self.executor is None:
                message = (
                    "replays of the reference are not stored, and have to be run: use `autograder"
                    " grade`"
                )
                raise AssignmentError(message)
            evidence = self.executor.aside().run(plan.key, plan.request, plan.calls)
            if self.keep and self.store is not None:
                self.store.put(evidence)
        return {run.id: run for run in evidence.calls}


def replay_calls(call: Call, story: BatchStory) -> Iterator[Call]:
    """What is asked of the reference to judge `story`, a run of `call`: its gradient for each batch
    and, where the call names an optimizer, that optimizer's steps.
    """
    plan = _Plan(call, story)
    yield plan.gradients("batches")
    updates = plan.updates()
    if updates is not None:
        yield updates


@dataclass(frozen=True, slots=True)
class _Plan:
    """The calls of the reference that replay one run."""

    call: Call
    story: BatchStory
    rows: NdArray = field(init=False)
    """Rows of the data in each replayed batch, int64 of shape (pairs, greatest batch), -1 behind
    the last.
    """

    def __post_init__(self) -> None:
        batches = [self.story.rows(event) for _, event in self.story.pairs]
        rows = np.full((len(batches), max(len(batch) for batch in batches)), -1, np.int64)
        for row, batch in zip(rows, batches, strict=True):
            row[: len(batch)] = batch
        object.__setattr__(self, "rows", rows)

    def gradients(self, label: str, *, mutant: str = "", targets: NdArray | None = None) -> Call:
        """The reference's gradient for each batch; with a known mistake, or with other rows'
        labels.
        """
        story = self.story
        forwards = [story.forward(event) for _, event in story.pairs]
        values = np.stack(
            [
                np.zeros(0, np.float32) if one.parameters is None else one.parameters.numpy()
                for one in forwards
            ]
        )
        random = np.stack(
            [
                np.frombuffer(one.random.ljust(RANDOM_BYTES, b"\0")[:RANDOM_BYTES], np.uint8)
                for one in forwards
            ]
        )
        function = story.log.phases[story.rounds[story.pairs[0][0]].phase].function
        shapes = ";".join(",".join(map(str, shape)) for shape in story.log.shapes)
        names = story.data
        arguments: dict[str, Argument] = {
            "replay_plan": "|".join((str(self.call.driver), function, *names, mutant, shapes)),
            "replay_values": array_of(
                values if values.dtype == np.float64 else values.astype(np.float32)
            ),
            "replay_random": array_of(random),
            "replay_rows": array_of(self.rows),
            "replay_targets": array_of(self.rows if targets is None else targets),
        }
        return Call(
            f"{self.call.id}/{label}",
            "",
            self.call.arguments | arguments,
            seed=self.call.seed,
            driver="replay_batches",
        )

    def updates(self) -> Call | None:
        """Steps of a real optimizer from the values and gradients of each step; None where the call
        does not name its optimizer, or rows are missing.
        """
        specs = [
            value
            for value in self.call.arguments.values()
            if isinstance(value, OptimizerSpec) and not value.over
        ]
        trace = self.story.trace
        if len(specs) != 1 or trace is None or not len(trace.recorded.numpy()):
            return None
        steps = trace.recorded.numpy()
        # beyond the dense rows, what an optimizer remembers is not known
        count = int((steps == np.arange(1, len(steps) + 1)).sum())
        wide = [np.float64 if array.dtype == "float64" else np.float32 for array in trace.start]
        values = np.concatenate([self.story.start[None], self.story.flat("parameters")])[:count]
        order = self.story.order
        assert order is not None
        leaves = tuple(
            Leaf(array_of(np.zeros(trace.start[place].shape, wide[place]))) for place in order
        )
        arguments: dict[str, Argument] = {
            "optimizer": msgspec.structs.replace(specs[0], over="params"),
            "params": ArgumentList(leaves),
            "values": array_of(values.astype(wide[0])),
            "gradients": array_of(self.story.flat("gradients")[:count].astype(wide[0])),
        }
        return Call(f"{self.call.id}/updates", "", arguments, driver="replay")


def _replayed(answers: Mapping[str, Run], name: str, story: BatchStory) -> Replayed | None:
    run = answers.get(f"{name}/batches")
    gradients = _gradients(run, len(story.pairs))
    if run is None or gradients is None or not isinstance(run.returned, MappingValue):
        return None
    losses = run.returned.values["losses"]
    assert isinstance(losses, Array)
    updates = answers.get(f"{name}/updates")
    after = (
        updates.returned.numpy()[0]
        if updates is not None and isinstance(updates.returned, Array)
        else None
    )
    return Replayed(gradients, losses.numpy(), None if after is None else after.astype(np.float64))


def _gradients(run: Run | None, count: int) -> NdArray | None:
    """Float64 of shape (pairs, numbers)."""
    if run is None or not isinstance(run.returned, MappingValue):
        return None
    found = run.returned.values.get("gradients")
    return (
        found.numpy().astype(np.float64)
        if isinstance(found, Array) and len(found.numpy()) == count
        else None
    )
