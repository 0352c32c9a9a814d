"""Running the reference at a student's own parameters, to judge a failed run by its contracts.

What is sent to the sandbox here is the reference and plain numbers; no student code runs beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from autograder.checks import Observation
from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.gradient import increments
from autograder.judgement.contracts.story import Story, flat
from autograder.judgement.diagnosis import diagnose
from autograder.judgement.grading import CheckResult, Visibility
from autograder.pipeline.judging import find_run
from autograder.pipeline.plan import PACKAGE, plan_probes
from autograder.protocol import ArgumentList, Call, Leaf, OptimizerSpec
from autograder.trace import Array, array_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from autograder.docket import CheckSpec
    from autograder.execution.executor import Executor
    from autograder.judgement.contracts.case import Arrays, Field
    from autograder.judgement.finding import Finding
    from autograder.pipeline.prepare import Prepared
    from autograder.protocol import Argument
    from autograder.store import EvidenceStore
    from autograder.trace import Evidence, NdArray, Run

PROBED_EVENTS = 24
"""Gradients are compared at the first events, where a mistake shows before it has compounded, and at some spread over the rest."""

REPLAY = (PACKAGE / "sandboxed" / "replay.py").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A failed check whose run was fully recorded."""

    spec: CheckSpec
    story: Story
    events: tuple[int, ...]

    def calls(self, elsewhere: CheckSpec | None) -> Iterator[Call]:
        """The reference's calls that judge it: its gradient at each probed event, on the call's data and on `elsewhere`'s, and the replay of the steps."""
        assert self.spec.call is not None
        for event in self.events:
            point = self.story.point(event)
            if point is None or not np.isfinite(flat(point)).all():
                continue
            yield self._at(self.spec.call, point, f"{self.spec.id}/gradient/{event}")
            if elsewhere is not None and elsewhere.call is not None:
                yield self._at(_with_data_of(self.spec.call, elsewhere.call), point, f"{self.spec.id}/elsewhere/{event}")
        if (replay := self._replay()) is not None:
            yield replay

    def _at(self, call: Call, point: Arrays, name: str) -> Call:
        """`call` with the trained parameters at `point`, ended after its first step."""
        arguments = dict(call.arguments)
        for index, values in zip(self.story.trained, point, strict=True):
            _put(arguments, self.story.recording.tensors[index].name, Leaf(array_of(values.astype(np.float32))))
        return msgspec.structs.replace(call, id=name, arguments=arguments, max_steps=1, after=None)

    def _replay(self) -> Call | None:
        assert self.spec.call is not None
        optimizers = {name: value for name, value in self.spec.call.arguments.items() if isinstance(value, OptimizerSpec)}
        rows = [self._step(step) for step in self.story.given_steps]
        if len(optimizers) != 1 or not rows or self.story.given is None or any(row is None for row in rows):
            return None
        (optimizer,) = optimizers.values()
        over = self.spec.call.arguments[optimizer.over]
        values, gradients = (np.stack([row[part] for row in rows if row is not None]).astype(np.float32) for part in (0, 1))
        arguments: dict[str, Argument] = {
            "optimizer": msgspec.structs.replace(optimizer, over="params"),
            "params": over,
            "values": array_of(values),
            "gradients": array_of(gradients),
        }
        return Call(f"{self.spec.id}/replay", self.spec.call.function, arguments, driver="replay")

    def _step(self, step: int) -> tuple[NdArray, NdArray] | None:
        """Values and gradients as a step of the given optimizer found them, flat; a missing gradient is NaN."""
        values, gradients = [], []
        for tensor in self.story.trained:
            value = self.story.value(step, tensor)
            if value is None:
                return None
            inside = [event for event in self.story.backwards if self.story.events[event].inside == step]
            seen = self.story.after(step, tensor) if inside else self.story.before(step, tensor)
            values.append(value)
            gradients.append(np.full(value.shape, np.nan) if seen is None else seen)
        return flat(tuple(values)), flat(tuple(gradients))

    def case(self, reference: Observation, probes: Evidence) -> Case:
        """Put the answers together."""
        runs = {run.id: run for run in probes.calls}
        return Case(
            story=self.story,
            reference=reference,
            gradients=self._field(runs, "gradient"),
            replayed=self._replayed(runs.get(f"{self.spec.id}/replay")),
            elsewhere=self._field(runs, "elsewhere"),
        )

    def _field(self, runs: Mapping[str, Run], kind: str) -> Field:
        found = ((event, self._first_gradient(runs.get(f"{self.spec.id}/{kind}/{event}"))) for event in self.events)
        return {event: gradient for event, gradient in found if gradient is not None}

    def _first_gradient(self, run: Run | None) -> Arrays | None:
        trace = Observation(run).trace if run is not None else None
        if trace is None or not len(trace.recorded.numpy()):
            return None
        names = [self.story.recording.tensors[index].name for index in self.story.trained]
        if any(name not in trace.same_as for name in names):
            return None
        places = [trace.same_as.index(name) for name in names]
        return tuple(trace.gradients[place].numpy()[0].astype(np.float64) for place in places)

    def _replayed(self, run: Run | None) -> Field:
        if run is None or not isinstance(run.returned, Array):
            return {}
        rows = run.returned.numpy()
        return {step: (rows[number],) for number, step in enumerate(self.story.given_steps) if number < len(rows)}


def add_findings(
    prepared: Prepared, results: Sequence[CheckResult], evidence: Evidence, store: EvidenceStore, executor: Executor | None
) -> tuple[CheckResult, ...]:
    """`results` with what the contracts say about the failed ones. `executor` None: only with probes that are stored already."""
    suspects = {suspect.spec.id: suspect for suspect in _suspects(prepared, results, evidence)}
    calls = [call for suspect in suspects.values() for call in suspect.calls(_visible_twin(prepared, suspect.spec))]
    if not calls:
        return tuple(results)
    plan = plan_probes(prepared.files, prepared.reference_cells, calls, REPLAY)
    probes = store.get(plan.key)
    if probes is None and executor is not None:
        probes = executor.run(plan.key, plan.request, plan.calls)
        store.put(probes)
    if probes is None:
        return tuple(results)
    return tuple(
        msgspec.structs.replace(result, findings=_findings(prepared, suspects[result.id], probes)) if result.id in suspects else result
        for result in results
    )


def _findings(prepared: Prepared, suspect: Suspect, probes: Evidence) -> tuple[Finding, ...]:
    model = find_run(prepared.judge.reference, suspect.spec)
    assert model is not None
    return diagnose(suspect.case(Observation(model), probes))


def _suspects(prepared: Prepared, results: Sequence[CheckResult], evidence: Evidence) -> Iterator[Suspect]:
    for spec, result in zip(prepared.judge.specs, results, strict=True):
        run = find_run(evidence, spec)
        model = find_run(prepared.judge.reference, spec)
        if (
            result.points == result.max_points
            or spec.call is None
            or run is None
            or run.recording is None
            or model is None
            or not model.traces
        ):
            continue
        story = Story(run, run.recording)
        if story.trained:
            yield Suspect(spec, story, _spread(sorted(increments(story))))


def _spread(events: Sequence[int]) -> tuple[int, ...]:
    """The first six events and others at equal distances, at most `PROBED_EVENTS`."""
    if len(events) <= PROBED_EVENTS:
        return tuple(events)
    rest = np.linspace(6, len(events) - 1, PROBED_EVENTS - 6).astype(int)
    return (*events[:6], *(events[place] for place in sorted(set(rest.tolist()))))


def _visible_twin(prepared: Prepared, spec: CheckSpec) -> CheckSpec | None:
    """A visible check of the same function on other data: what global variables of the notebook would hold."""
    for other in prepared.judge.specs:
        if (
            other.call is not None
            and other.function == spec.function
            and other.worth.visibility is Visibility.VISIBLE
            and other.id != spec.id
        ):
            assert spec.call is not None
            return other if _data(other.call) != _data(spec.call) and _data(other.call).keys() == _data(spec.call).keys() else None
    return None


def _data(call: Call) -> dict[str, Argument]:
    return {name: value for name, value in call.arguments.items() if isinstance(value, Array)}


def _with_data_of(call: Call, other: Call) -> Call:
    return msgspec.structs.replace(call, arguments=call.arguments | _data(other))


def _put(arguments: dict[str, Argument], name: str, leaf: Leaf) -> None:
    """Put `leaf` in the place that a tensor's name says: "params" or "params[1]"."""
    base, _, index = name.partition("[")
    if not index:
        arguments[base] = leaf
        return
    values = arguments[base]
    assert isinstance(values, ArgumentList)
    place = int(index.rstrip("]"))
    arguments[base] = ArgumentList((*values.values[:place], leaf, *values.values[place + 1 :]))
