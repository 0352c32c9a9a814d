"""Comparing whole training runs step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autograder.judgement.comparing.alignment import aligned
from autograder.judgement.comparing.comparison import show, trajectory_residuals
from autograder.judgement.comparing.updates import (
    contradiction,
    moves_without_gradients,
    remembers_unseen_steps,
)

if TYPE_CHECKING:
    from autograder.evidence.trace import Array, NdArray, Trace
    from autograder.judgement.observation import Observation


@dataclass(frozen=True, slots=True)
class TrainingDifference:
    """First thing in which two trainings differ, told to a student.

    It says what was observed, and what was expected.
    """

    observed: str
    expected: str
    step: int | None = None

    def __str__(self) -> str:
        return f"Observed: {self.observed}\nExpected: {self.expected}"


def compare_training(
    actual: Observation, expected: Observation, bar: float, *, allow_nonfinite: bool = False
) -> TrainingDifference | None:
    """Compare the steps of the optimizer, then parameters and gradients at each recorded step.

    `bar` bounds the residual of each step (`trajectory_residuals`). The loss is not compared: a
    loop may compute it in any way, what counts is the gradient that it leads to. With
    `allow_nonfinite` a reference that diverges to inf or NaN is compared as far as it means
    anything, and what has diverged agrees with all that has (`trajectory_residuals`). Returns None
    if they agree.

    Raises:
        ValueError: if the reference made no step, so there is nothing to compare with.
    """
    model = expected.trace
    if model is None:
        message = (
            "the reference made no optimizer step, so its training can't be compared; use"
            " assert_close"
        )
        raise ValueError(message)
    trace = actual.trace
    if trace is None or (model.given and not trace.given):
        return _no_steps(actual, model)
    if len(trace.parameters) != len(model.parameters):
        return TrainingDifference(
            f"an optimizer over {len(trace.parameters)} tensors",
            f"one over {len(model.parameters)}",
        )
    trace = aligned(trace, model)
    for difference in (
        _step_values(trace, model, bar, allow_nonfinite=allow_nonfinite),
        _step_counts(trace, model),
    ):
        if difference is not None:
            return difference
    return None


def compare_long_run(
    actual: Observation, expected: Observation, bar: float
) -> TrainingDifference | None:
    """Compare a run of thousands of steps by optimizer, number of steps and final parameters.

    It may have started from any state. Where the optimizer's update can be computed again from the
    gradient, it must be the one that was made: a loop that sets the parameters by hand beside steps
    that do nothing has not trained.

    One step more passes: the slide's own run continues from the single step before it, with the
    same optimizer. An off-by-one loop is for the short calls to find.
    """
    model = expected.trace
    if model is None:
        message = "the reference made no optimizer step in this cell"
        raise ValueError(message)
    trace = actual.trace
    if trace is None:
        return _no_steps(actual, model)
    if trace.optimizer != model.optimizer:
        return TrainingDifference(
            f"trained with {trace.optimizer}", f"trained with {model.optimizer}"
        )
    if not model.steps <= trace.steps <= model.steps + 1:
        return TrainingDifference(
            _steps_made(actual, trace), f"{model.steps} steps of one optimizer"
        )
    if len(trace.parameters) != len(model.parameters):
        return TrainingDifference(
            f"an optimizer over {len(trace.parameters)} tensors",
            f"one over {len(model.parameters)}",
        )
    return _final_values(trace, model, bar) or _set_by_hand(trace, model)


def unverifiable(actual: Observation, expected: Observation) -> str:
    """Say why a long run that ends where it should may be made up; "" if it can't be.

    It may where the reference's began with a fresh optimizer, this one with one that remembers
    steps.
    """
    trace, model = actual.trace, expected.trace
    if (
        trace is None
        or model is None
        or not remembers_unseen_steps(trace)
        or remembers_unseen_steps(model)
    ):
        return ""
    return (
        f"the {trace.optimizer} of this cell had a state before its first step here, so that its"
        " steps can't be computed again from the gradients: a person has to look whether the"
        " notebook trained with it in an earlier cell"
    )


def _final_values(trace: Trace, model: Trace, bar: float) -> TrainingDifference | None:
    for values, model_values in zip(trace.parameters, model.parameters, strict=True):
        final, model_final = values.numpy()[-1:], model_values.numpy()[-1:]
        if (
            final.shape != model_final.shape
            or _wrong_rows(final, model_final, None, bar, allow_nonfinite=False).size
        ):
            return TrainingDifference(
                f"parameters after step {trace.steps}: {show(final[0])}", show(model_final[0])
            )
    return None


def _set_by_hand(trace: Trace, model: Trace) -> TrainingDifference | None:
    found = contradiction(trace)
    if (
        found is not None and contradiction(model) is None
    ):  # where the reference's own loop changes the learning rate as it goes, one row does not tell
        computed = (
            f"{show(found.computed)}, which {trace.optimizer} makes of the gradient that the"
            " step saw"
        )
        return TrainingDifference(
            f"parameters after step {found.step}: {show(found.observed)}", computed, found.step
        )
    idle = moves_without_gradients(trace)
    if idle is not None and moves_without_gradients(model) is None:
        return TrainingDifference(
            f"step {idle} moved the parameters, and no gradient was there",
            "steps that follow the gradient",
            idle,
        )
    return None


def _no_steps(actual: Observation, model: Trace) -> TrainingDifference:
    others = [trace.steps for trace in actual.run.traces]
    instead = (
        f", although {'another optimizer' if len(others) == 1 else 'other optimizers'} made"
        f" {sum(others)}"
        if others
        else ""
    )
    which = "the optimizer that was passed in" if model.given else "an optimizer"
    return TrainingDifference(f"{which} made 0 steps{instead}", f"{model.steps} steps of it")


def _steps_made(actual: Observation, trace: Trace) -> str:
    total = sum(one.steps for one in actual.run.traces)
    return (
        f"{trace.steps} steps"
        if total == trace.steps
        else f"{total} steps, but by several optimizers, of which none made more than {trace.steps}"
    )


def _step_counts(trace: Trace, model: Trace) -> TrainingDifference | None:
    if trace.steps == model.steps:
        return None
    agreeing = min(trace.steps, model.steps)
    return TrainingDifference(
        f"{trace.steps} steps (the first {agreeing} are right)", f"{model.steps} steps"
    )


def _step_values(
    trace: Trace, model: Trace, bar: float, *, allow_nonfinite: bool
) -> TrainingDifference | None:
    steps, rows, model_rows = np.intersect1d(
        trace.recorded.numpy(), model.recorded.numpy(), return_indices=True
    )
    first: tuple[int, TrainingDifference] | None = None
    pairs = (
        *(
            ("gradient", k, a, e, None)
            for k, (a, e) in enumerate(zip(trace.gradients, model.gradients, strict=True))
        ),
        *(
            ("parameter", k, a, e, model.start[k])
            for k, (a, e) in enumerate(zip(trace.parameters, model.parameters, strict=True))
        ),
    )
    for what, k, packed, packed_model, start in pairs:
        if packed.shape[1:] != packed_model.shape[1:]:
            return TrainingDifference(
                f"{what} {k} of shape {packed.shape[1:]}", f"shape {packed_model.shape[1:]}"
            )
        values, model_values = packed.numpy()[rows], packed_model.numpy()[model_rows]
        wrong = _wrong_rows(values, model_values, start, bar, allow_nonfinite=allow_nonfinite)
        if what == "gradient":  # none on either side is no difference
            neither = trace.missing[k].numpy()[rows].astype(bool) & model.missing[k].numpy()[
                model_rows
            ].astype(bool)
            wrong = wrong[~neither[wrong]]
        if wrong.size and (first is None or int(steps[wrong[0]]) < first[0]):
            row, step = int(wrong[0]), int(steps[wrong[0]])
            name = (
                f"gradient that step {step} saw"
                if what == "gradient"
                else f"parameters after step {step}"
            )
            absent = what == "gradient" and bool(trace.missing[k].numpy()[rows][row])
            observed = f"{name}: " + ("none (.grad was None)" if absent else show(values[row]))
            first = step, TrainingDifference(observed, show(model_values[row]), step)
    return first[1] if first else None


def _wrong_rows(
    values: NdArray, model: NdArray, start: Array | None, bar: float, *, allow_nonfinite: bool
) -> NdArray:
    residuals = trajectory_residuals(
        values,
        model,
        start.numpy() if start is not None else np.zeros(1),
        diverging=allow_nonfinite,
    )
    return np.flatnonzero(~(residuals <= bar))  # NaN is wrong
