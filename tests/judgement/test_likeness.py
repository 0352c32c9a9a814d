"""Identical means identical, on every call."""

import msgspec
from trainings import descend

from autograder.evidence.trace import RunStatus
from autograder.judgement.comparing.likeness import Exhibit, likenesses


def runs(**options):
    return {
        "short": descend(20, **options).run,
        "long": descend(41, start=(0.3, -0.7), **options).run,
    }


GALLERY = (
    Exhibit("scales the loss", "training_loop", runs(scale=11.0, lr=1e-3)),
    Exhibit("halves the learning rate", "training_loop", runs(lr=5e-3)),
    Exhibit("halves it in another function", "one_step", runs(lr=5e-3)),
)


def test_the_same_on_every_call_is_named():
    """Float32 noise of another order of additions included."""
    assert likenesses("training_loop", runs(lr=5e-3, noise=1e-8), GALLERY) == (
        "halves the learning rate",
    )


def test_the_same_on_one_call_only_is_not():
    """Near is not identical, and neither is most."""
    mixed = runs(lr=5e-3) | {"long": descend(41, start=(0.3, -0.7)).run}
    assert likenesses("training_loop", mixed, GALLERY) == ()
    assert likenesses("training_loop", runs(lr=5.001e-3), GALLERY) == ()


def test_nothing_is_said_of_a_single_call_or_of_runs_that_did_not_finish():
    """One call is no evidence, and two crashes are not alike."""
    assert likenesses("training_loop", {"short": runs(lr=5e-3)["short"]}, GALLERY) == ()
    raised = {
        name: msgspec.structs.replace(run, status=RunStatus.RAISED)
        for name, run in runs(lr=5e-3).items()
    }
    assert likenesses("training_loop", raised, (Exhibit("crashes", "training_loop", raised),)) == ()
    assert (
        likenesses("training_loop", raised, GALLERY)
        == likenesses(
            "training_loop", runs(lr=5e-3), (Exhibit("crashes", "training_loop", raised),)
        )
        == ()
    )


def test_another_returned_value_is_another_program():
    """The path may be the same."""
    other = {
        name: msgspec.structs.replace(run, returned=None) for name, run in runs(lr=5e-3).items()
    }
    assert likenesses("training_loop", other, GALLERY) == ()
