"""What a diagnosis says about one run: which contract is broken, how it shows, and what a student
can be told.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Contract(StrEnum):
    """The six things that a training loop owes its optimizer.

    Each is judged by itself at the student's own parameters.
    """

    OPTIMIZER = "optimizer"
    """The optimizer that was passed in steps, and the tensors that it holds are those the loss is
    computed from.
    """
    CLEARING = "clearing"
    """The accumulator is clean when a step's first backward begins."""
    GRADIENT = "gradient"
    """Each backward adds the gradient of the asked-for loss at the parameters of that moment,
    once.
    """
    UNTOUCHED = "untouched"
    """What backward left in .grad is what step sees."""
    UPDATE = "update"
    """Settings as given, the update rule as given, and nothing else moves a parameter."""
    COUNT = "count"
    """As many steps as asked, one backward before each ..."""
    RETURN = "return"
    """... and what is asked for is returned: the other half of the sixth, with points of its
    own.
    """
    BATCHES = "batches"
    """Each epoch sees each sample once, in batches as asked and in a new order.

    Of training by minibatches only; such checks give no points by contract.
    """


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One broken contract of one run.

    `code` names its entry in the catalogue; `step` is 1-based; `observed` and `expected` are plain
    text from this run's own numbers.
    """

    code: str
    contract: Contract
    observed: str
    expected: str
    step: int | None = None
