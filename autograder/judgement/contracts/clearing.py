"""The accumulator is clean when a step's first backward begins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from autograder.evidence.trace import NdArray
from autograder.judgement.comparing.comparison import show
from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.story import Story, is_clean
from autograder.judgement.findings.finding import Contract, Finding


def clearing(case: Case) -> Iterator[Finding]:
    """Yield a finding if .grad held something before the first backward of a round."""
    story = case.story
    openings = [(one, one.backwards[0]) for one in story.rounds if one.backwards]
    dirty = [(one, event) for one, event in openings if _left(story, event) is not None]
    if not dirty:
        yield from _within(story)
        yield from _trial(story)
        return
    first, event = dirty[0]
    if len(dirty) == 1 and first is openings[0][0]:
        code = "starts-dirty"
    elif len(dirty) >= len(openings) - 1:
        code = "never-clears"
    else:
        code = "clears-sometimes"
    round_ = "step" if case.in_turn else "epoch"  # of minibatches, an epoch has several
    often = "" if len(dirty) == 1 else f" (so in {len(dirty)} of {len(openings)} {round_}s)"
    yield Finding(
        code,
        Contract.CLEARING,
        f"before {round_} {first.number}'s backward, .grad held {show(_left(story, event))}{often}",
        "None or zeros",
        first.number,
    )


def _trial(story: Story) -> Iterator[Finding]:
    """A backward pass before the loop, whose gradient gets into the first step."""
    stepping = [one for one in story.rounds if one.step is not None]
    if len(stepping) < 3:
        return
    first, others = stepping[0], stepping[1:]
    # a closure that clears may run more often in the first step than in others
    event = first.backwards[-1] if first.backwards else None
    if (
        event is not None
        and _left(story, event) is not None
        and len(first.backwards) > max(len(one.backwards) for one in others)
    ):
        yield Finding(
            "starts-dirty",
            Contract.CLEARING,
            f"before the last backward of step 1, .grad held {show(_left(story, event))}",
            "None or zeros",
            1,
        )


def _within(story: Story) -> Iterator[Finding]:
    """Yield a finding if a closure ran again in one step and found what it had left.

    It must have run at other parameters: at the same ones it may have been adding up parts.
    """
    again = [
        (one, event)
        for one in story.rounds
        for last, event in pairwise(one.backwards)
        if story.closure_moved(last, event)
    ]
    dirty = [(one, event) for one, event in again if _left(story, event) is not None]
    if dirty:
        one, event = dirty[0]
        yield Finding(
            "closure-never-clears",
            Contract.CLEARING,
            f"in step {one.number} the closure ran {len(one.backwards)} times, and when its"
            f" backward came again, .grad held {show(_left(story, event))}",
            "None or zeros, each time that the closure runs",
            one.number,
        )


def _left(story: Story, event: int) -> NdArray | None:
    """Return a trained tensor's .grad from before the backward pass; None if all were clean."""
    for position in range(len(story.trained)):
        actor = story.stand_in(event, position)
        before = None if actor is None else story.before(event, actor)
        if before is not None and not is_clean(before):
            return before
    return None
