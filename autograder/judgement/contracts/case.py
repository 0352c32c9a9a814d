"""One failed run with all that the contracts need to judge it at the student's own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.evidence.trace import NdArray
from autograder.judgement.contracts.story import Story
from autograder.judgement.observation import Observation

Arrays = tuple[NdArray, ...]
Field = Mapping[int, Arrays]
"""A gradient field at the student's own points: for an event (by index) one gradient per trained
tensor.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """`gradients` are the reference's at the parameters of each event; `replayed` is where a real
    optimizer of torch.optim moves the parameters at each step of the given one, `forgetful` where a
    new one each time would; `objectives` are the gradient fields of known wrong objectives by the
    finding they lead to, `elsewhere` that of the reference on the data of a visible call. What was
    not probed is absent.
    """

    story: Story
    reference: Observation
    gradients: Field = field(default_factory=dict)
    replayed: Field = field(default_factory=dict)
    forgetful: Field = field(default_factory=dict)
    objectives: Sequence[tuple[str, Field]] = ()
    elsewhere: Field = field(default_factory=dict)
    public: bool = False
    """The call's numbers are in the notebook, so that a right end may be a copied one."""
    in_turn: bool = False
    """Each backward pass is about the next part of the samples, as asked: several updates per epoch
    are no mistake.
    """

    @property
    def wanted_steps(self) -> int:
        """Steps that the reference makes."""
        return self.reference.steps
