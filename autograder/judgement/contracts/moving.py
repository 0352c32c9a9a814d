"""Between backward and step nobody touches .grad; step follows the given rule and settings; nothing
else moves a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.evidence.trace import NdArray, Setting
from autograder.judgement.comparing.comparison import show
from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.story import Story, flat, is_clean
from autograder.judgement.findings.finding import Contract, Finding

Settings = tuple[dict[str, Setting], ...]

EXACT = 1e-6
"""Relative difference below which two float32 values count as the same value handed on."""

REPLAY = 2e-5
"""Relative to the largest move of the run; foreach and single-tensor versions of an update differ
by about 1e-6 of it.
"""


def untouched(case: Case) -> Iterator[Finding]:
    """Whether step saw what backward had left."""
    story = case.story
    for one in story.rounds:
        outside = [event for event in one.backwards if story.events[event].inside is None]
        if (
            one.step is None
            or not outside
            or (story.given is not None and story.events[one.step].optimizer != story.given)
        ):
            continue
        for position, tensor in enumerate(story.trained):
            actor = story.stand_in(outside[-1], position)
            if actor != tensor:
                continue
            left, seen = story.after(outside[-1], tensor), story.before(one.step, tensor)
            if left is None or _close(left, seen):
                continue
            if is_clean(seen):
                yield Finding(
                    "clears-between-backward-and-step",
                    Contract.UNTOUCHED,
                    f"backward left {show(left)} in .grad, step saw"
                    f" {'None' if seen is None else 'zeros'}",
                    "what backward left",
                    one.number,
                )
            else:
                yield Finding(
                    "changes-gradients",
                    Contract.UNTOUCHED,
                    f"backward left {show(left)} in .grad, step saw {show(seen)}",
                    "what backward left",
                    one.number,
                )
            return


def update(case: Case) -> Iterator[Finding]:
    """Whether settings stayed, the update followed the rule, and nothing else moved a parameter."""
    story = case.story
    changed = _settings(case)
    if changed is not None:
        yield changed
    elsewhere = _moved_outside(case)
    if elsewhere is not None:
        yield elsewhere
    if all(settings == given for _, settings, given in _settings_at_steps(story)):
        yield from _replay(case)


def _settings_at_steps(story: Story) -> Iterator[tuple[int, Settings, Settings]]:
    """For each step of the given optimizer its number, the settings it was made with, and those
    that were given.
    """
    if story.given is None:
        return
    given = now = story.recording.optimizers[story.given].settings
    for number, index in enumerate(story.given_steps, 1):
        now = story.events[index].settings or now
        yield number, now, given


def _settings(case: Case) -> Finding | None:
    steps = list(_settings_at_steps(case.story))
    model = case.reference.trace
    driven = bool(steps) and model is not None and model.given and model.settings != steps[0][2]
    if driven and model is not None:
        # The reference's end otherwise than they were given, so a driver changes them. When is not
        # known; what they have to be at last is, for a run that gets there.
        steps = [
            (number, now, model.settings) for number, now, _ in steps[-1:] if number >= model.steps
        ]
    for number, settings, wanted in steps:
        if settings == wanted:
            continue
        for group, model_group in zip(settings, wanted, strict=False):
            for name in sorted(model_group):
                if group.get(name) != model_group[name]:
                    return Finding(
                        "changes-settings",
                        Contract.UPDATE,
                        f"at step {number}, {name} was {group.get(name)}",
                        (
                            f"{name} {model_group[name]}"
                            if driven
                            else f"{name} as given, {model_group[name]}"
                        ),
                        number,
                    )
    return None


def _moved_outside(case: Case) -> Finding | None:
    """Values at an event against those after the event before."""
    story = case.story
    if not story.given_steps:
        return None  # whoever updates by hand is told so by the optimizer contract
    for tensor in story.trained:
        jumps = list(_jumps(story, tensor))
        if not jumps:
            continue
        start = story.recording.tensors[tensor].start.numpy()
        index, last, now = jumps[0]
        number = sum(step < index for step in story.steps)
        # set anew before the first event, and never again
        restarted = _close(start, now) or (index == 0 and len(jumps) == 1)
        code = "resets-parameters" if restarted else "moves-parameters"
        when = f"after step {number}" if number else "before the first step"
        return Finding(
            code,
            Contract.UPDATE,
            f"{when} the parameters went from {show(last)} to {show(now)}",
            "only step() moves them",
            number or None,
        )
    return None


def _jumps(story: Story, tensor: int) -> Iterator[tuple[int, NdArray, NdArray]]:
    """Where the tensor's value was not what the event before had left: the event, what was left,
    what was found. The end counts as an event.
    """
    last = story.recording.tensors[tensor].start.numpy()
    for index, event in enumerate(story.events):
        if (
            event.inside is not None
        ):  # the step that it is part of moves the tensor as it likes, and stands for it here
            continue
        now = story.value(index, tensor)
        if now is not None and not _close(last, now):
            yield index, last, now
        after = story.value_after(index, tensor)
        last = after if after is not None else last
    end = story.recording.tensors[tensor].end.numpy()
    if not story.recording.dropped and not _close(last, end):
        yield len(story.events), last, end


def _replay(case: Case) -> Iterator[Finding]:
    story = case.story
    moves = {
        index: move
        for index in story.given_steps
        if (move := _move(story, index)) is not None and np.isfinite(move).all()
    }
    size = max((float(np.abs(move).max(initial=0.0)) for move in moves.values()), default=0.0)
    for number, index in enumerate(story.given_steps, 1):
        point = story.point(index)
        if index not in moves or index not in case.replayed or point is None or not size:
            continue
        allowed = REPLAY * size + EXACT * float(np.abs(flat(point)).max(initial=0.0))
        wanted = flat(case.replayed[index]) - flat(point)
        if (
            np.isfinite(wanted).all()
            and not float(np.abs(moves[index] - wanted).max(initial=0.0)) <= allowed
        ):
            fresh = flat(case.forgetful[index]) - flat(point) if index in case.forgetful else wanted
            forgot = bool(np.abs(moves[index] - fresh).max(initial=0.0) <= allowed)
            expected = f"by {show(wanted)}, as the optimizer does from the same gradients"
            observed = (
                f"step {number} moved the parameters by"
                f" {show(moves[index])}{', as a new optimizer would that remembers nothing' if forgot else ''}"
            )
            yield Finding(
                "rebuilt-optimizer" if forgot else "changes-update",
                Contract.UPDATE,
                observed,
                expected,
                number,
            )
            return


def _move(story: Story, index: int) -> NdArray | None:
    before = [story.value(index, tensor) for tensor in story.trained]
    after = [story.value_after(index, tensor) for tensor in story.trained]
    if any(value is None for value in (*before, *after)):
        return None
    return flat(tuple(value for value in after if value is not None)) - flat(
        tuple(value for value in before if value is not None)
    )


def _close(one: NdArray | None, other: NdArray | None) -> bool:
    if one is None or other is None or one.shape != other.shape:
        return one is None and other is None
    if np.array_equal(one, other):  # nearly always, and found in a fifth of the time
        return True
    with np.errstate(all="ignore"):
        same = (
            (
                np.abs(one.astype(np.float64) - other.astype(np.float64))
                <= EXACT * np.maximum(np.abs(one), np.abs(other)) + 1e-12
            )
            | (one == other)
            | (np.isnan(one) & np.isnan(other))
        )
    return bool(same.all())
