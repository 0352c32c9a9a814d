"""As many steps as asked, one backward before each, and what was asked for is returned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.evidence.trace import Array, Items, Value
from autograder.judgement.comparing.comparison import show
from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.gradient import FIT, fit, increments
from autograder.judgement.contracts.story import Story
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.observation import describe, plain

COUNT = Contract.COUNT


def count(case: Case) -> Iterator[Finding]:
    """Yield findings on the number and order of steps and backward passes, and the return."""
    story, wanted = case.story, case.wanted_steps
    made = (
        sum(trace.steps for trace in story.run.traces)
        if story.recording.dropped
        else len(story.steps)
    )
    passes = story.passes
    if made and wanted:
        yield from _order(story)
        yield from _steps(case, made, passes)
    elif made == 0 and passes == 0 and story.run.traces == () and _moved_by_hand(story):
        return
    if made and not passes and not _seen_gradients(story):
        yield Finding(
            "no-backward",
            COUNT,
            f"{made} steps and no backward pass: .grad was None at every step",
            "a backward pass before each step",
        )
    returned = _returned(case)
    if returned is not None:
        yield returned


def _order(story: Story) -> Iterator[Finding]:
    """A step without a backward of its own."""
    empty = [one.number for one in story.rounds if one.step is not None and not one.backwards]
    if not empty or not story.backwards or _seen_by_hand(story):
        return
    trailing = story.rounds[-1].step is None
    if empty == [1] and trailing:
        yield Finding(
            "step-before-backward",
            COUNT,
            "step 1 came before the first backward, and the last backward had no step after it",
            "backward(), then step(), in every epoch",
            1,
        )
    elif len(empty) >= len(story.steps) // 2 and len(empty) > 0 and len(story.steps) > 1:
        yield Finding(
            "step-twice",
            COUNT,
            f"{len(empty)} of {len(story.steps)} steps had no backward pass before them",
            "one backward before each step",
            empty[0],
        )
    elif empty == [1]:
        yield Finding(
            "extra-step",
            COUNT,
            "the first step came before any backward pass",
            "one backward before each step",
            1,
        )


def _steps(case: Case, made: int, passes: int) -> Iterator[Finding]:
    story, wanted = case.story, case.wanted_steps
    if (
        made == wanted
        or (story.recording.dropped and made < wanted)
        or any(finding.code == "step-twice" for finding in _order(story))
    ):
        return
    observed, expected = f"{made} steps", f"{wanted} steps"
    if made < wanted:
        if passes >= max(wanted - 1, 1.5 * made):
            yield Finding(
                "steps-every-second",
                COUNT,
                f"{passes} backward passes, but {observed}",
                "a step after every backward",
                None,
            )
        else:
            yield Finding("too-few-steps", COUNT, observed, expected)
    elif (
        made >= 2 * wanted and passes >= made - 1 and not case.in_turn and not _whole_batches(case)
    ):
        yield Finding(
            "minibatches",
            COUNT,
            f"{observed}, {made / wanted:.3g} for each epoch",
            f"{expected}, one for each epoch",
        )
    else:
        yield Finding("too-many-steps", COUNT, observed, expected)


def _whole_batches(case: Case) -> bool:
    """Tell whether every gradient is that of all samples: too many steps, but no minibatches."""
    whole = fit(increments(case.story), case.gradients)
    return whole is not None and whole.residual <= FIT


def _returned(case: Case) -> Finding | None:
    """Compare the returned value with the parameters as they were when the call ended.

    The training itself may be wrong.
    """
    story, wanted = case.story, case.reference.run.returned
    if not isinstance(wanted, Array | Items) or not story.trained:
        return None
    ends = [story.recording.tensors[tensor].end.numpy() for tensor in story.trained]
    found = _arrays(story.run.returned)
    if (
        found is not None
        and len(found) == len(ends)
        and all(
            one.shape == end.shape and np.array_equal(one, end, equal_nan=True)
            for one, end in zip(found, ends, strict=True)
        )
    ):
        return None
    others = [
        np.asarray(tensor.end.numpy())
        for index, tensor in enumerate(story.recording.tensors)
        if index not in story.trained
    ]
    if found is not None and any(
        one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
        for one in found
        for other in others
    ):
        # it returns the tensors that it did train; the optimizer contract says what is wrong with
        # them
        return None
    if not story.steps:
        return None
    value = plain(story.run.returned)
    shown = show(value) if isinstance(value, np.ndarray) else describe(value)
    return Finding(
        "returns-other",
        Contract.RETURN,
        f"returned {shown}",
        f"the parameters, {', '.join(show(end) for end in ends)}",
    )


def _arrays(value: Value) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]] | None:
    if isinstance(value, Array):
        return [value.numpy()]
    if isinstance(value, Items) and all(isinstance(item, Array) for item in value.values):
        return [item.numpy() for item in value.values if isinstance(item, Array)]
    return None


def _seen_gradients(story: Story) -> bool:
    return any(
        story.before(step, tensor) is not None for step in story.steps for tensor in story.trained
    )


def _seen_by_hand(story: Story) -> bool:
    """Steps without backward, but with a gradient set by hand."""
    return not story.backwards and _seen_gradients(story)


def _moved_by_hand(story: Story) -> bool:
    return any(
        not np.array_equal(tensor.start.numpy(), tensor.end.numpy())
        for tensor in story.recording.tensors
    )
