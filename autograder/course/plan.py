"""What to run for a submission, and under which key its evidence is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import msgspec

from autograder.assignment import placed
from autograder.course.keys import digest, given_source, run_inputs
from autograder.evidence.limits import Device
from autograder.evidence.protocol import Call, CallBatch, Cell, ExecutionRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import CheckSpec
    from autograder.evidence.trace import Evidence


class _PlacedOn(TypedDict):
    device: Device
    unforked: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One execution: the cells, then the calls.

    `key` is a hash of all that its result depends on, `cells_key` of all but the calls; empty for
    probes, of which all is run or nothing.
    """

    key: str
    request: ExecutionRequest
    calls: tuple[Call, ...]
    cells_key: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """By id of each call, hash of it and of the state in which it is made."""
        return {call.id: digest(msgspec.msgpack.encode(call)) for call in self.calls}

    def signed(self, evidence: Evidence, inputs: Mapping[str, str]) -> Evidence:
        """Return `evidence` of this plan with what it was made from, so that another run can take
        over what it holds and `regrade` can tell whether it is of today's question.
        """
        return msgspec.structs.replace(
            evidence, cells_key=self.cells_key, asked=self.asked, inputs=dict(inputs)
        )


def plan_execution(
    files: AssignmentFiles,
    specs: Sequence[CheckSpec],
    cells: Sequence[tuple[str, str]],
    holds: Mapping[str, str],
) -> Plan:
    """Plan the run of `cells` (id and source of each) and of every call that the checks want.

    `holds` names, for each function that the notebook binds again after its last visible check
    cell, that cell: the function is called in the state there.
    """
    capture: dict[str, set[str]] = {}
    for spec in specs:
        if spec.cell is not None:
            capture.setdefault(spec.cell.id, set()).update(spec.cell.capture)
    assignment = files.assignment
    request = ExecutionRequest(
        cells=tuple(
            Cell(name, source, tuple(sorted(capture.get(name, ()))), name in holds.values())
            for name, source in cells
        ),
        seed=assignment.seed,
        limits=assignment.limits,
        files={placed(name): (files.folder / name).read_bytes() for name in assignment.files},
        drivers=files.drivers_source(),
        **_placed_on(files),
    )
    calls = tuple(
        msgspec.structs.replace(spec.call, after=holds.get(spec.function))
        for spec in specs
        if spec.call is not None
    )
    cells_key = digest(msgspec.msgpack.encode(request), msgspec.json.encode(run_inputs(files)))
    return Plan(
        digest(cells_key.encode(), msgspec.msgpack.encode(calls)), request, calls, cells_key
    )


def plan_probes(
    files: AssignmentFiles, cells: Sequence[tuple[str, str]], calls: Sequence[Call], drivers: str
) -> Plan:
    """Plan calls of the reference: `cells` define it, `drivers` are the grader's own besides the
    assignment's.
    """
    request = ExecutionRequest(
        cells=tuple(Cell(name, source) for name, source in cells),
        seed=files.assignment.seed,
        limits=files.assignment.limits,
        files={placed(name): (files.folder / name).read_bytes() for name in files.assignment.files},
        drivers=f"{files.drivers_source()}\n\n{drivers}",
        **_placed_on(files),
    )
    key = digest(
        b"probes", msgspec.msgpack.encode([request, calls]), msgspec.json.encode(run_inputs(files))
    )
    return Plan(key, request, tuple(calls))


def rerun_batches(
    files: AssignmentFiles,
    specs: Sequence[CheckSpec],
    given: Mapping[str, tuple[str, ...]],
    holds: Mapping[str, str],
) -> list[CallBatch]:
    """Batches that run each of `specs` again, alone, with the definitions that `given` names for it
    (by check id) in place of the student's.

    A cell is run again only with given definitions: without, its one run as it happened is what
    counts.
    """
    grouped: dict[tuple[str, ...], list[Call]] = {}
    for spec in specs:
        names = given.get(spec.id, ())
        if spec.call is not None:
            grouped.setdefault(names, []).append(
                msgspec.structs.replace(
                    spec.call, after=None if names else holds.get(spec.function)
                )
            )
        elif names and spec.cell is not None:
            wanted = Call(
                spec.cell.id,
                "",
                {},
                seed=files.assignment.seed,
                cell=spec.cell.id,
                capture=spec.cell.capture,
            )
            grouped.setdefault(names, []).append(wanted)
    return [
        CallBatch(tuple(calls), alone=True, given=given_source(files, names), given_names=names)
        for names, calls in grouped.items()
    ]


def _placed_on(files: AssignmentFiles) -> _PlacedOn:
    """Where cells and calls run; on a GPU without forks after its first use, which CUDA does not
    survive.
    """
    device = files.assignment.device
    return {"device": device, "unforked": device is not Device.CPU}
