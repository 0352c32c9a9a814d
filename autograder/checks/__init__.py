"""What the author of a check imports.

A check is a pytest test. ``@points`` says what it is worth, ``@call`` which call it wants made (or
``@cell`` which cell of the notebook it looks at); its docstring is the title that students read;
its body compares ``run`` with ``reference``, two `Observation`s::

    @points(10, visibility="after_due_date")
    @call("training_loop", n_epochs=47, optimizer=each(optim.SGD(lr=0.03, momentum=0.9), optim.Adam(lr=0.1)), **LINE)
    def test_any_optimizer(run, reference):
        "Any optimizer, on data you have not seen"
        assert_same_training(run, reference)
"""

from autograder.checks.asserting import (
    assert_close,
    assert_long_run,
    assert_optimizer,
    assert_same_training,
)
from autograder.checks.declaring import (
    as_list,
    call,
    cell,
    each,
    leaf,
    needs_torch,
    optim,
    points,
    tensor,
)
from autograder.checks.later import variant
from autograder.checks.verdicts import CheckFailed, NeedsReview, PartialCredit
from autograder.judgement.comparing.tolerance import Tolerance
from autograder.judgement.observation import Observation

__all__ = [
    "CheckFailed",
    "NeedsReview",
    "Observation",
    "PartialCredit",
    "Tolerance",
    "as_list",
    "assert_close",
    "assert_long_run",
    "assert_optimizer",
    "assert_same_training",
    "call",
    "cell",
    "each",
    "leaf",
    "needs_torch",
    "optim",
    "points",
    "tensor",
    "variant",
]
