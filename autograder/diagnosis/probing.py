"""Running the reference at a student's own parameters, to judge a failed run by its contracts.

What is sent to the sandbox here is the reference and plain numbers; no student code runs beside it.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np

from autograder.course.judging import find_run
from autograder.course.keys import PACKAGE
from autograder.course.plan import plan_probes
from autograder.diagnosis import objectives
from autograder.diagnosis.batch_findings import with_batch_findings
from autograder.evidence.protocol import ArgumentList, Call, CallBatch, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, RunStatus, array_of
from autograder.judgement.comparing.updates import contradicts_itself
from autograder.judgement.consequences import diagnose
from autograder.judgement.contracts import examine, kept
from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.gradient import increments
from autograder.judgement.contracts.story import Story, flat
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.grade import Cause, CheckResult, Outcome, Visibility
from autograder.judgement.observation import Observation
from autograder.judgement.points import of_contracts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from autograder.checks.docket import CheckSpec
    from autograder.course.judging import Judge
    from autograder.course.prepare import Prepared
    from autograder.evidence.protocol import Argument
    from autograder.evidence.store import Store
    from autograder.evidence.trace import Evidence, NdArray, Run
    from autograder.execution.executor import Executor
    from autograder.judgement.contracts.case import Arrays, Field

OBJECTIVES_LOOKED_UP, OBJECTIVE_EVENTS = 2, 4
"""How many failed checks of one submission are compared with all known wrong objectives, and at how
many points: some 60 calls for each.
"""

PROBED_EVENTS = 24
"""Gradients are compared at the first events, where a mistake shows before it has compounded, and
at some spread over the rest.
"""

REPLAY = (PACKAGE / "sandboxed" / "replays" / "replay.py").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A failed check whose run was fully recorded."""

    spec: CheckSpec
    story: Story
    events: tuple[int, ...]
    order: tuple[int, ...]
    """All events that have a gradient; `events` are those of them that are probed."""

    def calls(self, elsewhere: CheckSpec | None) -> Iterator[Call]:
        """Yield the reference's calls that judge it.

        They are its gradient at each probed event, on `elsewhere`'s data at the first of them, and
        the replay of the steps.
        """
        assert self.spec.call is not None
        for event in self.events:
            yield from self.at(self.spec.call, event, "gradient")
        if elsewhere is not None and elsewhere.call is not None:
            for event in self.events[:OBJECTIVE_EVENTS]:
                yield from self.at(
                    _with_data_of(self.spec.call, elsewhere.call), event, "elsewhere"
                )
        if (replay := self.replay()) is not None:
            yield replay

    def at(self, call: Call, event: int, label: str) -> Iterator[Call]:
        """Yield `call` restarted at the parameters of `event` and stopped after one step.

        Nothing if they were not recorded or are not finite.
        """
        point = self.story.point(event)
        if point is None or not np.isfinite(flat(point)).all():
            return
        arguments = {name: _looking_once(value) for name, value in call.arguments.items()}
        for index, values in zip(self.story.trained, point, strict=True):
            _put(
                arguments,
                self.story.recording.tensors[index].name,
                Leaf(array_of(values.astype(np.float32))),
            )
        turns = arguments.get(call.turns)
        if isinstance(turns, ArgumentList) and turns.values:
            # whose turn it was, so that the probe begins there
            first = self.order.index(event) % len(turns.values)
            arguments[call.turns] = ArgumentList(turns.values[first:] + turns.values[:first])
        yield msgspec.structs.replace(
            call, id=f"{self.spec.id}/{label}/{event}", arguments=arguments, max_steps=1, after=None
        )

    def replay(self) -> Call | None:
        """Return the call for a real optimizer's steps from the values and gradients found.

        The given one found them; None where it made no steps, or can't be followed.
        """
        assert self.spec.call is not None
        optimizers = {
            name: value
            for name, value in self.spec.call.arguments.items()
            if isinstance(value, OptimizerSpec)
        }
        rows = [self._step(step) for step in self.story.given_steps]
        if (
            len(optimizers) != 1
            or not rows
            or self.story.given is None
            or any(row is None for row in rows)
        ):
            return None
        (optimizer,) = optimizers.values()
        over = self.spec.call.arguments[optimizer.over]
        values, gradients = (
            np.stack([row[part] for row in rows if row is not None]).astype(np.float32)
            for part in (0, 1)
        )
        arguments: dict[str, Argument] = {
            "optimizer": msgspec.structs.replace(optimizer, over="params"),
            "params": over,
            "values": array_of(values),
            "gradients": array_of(gradients),
        }
        return Call(f"{self.spec.id}/replay", self.spec.call.function, arguments, driver="replay")

    def _step(self, step: int) -> tuple[NdArray, NdArray] | None:
        """Return values and gradients as a step of the given optimizer found them, flat.

        A missing gradient is NaN.
        """
        values, gradients = [], []
        for tensor in self.story.trained:
            value = self.story.value(step, tensor)
            if value is None:
                return None
            inside = [
                event for event in self.story.backwards if self.story.events[event].inside == step
            ]
            seen = self.story.after(step, tensor) if inside else self.story.before(step, tensor)
            values.append(value)
            gradients.append(np.full(value.shape, np.nan) if seen is None else seen)
        return flat(tuple(values)), flat(tuple(gradients))

    def case(self, reference: Observation, runs: Mapping[str, Run]) -> Case:
        """Put the answers together."""
        return Case(
            story=self.story,
            reference=reference,
            gradients=self.field(runs, "gradient", self.events),
            replayed=self._replayed(runs.get(f"{self.spec.id}/replay"), 0),
            forgetful=self._replayed(runs.get(f"{self.spec.id}/replay"), 1),
            elsewhere=self.field(runs, "elsewhere", self.events),
            public=self.spec.worth.visibility is Visibility.VISIBLE,
            in_turn=self.spec.call is not None and bool(self.spec.call.turns),
        )

    def field(self, runs: Mapping[str, Run], label: str, events: Sequence[int]) -> Field:
        """The gradients that the runs with `label` saw first."""
        found = (
            (event, self._first_gradient(runs.get(f"{self.spec.id}/{label}/{event}")))
            for event in events
        )
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

    def _replayed(self, run: Run | None, which: int) -> Field:
        if run is None or not isinstance(run.returned, Array):
            return {}
        rows = run.returned.numpy()[which]
        return {
            step: (rows[number],)
            for number, step in enumerate(self.story.given_steps)
            if number < len(rows)
        }


@dataclass(frozen=True, slots=True)
class _Examined:
    """A suspect's case, and what is to be said of it."""

    case: Case
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, case: Case) -> Self:
        return cls(case, diagnose(case))


@dataclass(frozen=True, slots=True)
class _Lab:
    """Runs the reference on probe calls, or finds their evidence stored.

    `executor` None: nothing may run.
    """

    prepared: Prepared
    store: Store
    executor: Executor | None

    def run(self, calls: Sequence[Call], drivers: str) -> dict[str, Run] | None:
        """Runs by call id; None if they would have to be made and may not."""
        if not calls:
            return {}
        plan = plan_probes(self.prepared.files, self.prepared.reference_cells, calls, drivers)
        evidence = self.store.get(plan.key)
        if evidence is None and self.executor is not None:
            evidence = self.executor.run(plan.key, plan.request, plan.calls)
            self.store.put(evidence)
        return None if evidence is None else {run.id: run for run in evidence.calls}

    def examine(self, suspects: Mapping[str, Suspect]) -> dict[str, _Examined]:
        """Return the diagnosed case of each suspect, by check id.

        A wrong objective is looked up among the known ones in a second round. Empty if it would
        take runs that may not be made.
        """
        calls = [
            call
            for suspect in suspects.values()
            for call in suspect.calls(_visible_twin(self.prepared, suspect.spec))
        ]
        runs = self.run(calls, REPLAY)
        if runs is None:
            return {}
        cases = {
            name: _Examined.of(suspect.case(self._model(suspect), runs))
            for name, suspect in suspects.items()
        }
        unnamed = [
            name
            for name, one in cases.items()
            if any(finding.code == "other-objective" for finding in one.findings)
        ]
        for name in unnamed[:OBJECTIVES_LOOKED_UP]:
            case = cases[name].case
            cases[name] = _Examined.of(
                dataclasses.replace(
                    case, objectives=self._objectives(suspects[name], case.gradients)
                )
            )
        return cases

    def blind_to(self, spec: CheckSpec) -> frozenset[Contract]:
        """Return contracts that the reference itself breaks in a call through a driver.

        There the driver does on purpose what they look for, and they say nothing of a student.
        """
        if spec.call is None or spec.call.driver is None:
            return frozenset()
        run = self._recorded(spec.call)
        model = find_run(self.prepared.judge.reference, spec)
        if run is None or run.recording is None or model is None:
            return frozenset(Contract)  # nothing can be told
        story = Story(run, run.recording)
        order = sorted(increments(story))
        itself = Suspect(spec, story, _spread(order), tuple(order))
        runs = self.run(list(itself.calls(None)), REPLAY)
        return (
            frozenset(Contract)
            if runs is None
            else frozenset(one.contract for one in examine(itself.case(Observation(model), runs)))
        )

    def _recorded(self, call: Call) -> Run | None:
        """Return the reference's run of `call`, alone and fully recorded.

        None if it would have to be made and may not.
        """
        plan = plan_probes(
            self.prepared.files,
            self.prepared.reference_cells,
            [msgspec.structs.replace(call, after=None)],
            "# alone",
        )
        evidence = self.store.get(plan.key)
        if evidence is None and self.executor is not None:
            evidence = self.executor.run(
                plan.key, plan.request, (), lambda _: [CallBatch(plan.calls, alone=True)]
            )
            self.store.put(evidence)
        return None if evidence is None or not evidence.calls else evidence.calls[-1]

    def _model(self, suspect: Suspect) -> Observation:
        model = find_run(self.prepared.judge.reference, suspect.spec)
        assert model is not None
        return Observation(model)

    def _objectives(self, suspect: Suspect, whole: Field) -> list[tuple[str, Field]]:
        """The gradient fields of all known wrong objectives at the suspect's first points."""
        assert suspect.spec.call is not None
        solution = self.prepared.files.solution
        mutants = objectives.mutations(solution.read_text(encoding="utf-8"), solution)
        events = suspect.events[:OBJECTIVE_EVENTS]
        known = [
            (code, label, call)
            for code, label, call in objectives.hypotheses(suspect.spec.call, mutants)
        ]
        single = list(objectives.sample_calls(suspect.spec.call))
        calls = [
            call
            for event in events
            for _, label, base in known
            for call in suspect.at(base, event, label)
        ]
        calls += [
            call
            for event in events
            for row, base in single
            for call in suspect.at(base, event, f"sample-{row}")
        ]
        runs = self.run(calls, f"{REPLAY}\n{objectives.mutant_driver(mutants)}") or {}
        fields = [(code, suspect.field(runs, label, events)) for code, label, _ in known]
        samples = {row: suspect.field(runs, f"sample-{row}", events) for row, _ in single}
        return fields + list(
            objectives.subset_fields(
                samples, {event: whole[event] for event in events if event in whole}
            )
        )


def add_findings(
    prepared: Prepared,
    results: Sequence[CheckResult],
    evidence: Evidence,
    store: Store,
    executor: Executor | None,
) -> tuple[CheckResult, ...]:
    """Add the contracts' findings to the failed results, and points for contracts kept.

    `executor` None: only with probes that are stored already.
    """
    suspects = {
        suspect.spec.id: suspect for suspect in find_suspects(prepared.judge, results, evidence)
    }
    lab = _Lab(prepared, store, executor)
    cases = lab.examine(suspects) if suspects else {}
    blind = {
        name: lab.blind_to(suspect.spec) for name, suspect in suspects.items() if name in cases
    }
    passed = {result.id for result in results if result.outcome is Outcome.PASSED}
    results = with_batch_findings(prepared.judge, results, evidence)
    told = (
        _with_findings(
            prepared, result, cases.get(result.id), passed, blind.get(result.id, frozenset())
        )
        for result in results
    )
    return tuple(
        msgspec.structs.replace(result, note=_contradiction(result, evidence)) for result in told
    )


def blind_contracts(
    prepared: Prepared, spec: CheckSpec, store: Store, executor: Executor | None
) -> frozenset[Contract]:
    """Return contracts that say nothing of `spec`'s runs: its driver breaks them on purpose."""
    return _Lab(prepared, store, executor).blind_to(spec)


def _contradiction(result: CheckResult, evidence: Evidence) -> str:
    """Say where a failed run's own records can't all be true; empty if they can.

    The judge recomputes what it can, and a person should look.
    """
    if result.outcome is not Outcome.FAILED:
        return ""
    trace = next(
        (Observation(cell.run).trace for cell in evidence.cells if cell.run.id == result.run), None
    )
    if any(finding.code == "changes-update" for finding in result.findings) or (
        trace is not None and contradicts_itself(trace)
    ):
        return (
            "The recorded steps are not what torch.optim makes of the recorded gradients: the"
            " notebook reaches into the optimizer, or its evidence is forged."
        )
    runs = [
        run
        for run in evidence.calls
        if run.id == result.run and not run.given and run.status is RunStatus.FINISHED
    ]
    if len({msgspec.msgpack.encode(run.returned) for run in runs}) > 1:
        return (
            "Two runs of the same call with the same seed returned different values: the notebook"
            " is not deterministic, or its evidence is forged."
        )
    return ""


def _with_findings(
    prepared: Prepared,
    result: CheckResult,
    examined: _Examined | None,
    passed: set[str],
    blind: frozenset[Contract],
) -> CheckResult:
    spec = next(spec for spec in prepared.judge.specs if spec.id == result.id)
    if examined is None:
        twin = (
            _visible_twin(prepared, spec)
            if spec.call is not None and result.cause is Cause.RAISED
            else None
        )
        foreign = (
            _foreign_length(result.message, spec, twin)
            if twin is not None and twin.id in passed
            else None
        )
        if foreign is None:
            return result
        observed = (
            f"your function raises here over {foreign} samples, as many as the lecture's data have"
        )
        finding = Finding(
            "uses-globals", Contract.GRADIENT, observed, "it works on the data that it is given"
        )
        return msgspec.structs.replace(result, findings=(finding,))
    findings = tuple(finding for finding in examined.findings if finding.contract not in blind)
    if not findings:
        return msgspec.structs.replace(result, findings=())
    held = kept(examined.case, frozenset(finding.contract for finding in findings))
    points = of_contracts(spec.worth.contracts, held, result.points)
    return msgspec.structs.replace(result, findings=findings, points=points)


def _foreign_length(message: str, spec: CheckSpec, twin: CheckSpec) -> int | None:
    """Return the number of samples of the visible call, if the error names it beside the call's.

    If so, a name of the notebook got in. An error of any other kind says nothing of that.
    """
    assert spec.call is not None
    assert twin.call is not None
    own, others = (
        {
            value.shape[0]
            for value in _data(call).values()
            if isinstance(value, Array) and value.shape
        }
        for call in (spec.call, twin.call)
    )
    named = {int(number) for number in re.findall(r"\d+", message.partition(" (cell ")[0])}
    foreign = sorted((others - own) & named)
    return foreign[0] if foreign and own & named else None


def find_suspects(
    judge: Judge, results: Sequence[CheckResult], evidence: Evidence
) -> Iterator[Suspect]:
    """The failed checks of `results` whose runs were fully recorded and trained something."""
    for spec, result in zip(judge.specs, results, strict=True):
        run = find_run(evidence, spec)
        model = find_run(judge.reference, spec)
        if (
            result.outcome is not Outcome.FAILED
            or spec.call is None
            or not spec.call.trains
            or run is None
            or run.recording is None
            or not _ran(run)
            or model is None
            or not model.traces
        ):
            continue
        story = Story(run, run.recording)
        if story.trained:
            order = sorted(increments(story))
            yield Suspect(spec, story, _spread(order), tuple(order))


def _ran(run: Run) -> bool:
    """Tell whether the call came to its end, or to the end of its step budget.

    What raised half-way is explained by its error.
    """
    return run.status is RunStatus.FINISHED or (
        run.error is not None and run.error.type == "StepBudgetExceeded"
    )


def _spread(events: Sequence[int]) -> tuple[int, ...]:
    """The first six events and others at equal distances, at most `PROBED_EVENTS`."""
    if len(events) <= PROBED_EVENTS:
        return tuple(events)
    rest = np.linspace(6, len(events) - 1, PROBED_EVENTS - 6).astype(int)
    return (*events[:6], *(events[place] for place in sorted(set(rest.tolist()))))


def _visible_twin(prepared: Prepared, spec: CheckSpec) -> CheckSpec | None:
    """Return a visible check of the same function on other data.

    Global variables of the notebook would hold those.
    """
    for other in prepared.judge.specs:
        if (
            other.call is not None
            and other.function == spec.function
            and other.worth.visibility is Visibility.VISIBLE
            and other.id != spec.id
        ):
            assert spec.call is not None
            return (
                other
                if _data(other.call) != _data(spec.call)
                and _data(other.call).keys() == _data(spec.call).keys()
                else None
            )
    return None


def _data(call: Call) -> dict[str, Argument]:
    return {name: value for name, value in call.arguments.items() if isinstance(value, Array)}


def _with_data_of(call: Call, other: Call) -> Call:
    return msgspec.structs.replace(call, arguments=call.arguments | _data(other))


def _looking_once(value: Argument) -> Argument:
    """Return an optimizer that looks at the gradient of the point where it stands and no other.

    It takes the place of LBFGS, whose step ends at another.
    """
    if isinstance(value, OptimizerSpec) and value.name == "LBFGS":
        return msgspec.structs.replace(value, name="SGD", settings={"lr": 0.0})
    return value


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
