"""Values of a variant in a check's call."""

import numpy as np
import pytest

from autograder.checks import as_list, call, each, leaf, optim, tensor, variant
from autograder.checks.later import Later, is_later, resolve
from autograder.errors import AssignmentError
from autograder.evidence.protocol import Call

VALUES = {"x": [1.0, 2.0, 3.0], "lr": 0.5, "n": 7, "name": "huber"}


def calls(mark):
    return mark.args[0]


def test_a_call_is_the_same_as_with_the_values_typed_in():
    """In every place where an argument can stand, and for every case of `each`."""
    waiting = call(
        "f",
        n=variant("n"),
        x=variant("x"),
        first=variant("x")[:2],
        one=variant("x")[1],
        kind=variant("name"),
        params=[leaf(variant("x")), leaf(2.0, grad=variant("lr"))],
        rates=as_list([variant("lr"), 0.1]),
        pairs=[(tensor(variant("x")), tensor([1.0]))],
        how=each(
            sgd=dict(optimizer=optim.SGD(lr=variant("lr"))),
            adam=dict(optimizer=optim.Adam(lr=0.1, betas=[variant("lr"), 0.9])),
        ),
    )
    typed = call(
        "f",
        n=7,
        x=[1.0, 2.0, 3.0],
        first=[1.0, 2.0],
        one=2.0,
        kind="huber",
        params=[leaf([1.0, 2.0, 3.0]), leaf(2.0, grad=0.5)],
        rates=as_list([0.5, 0.1]),
        pairs=[(tensor([1.0, 2.0, 3.0]), tensor([1.0]))],
        how=each(
            sgd=dict(optimizer=optim.SGD(lr=0.5)),
            adam=dict(optimizer=optim.Adam(lr=0.1, betas=[0.5, 0.9])),
        ),
    )
    assert calls(waiting).keys() == calls(typed).keys() == {"sgd", "adam"}
    for case, expected in calls(typed).items():
        assert isinstance(calls(waiting)[case], Later)
        assert resolve(calls(waiting)[case], VALUES) == expected


def test_a_call_without_variants_is_made_at_once():
    """Nothing waits that need not."""
    made = calls(call("f", x=[1.0], params=leaf([1.0]), optimizer=optim.SGD(lr=0.1)))[""]
    assert isinstance(made, Call)
    assert not is_later([{"a": (1, "b", np.zeros(2))}])


def test_a_name_that_draw_does_not_return_is_said():
    """With those that it returns."""
    with pytest.raises(AssignmentError, match=r"variant\('y'\).*it returns x, lr, n, name"):
        resolve(calls(call("f", y=variant("y")))[""], VALUES)


@pytest.mark.parametrize(
    "use",
    [
        lambda: bool(variant("n")),
        lambda: 2 * variant("lr"),
        lambda: list(variant("x")),
        lambda: len(variant("x")),
        lambda: float(variant("lr")),
    ],
)
def test_what_can_not_wait_raises_at_once(use):
    """Arithmetic, truth, loops: draw() computes them; nothing is silently wrong."""
    with pytest.raises(TypeError):
        use()


def test_a_case_with_a_variant_needs_a_name():
    """Ids of checks are the same for everybody."""
    with pytest.raises(ValueError, match="name it yourself"):
        each(optim.SGD(lr=variant("lr")))
