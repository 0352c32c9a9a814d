"""Whose optimizer steps, and on whose tensors: the given one, on the tensors that the loss is
computed from.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.story import Story, flat
from autograder.judgement.findings.finding import Contract, Finding

OPTIMIZER = Contract.OPTIMIZER

NEAR = 1e-3
"""Relative distance at which an unfinished training counts as the same: an update by hand rounds
otherwise than the optimizer's.
"""


def optimizer(case: Case) -> Iterator[Finding]:
    """Findings about the optimizer used and the tensors it holds."""
    story = case.story
    if story.given is not None and not story.given_steps:
        yield from _unused(case)
        return
    others = {story.events[index].optimizer for index in story.steps} - {story.given}
    if story.given is not None and others:
        yield _found(
            "own-optimizer",
            f"besides the optimizer that was passed in, {_several(len(others), 'other optimizer')}"
            " made steps",
            "all steps made by the one passed in",
        )
    elif story.given is None and len(others) > max(1, len(case.reference.run.traces)):
        yield _found(
            "rebuilt-optimizer",
            f"{len(others)} optimizers made the steps",
            "one optimizer, built once, before the loop",
        )
    yield from _tensors(story)


def _unused(case: Case) -> Iterator[Finding]:
    story, wanted = case.story, f"{case.wanted_steps} steps of the optimizer that was passed in"
    makers = {story.events[index].optimizer for index in story.steps}
    if len(makers) > 1 and 2 * len(makers) > len(
        story.steps
    ):  # fewer: one in each call that a driver makes
        yield _found(
            "rebuilt-optimizer",
            f"the optimizer that was passed in made 0 steps, {len(makers)} new ones made"
            f" {len(story.steps)}",
            wanted,
        )
    elif makers:
        name = story.recording.optimizers[next(iter(makers)) or 0].name
        others = f"another one ({name})" if len(makers) == 1 else f"{len(makers)} others ({name})"
        yield _found(
            "own-optimizer",
            f"the optimizer that was passed in made 0 steps, {others} made {len(story.steps)}",
            wanted,
        )
    elif story.backwards and _replaced(story):
        yield _found(
            "rebinds-params",
            f"the optimizer made 0 steps, and the loss was computed from {_replaced(story)}"
            " tensors, one after the other",
            "one tensor, changed in place by step()",
        )
    elif not _moved(story):
        if story.backwards:
            yield _found(
                "no-step",
                f"{len(story.backwards)} backward passes and 0 steps; the parameters did not move",
                wanted,
            )
        elif _returns_answer(case):
            yield _found(
                "hard-coded", "no backward pass and no step, yet a result came back", wanted
            )
        else:
            yield _found("no-training", "no backward pass and no step", wanted)
    elif story.backwards or len(_path(story)) > 2:
        yield _found(
            "manual-update",
            "the optimizer that was passed in made 0 steps, yet the parameters moved: something"
            " else updates them",
            wanted,
        )
    elif _ends_like(case):
        if not case.public:  # there, a copied answer looks the same
            yield _found(
                "manual-update",
                "the optimizer that was passed in made 0 steps, yet the parameters moved as if"
                " it had",
                wanted,
            )
    else:
        yield _found(
            "hard-coded", "no backward pass and no step, yet the parameters changed", wanted
        )


def _replaced(story: Story) -> int:
    """How many tensors of the student's own took turns in the loss; 0 unless a new one came with
    most backward passes.
    """
    own = {
        min(leaves)
        for index in story.backwards
        if (leaves := _alike(story, set(story.events[index].leaves) - set(story.trained)))
    }
    return len(own) if len(own) > 1 and len(own) >= len(story.backwards) - 1 else 0


def _alike(story: Story, leaves: set[int]) -> set[int]:
    """Those of `leaves` that have the shape of a trained parameter, or of one of its numbers:
    others are no parameters, but results taken out of the graph.
    """
    shapes = {story.recording.tensors[index].start.shape for index in story.trained} | {()}
    return {leaf for leaf in leaves if story.recording.tensors[leaf].start.shape in shapes}


def _tensors(story: Story) -> Iterator[Finding]:
    """The leaves of the loss against the tensors that the stepping optimizer holds."""
    holder = (
        story.given
        if story.given is not None
        else (story.events[story.steps[0]].optimizer if story.steps else None)
    )
    if holder is None or not story.backwards:
        return
    owned = set(story.recording.optimizers[holder].owns)
    reached = [set(story.events[index].leaves) for index in story.backwards]
    foreign = [leaves - owned for leaves in reached if leaves - owned and not leaves & owned]
    if foreign and not any(_alike(story, leaves) for leaves in foreign):
        yield _found(
            "detached-parameter",
            "no gradient reached the parameters: what backward started from was computed from a new"
            " tensor, not from them",
            "every parameter takes part in the loss, undetached",
        )
        return
    if foreign:
        distinct = {min(leaves) for leaves in foreign}
        if len(distinct) > 1 and len(distinct) >= len(foreign) - 1:
            yield _found(
                "rebinds-params",
                f"the loss was computed from a new tensor in {len(distinct)} epochs; the optimizer"
                " holds the first one",
                "one tensor, changed in place by step()",
            )
        else:
            yield _found(
                "optimizer-holds-other-tensor",
                "the loss was computed from a tensor that the optimizer does not hold",
                "the very tensors that were passed in",
            )
        return
    never = [
        story.recording.tensors[tensor].name
        for tensor in story.trained
        if len(story.trained) > 1 and not any(tensor in leaves for leaves in reached)
    ]
    if never:
        yield _found(
            "detached-parameter",
            f"no gradient reached {', '.join(never)}",
            "every parameter takes part in the loss, undetached",
        )


def _moved(story: Story) -> bool:
    return any(
        not np.array_equal(tensor.start.numpy(), tensor.end.numpy())
        for tensor in (story.recording.tensors[index] for index in story.trained)
    )


def _ends_like(case: Case) -> bool:
    """Whether the parameters ended where an unfinished training of the reference ends, which no
    closed form and no remembered answer does.
    """
    trace = case.reference.trace
    names = [case.story.recording.tensors[index].name for index in case.story.trained]
    if trace is None or sorted(trace.same_as) != sorted(names):
        return False
    ends = {
        name: values.numpy()[-1]
        for name, values in zip(trace.same_as, trace.parameters, strict=True)
    }
    tensors = [case.story.recording.tensors[index] for index in case.story.trained]
    return all(
        float(np.abs(tensor.end.numpy() - ends[tensor.name]).max(initial=0.0))
        <= NEAR * float(np.abs(ends[tensor.name]).max(initial=0.0))
        for tensor in tensors
    )


def _path(story: Story) -> set[bytes]:
    """Distinct values that the trained tensors had at events."""
    points = (story.point(index) for index in range(len(story.events)))
    return {flat(point).tobytes() for point in points if point is not None}


def _returns_answer(case: Case) -> bool:
    return (
        isinstance(case.story.run.returned, type(case.reference.run.returned))
        and case.story.run.returned is not None
    )


def _found(code: str, observed: str, expected: str) -> Finding:
    return Finding(code, OPTIMIZER, observed, expected)


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"
