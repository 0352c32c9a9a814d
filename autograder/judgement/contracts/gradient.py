"""Each backward adds c times the reference's gradient at the student's own parameters, once, with c
= 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autograder.evidence.trace import NdArray
from autograder.judgement.comparing.comparison import show
from autograder.judgement.contracts.case import Arrays, Case, Field
from autograder.judgement.contracts.story import Round, Story, flat, is_clean
from autograder.judgement.findings.finding import Contract, Finding

FIT = 1e-4
"""Greatest residual, relative to the largest gradient of the run, at which two gradient fields
count as the same. Float32 sums in other orders differ by 1e-6; half precision by 5e-4.
"""

HALF_MAX = 65504.0
"""The greatest number that float16 holds."""

FACTOR = 1e-3
"""How far the fitted factor may lie from 1."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Least squares fit of ``increment = factor * gradient`` over all events.

    Each event is scaled by its gradient's size; `residual` is the greatest of an event, relative to
    that size.
    """

    factor: float
    residual: float


def fit(increments: Mapping[int, Arrays], gradients: Field) -> Fit | None:
    """Fit the events that both hold; None where there are none or all gradients vanish."""
    pairs = [
        (flat(increments[event]), flat(gradients[event]))
        for event in increments
        if event in gradients
    ]
    pairs = [
        (i, g)
        for i, g in pairs
        if i.shape == g.shape and np.isfinite(i).all() and np.isfinite(g).all()
    ]
    if not any(g.any() for _, g in pairs):
        return None
    scales = _scales([g for _, g in pairs])
    scaled = [(i / scale, g / scale) for (i, g), scale in zip(pairs, scales, strict=True)]
    factor = sum(float(i @ g) for i, g in scaled) / sum(float(g @ g) for _, g in scaled)
    residual = max(float(np.abs(i - factor * g).max(initial=0.0)) for i, g in scaled)
    return Fit(factor, residual / (abs(factor) or 1.0))


def _scales(gradients: Sequence[NdArray]) -> list[float]:
    """Return the size of each event's gradient.

    A run that blows up must not drown its first steps, and rounding near the optimum must not count
    as a difference.
    """
    sizes = [float(np.abs(one).max(initial=0.0)) for one in gradients]
    return [max(size, 1e-2 * float(np.median(sizes))) or 1.0 for size in sizes]


def increments(story: Story) -> dict[int, Arrays]:
    """Return what each backward added to the gradients, by event.

    Where gradients are set by hand (torch.autograd.grad, torch.func.grad): what each step saw, by
    step event.
    """
    if story.backwards:
        return {
            event: added
            for event in story.backwards
            if (added := story.increment(event)) is not None
        }
    seen = {}
    for step in story.given_steps:
        gradients = [story.before(step, tensor) for tensor in story.trained]
        if all(gradient is not None for gradient in gradients):
            seen[step] = tuple(
                gradient.astype(np.float64) for gradient in gradients if gradient is not None
            )
    return seen


def gradient(case: Case) -> Iterator[Finding]:
    """Yield a finding unless the gradients are those of the loss that was asked for."""
    story, added = case.story, increments(case.story)
    if story.backwards and all(not flat(one).any() for one in added.values()):
        return  # the loss does not reach the parameters: the optimizer contract says so
    best = fit(added, case.gradients)
    if best is None:
        return
    if best.residual > FIT:
        yield _other(case, added)
        return
    doubled = [one for one in story.rounds if _adds_up(story, one)]
    if abs(best.factor - 1) > FACTOR:
        whole = best.factor * (max(len(one.backwards) for one in doubled) if doubled else 1)
        if abs(whole - 1) > FACTOR:
            yield _scaled(story, added, case.gradients, best.factor)
    elif (
        doubled
        and len(doubled) >= len(story.steps) - 1
        and len(story.steps) > 1
        and not _half_as_many_steps(case)
    ):
        yield Finding(
            "backward-twice",
            Contract.GRADIENT,
            f"backward() ran {len(doubled[0].backwards)} times before step {doubled[0].number},"
            " each adding the whole gradient",
            "once per step",
            doubled[0].number,
        )


def _adds_up(story: Story, one: Round) -> bool:
    """Tell whether a round has two backward passes at one point.

    A closure that an optimizer runs as often as it likes, each time elsewhere, has not.
    """
    return any(
        not story.closure_moved(first, second) and not _cleared(story, second)
        for first, second in pairwise(one.backwards)
    )


def _cleared(story: Story, event: int) -> bool:
    """Tell whether a pass inside a step found every trained tensor's .grad empty.

    So it does when a closure ran again.
    """
    actors = (story.stand_in(event, position) for position in range(len(story.trained)))
    return story.events[event].inside is not None and all(
        actor is None or is_clean(story.before(event, actor)) for actor in actors
    )


def _half_as_many_steps(case: Case) -> bool:
    return len(case.story.steps) <= case.wanted_steps * 2 // 3


def _scaled(story: Story, added: Mapping[int, Arrays], gradients: Field, factor: float) -> Finding:
    event = next(event for event in added if event in gradients)
    observed = (
        f"gradient {show(flat(added[event]))}, {factor:.4g} times the expected one; its direction"
        " is right"
    )
    code = "maximises" if factor < 0 else "loss-scaled"
    return Finding(
        code, Contract.GRADIENT, observed, show(flat(gradients[event])), _step_of(story, event)
    )


def _other(case: Case, added: Mapping[int, Arrays]) -> Finding:
    """Return the finding for another gradient field.

    It is named where a known wrong objective has the same one, told in general otherwise.
    """
    story = case.story
    event, code = next(event for event in added if event in case.gradients), "other-objective"
    first = _first_apart(added, case.gradients)
    if _rounded(list(added.values())):
        code = "half-precision"
    elif (
        (elsewhere := fit(added, case.elsewhere)) is not None
        and elsewhere.residual <= FIT
        and abs(elsewhere.factor - 1) <= FACTOR
    ):
        code = "uses-globals"
    elif (named := _known(case, added)) is not None:
        code = named
    elif _silent(added, case.gradients):
        code = "detached-parameter"
    elif len(story.steps) >= 2 * case.wanted_steps > 0 and not case.in_turn:
        code = "minibatches"
    event = event if first is None else first
    observed = (
        f"at your own parameters {show(flat(story.point(event) or ()))}, the gradient is"
        f" {show(flat(added[event]))}"
    )
    return Finding(
        code, Contract.GRADIENT, observed, show(flat(case.gradients[event])), _step_of(story, event)
    )


def _known(case: Case, added: Mapping[int, Arrays]) -> str | None:
    """The known wrong objective whose field this is; a penalty of any strength is fitted."""
    for name, known in case.objectives:
        probed = {event: added[event] for event in known if event in added}
        found = fit(probed, known)
        if (
            found is not None
            and len(probed) >= 2
            and found.residual <= FIT
            and abs(found.factor - 1) <= FACTOR
        ):
            return name
    return "l2-in-loss" if _penalised(case, added) else None


def _penalised(case: Case, added: Mapping[int, Arrays]) -> bool:
    """Tell whether ``increment = gradient + strength * parameters`` with one strength for all.

    Each event is scaled as in `fit`.
    """
    events = [event for event in added if event in case.gradients]
    rows = [
        (flat(added[event]), flat(case.gradients[event]), flat(case.story.point(event) or ()))
        for event in events
    ]
    rows = [
        row
        for row in rows
        if len({part.shape for part in row}) == 1 and all(np.isfinite(part).all() for part in row)
    ]
    if len(rows) < 2:
        return False
    scales = _scales([gradient for _, gradient, _ in rows])
    gaps = np.concatenate(
        [(one - gradient) / scale for (one, gradient, _), scale in zip(rows, scales, strict=True)]
    )
    points = np.concatenate(
        [point / scale for (_, _, point), scale in zip(rows, scales, strict=True)]
    )
    power = float(points @ points)
    strength = float(gaps @ points) / power if power else 0.0
    return abs(strength) > FIT and float(np.abs(gaps - strength * points).max()) <= 1e-2 * float(
        np.abs(gaps).max()
    )


def _first_apart(added: Mapping[int, Arrays], gradients: Field) -> int | None:
    size = (
        max((float(np.abs(flat(one)).max(initial=0.0)) for one in added.values()), default=1.0)
        or 1.0
    )
    for event, one in added.items():
        if (
            event in gradients
            and not float(np.abs(flat(one) - flat(gradients[event])).max(initial=0.0)) <= FIT * size
        ):
            return event
    return None


def _rounded(added: Sequence[Arrays]) -> bool:
    """Tell whether all increments are exactly half-precision numbers.

    float32 arithmetic hits them by chance once in thousands.
    """
    numbers = np.concatenate([flat(one) for one in added]) if added else np.zeros(0)
    numbers = numbers[np.isfinite(numbers) & (numbers != 0) & (np.abs(numbers) < HALF_MAX)]
    if numbers.size < 4:
        return False
    return bool(
        (np.abs(numbers.astype(np.float16).astype(np.float64) - numbers) == 0).all()
        or (_bfloat16(numbers) == numbers).all()
    )


def _bfloat16(numbers: NdArray) -> NdArray:
    """The numbers with the lower half of their float32 bits cut off, as bfloat16 holds them."""
    bits = numbers.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return np.asarray(bits.view(np.float32).astype(np.float64))


def _silent(added: Mapping[int, Arrays], gradients: Field) -> bool:
    """Tell whether some components are always 0 while the others are right.

    They are detached from the loss.
    """
    rows = [(flat(added[event]), flat(gradients[event])) for event in added if event in gradients]
    mine, theirs = np.array([row for row, _ in rows]), np.array([row for _, row in rows])
    dead = (mine == 0).all(axis=0) & (theirs != 0).any(axis=0)
    size = float(np.abs(theirs).max(initial=0.0)) or 1.0
    return bool(
        dead.any()
        and not dead.all()
        and np.abs(mine[:, ~dead] - theirs[:, ~dead]).max(initial=0.0) <= FIT * size
    )


def _step_of(story: Story, event: int) -> int | None:
    return next(
        (one.number for one in story.rounds if event in one.backwards or event == one.step), None
    )
