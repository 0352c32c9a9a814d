"""Measuring tolerances: how far right programs lie apart on each call that trains, how near the
nearest mistake comes, and the bar between.

Right programs are the reference under legitimate variation; mistakes are those that `validate`
tries. All make the same calls, without the cells that train for long.
"""

from __future__ import annotations

import datetime
import platform
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.atomic import write_atomic
from autograder.checks.docket import measured_calls, open_docket
from autograder.commands.calibrate.bench import make_bench, older_machine
from autograder.commands.validate.record import record_refusals
from autograder.draw import SAMPLES
from autograder.errors import AssignmentError, CalibrationError
from autograder.evidence.limits import Device
from autograder.evidence.protocol import OptimizerSpec
from autograder.judgement.calibration import (
    Calibration,
    calibration_path,
    calibration_text,
    call_digest,
    changes,
    read_calibration,
)
from autograder.judgement.comparing.spread import Across, clear_of
from autograder.judgement.comparing.tolerance import LEAST_MARGIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.commands.calibrate.bench import Answer, Bench
    from autograder.course.progress import Progress
    from autograder.course.results import ResultsFolder
    from autograder.draw import Values
    from autograder.evidence.protocol import Call
    from autograder.execution.executor import Executor

MOST_REFUSED = 15
"""Of the variants drawn, before it is the assignment that is at fault: a student in three would
have to be drawn again.
"""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Calibration as written, and what to know about it.

    `warnings` are for a reviewer; `left_out` names the variants that could not be tried; `changes`
    says what changed.
    """

    calibration: Calibration
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    changes: tuple[str, ...]
    tried: int


def calibrate_assignment(
    files: AssignmentFiles, results: ResultsFolder, executor: Executor, progress: Progress
) -> Calibrated:
    """Measure every check of `files` that trains, and write calibration.toml.

    Where checks vary, 30 drawn variants are measured.

    On 30 drawn variants where they vary. `results` keeps which checks have no bar.

    Raises:
        AssignmentError: if the reference raises in a call, or no check trains.
        CalibrationError: if a check has no room for a bar, naming the mistake that is nearest and
            what to change; calibration.toml stays as it was then.
        SandboxError: if the machine can't isolate programs as the assignment requires.
    """
    before = read_calibration(calibration_path(files.folder))

    def body(
        docket: Docket,
    ) -> tuple[dict[str, tuple[Call, ...]], Bench, list[Answer], list[Across], list[str]]:
        calls = measured_calls(
            files, lambda values: docket.of(values).specs if values else docket.specs
        )
        with (
            older_machine(files.assignment)
            if files.assignment.device is Device.CPU
            else nullcontext()
        ) as older:
            bench = make_bench(files, docket, executor, _samples(files, 0, SAMPLES), older=older)
            answers = list(bench.answers(bench.tasks(), progress))
            return calls, bench, answers, *_drawn_again(bench, docket, bench.across(answers))

    calls, bench, answers, spreads, drawn_again = open_docket(files, body)
    refused = {spread.check: refusal for spread in spreads if (refusal := _refusal(spread))}
    record_refusals(files, results, refused)
    if refused:
        raise CalibrationError("\n".join(refused.values()))
    steps = {
        check: max(
            (model.steps for key, model in bench.models.items() if bench.of[key][0] == check),
            default=0,
        )
        for check, _ in bench.of.values()
    }
    calibration = Calibration(
        torch=executor.environment["torch"],
        python=executor.environment["python"],
        machine=platform.machine(),
        device=executor.environment["device"],
        date=datetime.datetime.now(datetime.UTC).date(),
        checks={
            spread.check: spread.measured(call_digest(*calls[spread.check]), steps[spread.check])
            for spread in spreads
        },
    )
    path = calibration_path(files.folder)
    write_atomic(path, calibration_text(calibration))
    path.chmod(0o644)  # it is committed and shared, unlike results
    warnings = tuple(warning for spread in spreads if (warning := spread.warning()))
    return Calibrated(
        calibration,
        warnings,
        (*_left_out(answers), *drawn_again),
        changes(before, calibration),
        len(answers),
    )


def _refusal(spread: Across) -> str:
    """Say why a check has no bar; empty if it has one."""
    refused = list(spread.refused().values())
    if refused and spread.varies:
        return (
            f"{spread.check}: {len(refused)} of {len(spread.variants)} drawn variants leave no room"
            f" for a bar, which is too many to draw them again. The first: {refused[0]}"
        )
    return "".join(refused) or spread.refusal()


def _samples(files: AssignmentFiles, first: int, last: int) -> dict[str, Values]:
    """Variants to calibrate on, by name; empty where the assignment has none."""
    return (
        {f"variant {number}": files.drawer.sample(number).values for number in range(first, last)}
        if files.drawer
        else {}
    )


def _drawn_again(
    bench: Bench, docket: Docket, spreads: list[Across]
) -> tuple[list[Across], list[str]]:
    """Replace the variants on which no bar can be set, and name those left out.

    A student's is drawn again in the same way. Nothing is left out where too many would be.
    """
    drawn, left_out = SAMPLES, dict[str, str]()
    while refused := {
        name: why for spread in spreads for name, why in spread.refused().items() if name
    }:
        if len(left_out) + len(refused) > MOST_REFUSED:
            return spreads, []
        left_out |= refused
        # more than are missing: of these, too, some may have no room
        draws = _samples(bench.files, drawn, drawn + 2 * len(refused))
        drawn += len(draws)
        another = make_bench(bench.files, docket, bench.executor, draws, older=bench.older)
        more = {
            spread.check: spread
            for spread in another.across(list(another.answers(another.tasks())))
        }
        spreads = [
            (
                Across(one.check, {**one.variants, **more[one.check].variants}).without(refused)
                if one.varies
                else one
            )
            for one in spreads
        ]
    return spreads, [f"{name}, drawn again: {why}" for name, why in left_out.items()]


def unfit_draws(
    files: AssignmentFiles, docket: Docket, executor: Executor, draws: Mapping[str, Values]
) -> dict[str, str]:
    """Return the draws, by name, on which a bar of calibration.toml fails, and on which check.

    It fails where it does not part right from wrong by the least margin.

    Raises:
        AssignmentError: if calibration.toml is about other calls, or missing although a call that
            varies trains; or if the reference raises in a call.
    """
    calibration = read_calibration(calibration_path(files.folder))
    varying = [spec for spec in docket.specs if spec.varies]
    if calibration is None and not any(
        isinstance(value, OptimizerSpec)
        for spec in varying
        if spec.call
        for value in spec.call.arguments.values()
    ):
        return {}
    if calibration is None or any(
        spec.id in calibration.checks and docket.bar(spec) is None for spec in varying
    ):
        message = (
            f"{files.slug}: `autograder calibrate {files.slug}` first:"
            f" {calibration_path(files.folder).name}"
            f" {'is missing' if calibration is None else 'is about other calls'}"
        )
        raise AssignmentError(message)
    bars = {spec.id: bar for spec in varying if (bar := docket.bar(spec)) is not None}
    if not bars or not draws:
        return {}
    bench = make_bench(files, docket, executor, draws, bars)
    return {
        name: spread.check
        for spread in bench.across(list(bench.answers(bench.few_tasks())))
        for name, one in spread.variants.items()
        if not clear_of(bars[spread.check], one)
    }


def require_bars(files: AssignmentFiles, docket: Docket) -> None:
    """Refuse bars of calibration.toml that hold no more.

    Raises:
        CalibrationError: naming the checks whose bar was measured for another call, or leaves too
            little room.
    """
    calibration = read_calibration(calibration_path(files.folder))
    measured = calibration.checks if calibration else {}
    stale = [spec.id for spec in docket.specs if spec.id in measured and docket.bar(spec) is None]
    narrow = [
        spec.id
        for spec in docket.specs
        if spec.id in measured and measured[spec.id].margin < LEAST_MARGIN
    ]
    for names, why in (
        (stale, "was measured for another call"),
        (narrow, f"has a margin below {LEAST_MARGIN:g}x"),
    ):
        if names:
            message = (
                f"{files.slug}: the bar of {', '.join(names)} {why}: run `autograder calibrate"
                f" {files.slug}` and `validate` (--force releases all the same)"
            )
            raise CalibrationError(message)


def _left_out(answers: Sequence[Answer]) -> tuple[str, ...]:
    """One line for each variant that could not be tried, and why."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        if answer.reason:
            grouped.setdefault((answer.program, answer.reason), []).append(answer.check)
    return tuple(
        f"{program}, for {', '.join(checks)}: {reason}"
        for (program, reason), checks in grouped.items()
    )
