"""Checks of plugged-in optimizers, bonus points, and checks that need a newer torch."""

import msgspec
import pytest

from autograder.checks import CheckFailed, assert_optimizer, needs_torch, points
from autograder.checks.docket import open_docket
from autograder.commands.validate.validation import validate_assignment
from autograder.errors import AssignmentError
from autograder.evidence.trace import OptimizerValue, Trace, array_of

SETTINGS = {"lr": 0.1, "betas": (0.9, 0.99), "amsgrad": False, "foreach": None, "fused": None}


def optimizer(*groups, same_as=("params[0]", "params[1]"), name="Adam"):
    return OptimizerValue(name, tuple(SETTINGS | group for group in groups or ({},)), (), same_as)


@pytest.mark.parametrize(
    "actual",
    [
        optimizer({"foreach": True}),
        optimizer({"fused": True}),
        optimizer({"lr": 0.10000000149}),  # it came as a float32 tensor
        optimizer({"betas": (1 - 0.1, 0.99)}),
        optimizer({}, {}, same_as=("params[1]", "params[0]")),
    ],
)
def test_another_way_to_ask_for_the_same_optimizer_passes(actual):
    """Implementation, rounding, and how tensors with equal settings are grouped."""
    assert_optimizer(actual, optimizer())


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        (optimizer({"lr": 0.1001}), "lr=0.1001"),
        (optimizer({"betas": (0.9, 0.999)}), "betas"),
        (optimizer({"amsgrad": True}), "amsgrad=True"),
        (optimizer({}, {"lr": 0.2}), "lr=0.2"),
        (optimizer(same_as=("params[0]", "")), "a tensor of its own"),
        (optimizer(name="AdamW"), "AdamW"),
    ],
)
def test_another_optimizer_fails_also_in_its_second_group(actual, said):
    """What the message names is what differs."""
    with pytest.raises(CheckFailed, match=said):
        assert_optimizer(actual, optimizer())


def test_groups_that_were_asked_for_count():
    """Two groups with settings of their own are not one with the first one's."""
    with pytest.raises(CheckFailed, match="1 parameter groups"):
        assert_optimizer(optimizer({}), optimizer({}, {"lr": 0.2}))
    assert_optimizer(optimizer({}, {"lr": 0.2}), optimizer({}, {"lr": 0.2}))


def test_a_trace_stands_for_the_optimizer_that_made_it():
    """Class, settings and tensors are in it."""
    empty = array_of([])
    trace = Trace(
        "Adam", False, 0, (SETTINGS,), ("params[0]", "params[1]"), (), empty, empty, (), (), ()
    )
    assert_optimizer(trace, optimizer())
    assert_optimizer(trace, trace)
    with pytest.raises(CheckFailed, match="AdamW"):
        assert_optimizer(msgspec.structs.replace(trace, optimizer="AdamW"), trace)


# --- bonus points, and another torch --------------------------------------------------------------


class Silent:
    def started(self, total):
        pass

    def done(self, trial):
        pass


BONUS = """

@points(3, bonus=True)
@call("loss_fn", values=[2.0, 5.0])
def test_more(run, reference):
    "One more"
    assert_close(run.returned, reference.returned)
"""
FUTURE = """

@needs_torch("999.0")
@points(7)
@call("loss_fn", values=[2.0, 5.0])
def test_future(run, reference):
    "Of a torch to come"
    assert_close(run.returned, reference.returned)


@needs_torch("1.0")
@points(1, bonus=True)
@call("loss_fn", values=[2.0, 6.0])
def test_past(run, reference):
    "Of any torch"
    assert_close(run.returned, reference.returned)
"""
WRONG = "def loss_fn(values):\n    return values.abs().mean()\n"


def extend(course, text):
    checks = course.files.checks
    checks.write_text(checks.read_text().replace("import (", "import (\n    needs_torch,") + text)


def test_bonus_points_come_on_top_and_nobody_loses_them(course):
    """The total stays 10: full marks are 13 of 10, and a wrong loss costs its 2, not 5."""
    extend(course, BONUS)
    course.submit("right")
    course.submit("wrong", loss_fn=WRONG)
    grades, _ = course.grade()
    assert (grades["right"].points, grades["right"].max_points) == (13, 10)
    assert (grades["wrong"].points, grades["wrong"].max_points) == (8, 10)
    (more,) = (check for check in grades["wrong"].checks if check.id == "test_more")
    assert (more.points, more.max_points, more.bonus) == (0, 0, 3)


def test_a_reference_that_misses_bonus_points_is_not_validated(course, monkeypatch):
    """The checks of a bonus are tested like any other."""
    monkeypatch.setattr("autograder.commands.validate.validation.mutants", lambda source, path: ())
    extend(course, BONUS)
    validation = validate_assignment(course.files, course.results, course.executor, Silent())
    assert (validation.reference, validation.points, validation.stub) == (13, 13, 0)
    assert validation.passed
    extend(
        course,
        BONUS.replace("test_more", "test_most").replace(
            "assert_close(", "assert not assert_close("[:0] + "assert 0, ("
        ),
    )
    assert not validate_assignment(course.files, course.results, course.executor, Silent()).passed


def test_points_that_are_no_bonus_still_have_to_add_up(course):
    extend(course, BONUS.replace(", bonus=True", ""))
    course.submit("right")
    with pytest.raises(AssignmentError, match="add up to 13"):
        course.grade()


def test_a_check_that_this_torch_cannot_make_is_not_there(course):
    """Neither points nor a failure; one that it can make is."""
    extend(course, FUTURE)
    names = open_docket(course.files, lambda docket: [spec.id for spec in docket.specs])
    assert "test_future" not in names
    assert "test_past" in names
    course.submit("right")
    grades, _ = course.grade()
    assert (grades["right"].points, grades["right"].max_points) == (11, 10)


def test_a_template_can_ask_whether_a_check_is_there(course):
    """A cell of a check that is left out is left out too, in the release and in the reference."""
    extend(course, FUTURE)
    cell = (
        '{% if has_check("test_NAME") %}\n# %% role="check" id="test_NAME"\nassert'
        ' loss_fn(torch.tensor([2.0, 6.0])) == {{ reference("test_NAME").returned | number }}\n\n{%'
        " endif %}\n"
    )
    template = course.files.template
    template.write_text(
        template.read_text() + "\n" + cell.replace("NAME", "past") + cell.replace("NAME", "future")
    )
    course.submit("right")
    grades, _ = course.grade()
    assert {check.id for check in grades["right"].checks} >= {"test_past"}
    from autograder.commands.release.student_version import release_assignment

    path = release_assignment(
        course.files, course.root / "out", course.results.evidence, course.executor
    )
    text = path.read_text()
    assert "test_past" in text
    assert "test_future" not in text


def test_a_worth_says_what_it_counts():
    assert points(2).mark.args[0].counted == 2
    assert points(2, bonus=True).mark.args[0].counted == 0
    assert needs_torch("2.9").mark.args == ("2.9",)
