"""Bringing the tensors of two optimizers into one order: which group they stand in, and in which
order, is no part of a training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from autograder.evidence.trace import Trace


def aligned(trace: Trace, model: Trace) -> Trace:
    """`trace` with its tensors in the order of `model`'s, told by the arguments of the call that
    they are; as it is where those are not the same, each once.
    """
    names, wanted = trace.same_as, model.same_as
    if (
        names == wanted
        or sorted(names) != sorted(wanted)
        or len(set(wanted)) != len(wanted)
        or "" in wanted
    ):
        return trace
    if (
        not len(trace.start)
        == len(trace.parameters)
        == len(trace.gradients)
        == len(trace.missing)
        == len(names)
    ):
        return trace
    order = [names.index(name) for name in wanted]
    parts = {
        part: tuple(getattr(trace, part)[place] for place in order)
        for part in ("start", "parameters", "gradients", "missing")
    }
    return msgspec.structs.replace(trace, same_as=wanted, **parts)
