"""One call, made in this process."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.evidence.protocol import ArgumentList, Call, CallBatch, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, ErrorReport, Run, RunStatus, Value
from autograder.sandboxed.calls.arguments import Arguments, build_arguments
from autograder.sandboxed.cells.shell import COLLECTED, run_cell
from autograder.sandboxed.recording.batch_recorder import BatchRecorder
from autograder.sandboxed.recording.full_recorder import FullRecorder
from autograder.sandboxed.recording.recorder import StepBudgetExceeded
from autograder.sandboxed.recording.values import ValueReader
from autograder.sandboxed.session import (
    Session,
    describe,
    drivers_module,
    seed_everything,
    short,
    variables_of,
)

_OUTPUT_LIMIT = 20_000


class NotDefinedError(AttributeError):
    """The notebook has no such name, or it is no function."""


class SignatureError(TypeError):
    """The student's function does not take the assignment's arguments."""


class Student:
    """The notebook's names as attributes, for a driver.

    `batches` follows the calls of its functions.
    """

    def __init__(self, namespace: dict[str, Any], batches: BatchRecorder | None = None) -> None:
        self._namespace, self._batches = namespace, batches

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._namespace:
            message = f"{name} is not defined"
            raise NotDefinedError(message)
        value = self._namespace[name]
        return value if self._batches is None else self._batches.watched(name, value)


@dataclass(slots=True)
class _Tally:
    """Results of a call, as far as it got."""

    status: RunStatus = RunStatus.FINISHED
    returned: object = None
    error: ErrorReport | None = None
    cell_ran: bool = False


def define_given(session: Session, batch: CallBatch) -> ErrorReport | None:
    """Execute the given definitions over the student's, which are lost with it.

    Returns what went wrong.
    """
    if not batch.given:
        return None
    try:
        # this process exists to run code
        exec(compile(batch.given, "<given>", "exec"), session.namespace)  # noqa: S102
    except Exception as error:  # noqa: BLE001 - told in each run
        report = describe(session, error)
        return ErrorReport(
            "GivenError",
            f"the given definitions fail: {report.type}: {report.message}",
            report.traceback,
        )
    return None


def answer_call(session: Session, call: Call, batch: CallBatch, problem: ErrorReport | None) -> Run:
    """Make `call`, unless the batch's given definitions could not be put in place."""
    if problem is None:
        return make_call(session, call, batch)
    return Run(
        id=call.id,
        status=RunStatus.RAISED,
        error=problem,
        given=batch.given_names,
        alone=batch.alone,
    )


def make_call(session: Session, call: Call, batch: CallBatch) -> Run:
    """Make `call` in the present state. Student exceptions become part of the run."""
    COLLECTED.start(_OUTPUT_LIMIT)
    limit = session.allowance_bytes
    try:
        arguments = build_arguments(call.arguments, session.request.device)
    except Exception as error:  # noqa: BLE001 - the assignment's own fault, told as such
        report = ErrorReport(
            "ArgumentError", short(f"the arguments of this call can't be made: {error}")
        )
        return Run(
            id=call.id,
            status=RunStatus.RAISED,
            error=report,
            given=batch.given_names,
            alone=batch.alone,
        )
    seed_everything(call.seed)
    full = (
        FullRecorder(limit, arguments.leaves, arguments.optimizers)
        if batch.alone and not call.batches
        else None
    )
    batches = BatchRecorder(limit // 2) if call.batches else None
    recorder = session.recorder
    recorder.start(
        limit // 2,
        names=arguments.names,
        given=arguments.optimizers,
        max_steps=call.max_steps,
        full=full,
        batches=batches,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    tally = _carry_out(session, call, arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    recording = None if full is None else full.finish()
    log = None if batches is None else batches.finish()
    reader = ValueReader(limit // 2, arguments.names)
    return Run(
        id=call.id,
        status=tally.status,
        returned=reader.read(tally.returned),
        arguments=_after(call, arguments, reader),
        variables=variables_of(session, call.capture) if tally.cell_ran else {},
        traces=session.recorder.traces(),
        output=COLLECTED.text,
        error=tally.error,
        cpu_s=cpu,
        wall_s=wall,
        given=batch.given_names,
        alone=batch.alone,
        recording=recording,
        batches=log,
    )


def _carry_out(session: Session, call: Call, arguments: Arguments) -> _Tally:
    tally = _Tally()
    try:
        if call.cell is not None:
            _run_cell_again(session, call.cell, tally)
        else:
            tally.returned = _function(session, call, arguments)()
    except NotDefinedError as error:
        tally.status, tally.error = (
            RunStatus.UNDEFINED,
            ErrorReport("NotDefinedError", short(str(error))),
        )
    except SignatureError as error:
        tally.status, tally.error = (
            RunStatus.RAISED,
            ErrorReport("SignatureError", short(str(error))),
        )
    # ours: no line of the student's explains it, and to describe frames takes longer than many a
    # call
    except StepBudgetExceeded as error:
        tally.status, tally.error = (
            RunStatus.RAISED,
            ErrorReport("StepBudgetExceeded", short(str(error))),
        )
    # student code may raise anything, SystemExit included
    except BaseException as error:  # noqa: BLE001
        tally.status, tally.error = RunStatus.RAISED, describe(session, error)
    return tally


def _run_cell_again(session: Session, cell_id: str, tally: _Tally) -> None:
    cell = next((cell for cell in session.request.cells if cell.id == cell_id), None)
    if cell is None:
        message = f"there is no cell {cell_id}"
        raise NotDefinedError(message)
    result = run_cell(session.shell, session.loop, cell.id, cell.source)
    tally.cell_ran = True
    if result.error is not None:
        tally.status, tally.error = RunStatus.RAISED, describe(session, result.error, cell.id)


def _function(session: Session, call: Call, arguments: Arguments) -> Callable[[], object]:
    """Return the call as a function without parameters.

    Raises:
        NotDefinedError: if the notebook does not have it, or it is not callable.
        SignatureError: if it does not take the arguments.
    """
    function = session.namespace.get(call.function)
    if call.driver is not None:
        if call.function and call.function not in session.namespace:
            message = f"{call.function} is not defined"
            raise NotDefinedError(message)
        driver = getattr(drivers_module(session.request.drivers), call.driver)
        return lambda: driver(
            Student(session.namespace, session.recorder.batches), **arguments.values
        )
    if function is None and call.function not in session.namespace:
        message = f"{call.function} is not defined"
        raise NotDefinedError(message)
    if not callable(function):
        message = f"{call.function} is no function, but of type {type(function).__name__}"
        raise NotDefinedError(message)
    _check_signature(call, function)
    return lambda: function(**arguments.values)


def _check_signature(call: Call, function: Callable[..., object]) -> None:
    try:
        signature = inspect.signature(function)
    except Exception:  # noqa: BLE001 - builtins have none, and a student's object may lie
        return
    try:
        signature.bind(**call.arguments)
    except TypeError as error:
        expected = ", ".join(call.arguments)
        message = f"{call.function} must take ({expected}), but it takes {signature}: {error}"
        raise SignatureError(message) from error


def _after(call: Call, arguments: Arguments, reader: ValueReader) -> dict[str, Value]:
    """The tensors, lists and optimizers that were passed, as they are now."""
    kinds = (Array, Leaf, ArgumentList, OptimizerSpec)
    kept = {name: spec for name, spec in call.arguments.items() if isinstance(spec, kinds)}
    return {
        name: reader.read(arguments.values[name])
        for name, spec in kept.items()
        if not isinstance(spec, OptimizerSpec) or spec.over
    }
