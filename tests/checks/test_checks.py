"""What check authors declare and assert."""

import datetime
import gc
import os
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import TESTS

from autograder.assignment import Assignment, AssignmentFiles, open_assignment
from autograder.checks import (
    CheckFailed,
    Observation,
    PartialCredit,
    as_list,
    assert_close,
    assert_optimizer,
    call,
    each,
    leaf,
    optim,
    points,
    tensor,
)
from autograder.checks.docket import CheckSpec, _partly, open_docket
from autograder.errors import AssignmentError
from autograder.evidence.protocol import ArgumentList, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, Opaque, OptimizerValue, Run, RunStatus, array_of
from autograder.judgement.calibration import (
    Calibration,
    Measured,
    calibration_path,
    calibration_text,
    call_digest,
)
from autograder.judgement.grade import RULINGS, Cause, Outcome
from autograder.sandboxed.calls.arguments import build_arguments


def cases_of(mark):
    return mark.mark.args[0]


def test_lists_become_float32_tensors_and_leaves_stay_leaves():
    """[0.5, 14] is a float32 tensor; a list of leaves stays a list of two tensors."""
    (built,) = cases_of(
        call("f", t_u=[0.5, 14.0], params=leaf([1.0, 0.0]), two=[leaf(1.0), leaf(0.0)], n_epochs=3)
    ).values()
    assert built.arguments["t_u"].dtype == "float32"
    assert built.arguments["t_u"].numpy().tolist() == [0.5, 14.0]
    assert isinstance(built.arguments["params"], Leaf)
    assert isinstance(built.arguments["two"], ArgumentList)
    assert built.arguments["n_epochs"] == 3


def test_a_python_list_of_numbers_stays_one():
    """Learning rates to loop over are no tensor."""
    (built,) = cases_of(call("f", rates=as_list([0.1, 0.01]), t_u=[0.1, 0.01])).values()
    assert built.arguments["rates"] == ArgumentList((0.1, 0.01))
    assert isinstance(built.arguments["t_u"], Array)


def test_lists_and_dicts_of_another_shape_say_which():
    """Two of three values, a key too few: the message names what came, and what was to come."""
    with pytest.raises(CheckFailed, match=r"a list of 2\nExpected: a list of 3"):
        assert_close([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(
        CheckFailed, match=r"a dict with the keys 0.1\nExpected: a dict with the keys 0.1, 0.01"
    ):
        assert_close({"0.1": 1.0}, {"0.1": 1.0, "0.01": 2.0})


def test_a_wrong_entry_of_a_list_or_dict_is_named():
    """Which of the learning rates it was, and which number of its list."""
    with pytest.raises(CheckFailed, match=r"^At 0.1:\nAt 1:\nObserved: 2\nExpected: 3"):
        assert_close({"0.1": [1.0, 2.0], "0.01": [5.0]}, {"0.1": [1.0, 3.0], "0.01": [5.0]})


def test_lists_of_tensors_stay_lists_however_deep():
    """Batches of unequal size, as pairs: what one array could not hold."""
    batches = [(tensor([1, 2]), tensor([3, 4])), (tensor([5]), tensor([6]))]
    (built,) = cases_of(call("f", batches=batches, turns="batches", trains=False)).values()
    pairs = [
        [item.numpy().tolist() for item in pair.values]
        for pair in built.arguments["batches"].values
    ]
    assert pairs == [[[1, 2], [3, 4]], [[5], [6]]]
    assert {item.dtype for pair in built.arguments["batches"].values for item in pair.values} == {
        "float32"
    }
    assert (built.turns, built.trains) == ("batches", False)
    made = build_arguments(built.arguments)
    assert [[value.tolist() for value in pair] for pair in made.values["batches"]] == pairs
    assert made.leaves == {}


def test_lists_of_lists_of_numbers_are_still_one_tensor():
    """Only what holds a tensor stays a list."""
    (built,) = cases_of(call("f", matrix=[[1, 2], [3, 4]])).values()
    assert built.arguments["matrix"].shape == (2, 2)


def test_each_makes_a_case_per_value_with_a_readable_id():
    """Optimizers name themselves; named cases keep their names; a dict is merged into the
    arguments.
    """
    mark = call(
        "f",
        optimizer=each(optim.SGD(lr=0.1, momentum=0.9), optim.Adam(lr=0.2)),
        size=each(small=dict(n=1), large=dict(n=9)),
    )
    cases = cases_of(mark)
    assert list(cases) == [
        "SGD-lr=0.1-momentum=0.9-small",
        "SGD-lr=0.1-momentum=0.9-large",
        "Adam-lr=0.2-small",
        "Adam-lr=0.2-large",
    ]
    assert cases["Adam-lr=0.2-large"].arguments == {
        "optimizer": OptimizerSpec("Adam", {"lr": 0.2}),
        "n": 9,
    }


def test_cases_that_would_share_a_name_are_refused():
    """Two equal ids would hide one of two checks."""
    with pytest.raises(ValueError, match="name them"):
        call("f", n=each(1, 1))


def test_what_is_no_plain_data_is_refused_with_the_way_out():
    """A function can't travel; a driver can make it on the other side."""
    with pytest.raises(ValueError, match="use a driver"):
        call("f", closure=lambda: 0)


@pytest.mark.parametrize("worth", [-1, float("nan")])
def test_points_below_zero_are_refused(worth):
    """Also NaN, which no sum survives."""
    with pytest.raises(ValueError, match="0 or more"):
        points(worth)


@pytest.mark.parametrize("credit", [float("nan"), -1.0, 2.5, float("inf")])
def test_credit_that_is_no_part_of_the_points_is_the_checks_own_fault(credit):
    """Of a check worth 2; what lies from 0 to 2 counts."""
    spec = CheckSpec("test_x", "x", points(2).args[0], call("f").args[0][""], None)
    assert _partly(PartialCredit(credit), credit, spec).cause is Cause.CHECK_RAISED
    assert _partly(PartialCredit(2.0), 2.0, spec).cause is Cause.AGREES
    assert _partly(PartialCredit(0.5), 0.5, spec).points == 0.5


def test_an_unknown_visibility_is_refused():
    """Only Gradescope's four words."""
    with pytest.raises(ValueError, match="secret"):
        points(1, visibility="secret")


@given(
    st.recursive(
        st.floats(-100, 100),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        ),
    )
)
def test_nested_values_agree_with_themselves(values):
    """Lists and dicts of numbers are compared inside."""
    assert_close(values, values)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.001, 1.0),
        ([1.0], [1.0, 2.0]),
        ({"a": 1.0}, {"b": 1.0}),
        (None, 1.0),
        (Opaque("Liar"), 1.0),
        (np.ones(2), np.ones((2, 1))),
        (float("nan"), 1.0),
        (True, 0),
    ],
)
def test_values_that_differ_fail(actual, expected):
    """Another number, length, key, type, shape."""
    with pytest.raises((CheckFailed, TypeError)):
        assert_close(actual, expected)


def optimizer(name="SGD", same_as=("params",), **settings):
    return OptimizerValue(name, (settings,), tuple(array_of([1.0, 0.0]) for _ in same_as), same_as)


def test_an_optimizer_is_its_class_its_settings_and_whose_tensor_it_holds():
    """Each of the three alone makes the difference; equal ones pass."""
    wanted = optimizer(lr=0.01, momentum=0)
    assert_optimizer(optimizer(lr=0.01, momentum=0), wanted)
    assert_optimizer(optimizer(lr=0.01, momentum=0.9), wanted, settings=("lr",))
    for wrong, words in (
        (optimizer("Adam", lr=0.01, momentum=0), "torch.optim.Adam"),
        (optimizer(lr=0.1, momentum=0), "lr=0.1"),
        (optimizer(lr=0.01, momentum=0, same_as=("",)), "tensor of its own"),
        (None, "return"),
    ):
        with pytest.raises(CheckFailed, match=words):
            assert_optimizer(wrong, wanted)


def test_groups_of_an_optimizer_are_compared_one_by_one():
    """Two groups of equal settings are as good as the reference's one; a wrong one among them, or
    one too few of different ones, fails. foreach is how, not what.
    """
    one, other = {"lr": 0.1, "momentum": 0.9}, {"lr": 0.2, "momentum": 0.9}

    def of(*groups):
        return OptimizerValue("SGD", groups, (), ("a", "b"))

    assert_optimizer(of(one, one), of(one))
    assert_optimizer(of(one, other), of(one, other))
    assert_optimizer(of(one | {"foreach": True}), of(one | {"foreach": None}))
    for wrong, wanted in (
        (of(one, other), of(one)),
        (of(one), of(one, other)),
        (of(one, other, one), of(one, other)),
        (of(other, one), of(one, other)),
    ):
        with pytest.raises(CheckFailed):
            assert_optimizer(wrong, wanted)


def test_contracts_share_all_points_of_a_check():
    """Each named once, nothing left over and nothing given twice."""
    shares = {
        "gradient": 8,
        "clearing": 7,
        "count + untouched + update": 8,
        "optimizer": 8,
        "return": 2,
    }
    assert sum(share for _, share in points(33, contracts=shares).args[0].contracts) == 33
    for worth, contracts in (
        (34, shares),
        (32, shares),
        (25, {name: share for name, share in shares.items() if name != "gradient"}),
        (41, shares | {"update": 8}),
    ):
        with pytest.raises(ValueError, match=r"each of .* once"):
            points(worth, contracts=contracts)


def test_a_bonus_adds_nothing_to_the_points_that_can_be_had():
    """The assignment's total leaves it out."""
    assert [points(3, bonus=bonus).args[0].counted for bonus in (True, False)] == [0, 3]


def test_arrays_are_read_only():
    """A check can't change evidence by accident."""
    with pytest.raises(ValueError, match="read-only"):
        array_of([1.0]).numpy()[0] = 2.0
    assert isinstance(array_of(3), Array)


def test_a_check_that_can_not_decide_asks_for_a_person(tmp_path):
    """Neither passed nor failed, and no points lost yet; an ordinary failure stays one."""
    folder = tmp_path / "assignments" / "tiny"
    folder.mkdir(parents=True)
    (folder / "test_tiny.py").write_text(
        "from autograder.checks import CheckFailed, NeedsReview, call,"
        " points\n@points(1)\n@call('f')\ndef test_open(run, reference):\n    'Open'\n    raise"
        " NeedsReview('look at this')\n@points(1)\n@call('f')\ndef test_failing(run, reference):\n "
        "   'Failing'\n    raise CheckFailed('no')\n"
    )
    files = AssignmentFiles(tmp_path, "tiny", Assignment("Tiny", 2, ()))
    run = Observation(Run("f", RunStatus.FINISHED))
    verdicts = open_docket(
        files, lambda docket: [docket.judge(spec, run, run) for spec in docket.specs]
    )
    assert [(verdict.cause, verdict.message) for verdict in verdicts] == [
        (Cause.UNDECIDED, "look at this"),
        (Cause.DISAGREES, "no"),
    ]
    assert RULINGS[Cause.UNDECIDED].outcome is Outcome.NEEDS_REVIEW


HEAD = (
    "from autograder.checks import call, cell, each, points\nfrom autograder.checks.graded_cells"
    " import graded_cell\n"
)
CHECK = "def test_a(run, reference):\n    'A check'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"@call('f')\n{CHECK}", "test_a: a check needs one @points"),
        (f"@points(1)\n{CHECK}", "test_a: a check needs one @points"),
        (f"@points(1)\n@points(1)\n@call('f')\n{CHECK}", "test_a: a check needs one @points"),
        (
            f"@points(1)\n@call('f')\n@cell('c', of='f')\n{CHECK}",
            "test_a: a check needs one @points",
        ),
        (
            "@points(1)\n@call('f')\ndef test_a(run, reference): pass\n",
            "test_a: a check needs a docstring",
        ),
        (
            (
                f"@points(1)\n@graded_cell('c', of='f')\n{CHECK}\n@points(1)\n@graded_cell('c',"
                f" of='f')\n{CHECK.replace('_a', '_b')}"
            ),
            "two checks have the same name",
        ),
        ("import no_such_module\n", "can't be collected"),
    ],
)
def test_checks_that_can_not_be_meant_are_refused(tmp_path, text, said):
    """With their names: points that nobody declared, or that hang on nothing, would be missing in
    the total.
    """
    folder = tmp_path / "assignments" / "tiny"
    folder.mkdir(parents=True)
    (folder / "test_tiny.py").write_text(HEAD + text)
    with pytest.raises(AssignmentError, match=said):
        open_docket(
            AssignmentFiles(tmp_path, "tiny", Assignment("Tiny", 2, ())),
            lambda docket: docket.specs,
        )


def test_the_reference_is_judged_with_what_the_check_is_worth(tmp_path):
    """A check that gives part of its points reads them there."""
    folder = tmp_path / "assignments" / "tiny"
    folder.mkdir(parents=True)
    (folder / "test_tiny.py").write_text(
        "from autograder.checks import PartialCredit, call, points\n@points(4)\n@call('f')\ndef"
        " test_half(run, reference):\n    'Half'\n    raise PartialCredit(reference.worth / 2)\n"
    )
    files = AssignmentFiles(tmp_path, "tiny", Assignment("Tiny", 4, ()))
    run = Observation(Run("f", RunStatus.FINISHED))
    (verdict,) = open_docket(
        files, lambda docket: [docket.judge(spec, run, run) for spec in docket.specs]
    )
    assert (verdict.cause, verdict.points) == (Cause.DISAGREES, 2)


def test_the_reference_comes_with_the_bar_that_was_measured_for_its_call(tmp_path):
    """Of another call none: it was measured on other steps."""
    folder = tmp_path / "assignments" / "tiny"
    folder.mkdir(parents=True)
    (folder / "test_tiny.py").write_text(
        "from autograder.checks import CheckFailed, call, points\n@points(1)\n@call('f')\ndef"
        " test_bar(run, reference):\n    'Bar'\n    raise CheckFailed(str(reference.bar))\n"
    )
    files = AssignmentFiles(tmp_path, "tiny", Assignment("Tiny", 1, ()))
    run = Observation(Run("f", RunStatus.FINISHED))

    def said():
        return open_docket(
            files, lambda docket: [docket.judge(spec, run, run).message for spec in docket.specs]
        )

    assert said() == ["None"]
    (spec,) = open_docket(files, lambda docket: docket.specs)
    for digest, bar in ((call_digest(spec.call), "0.003"), ("0" * 12, "None")):
        measured = Measured(digest, 20, 1e-4, 3e-3, 0.1, "sum-not-mean", 30.0)
        calibration = Calibration(
            "2", "3", "x86_64", datetime.date(2026, 11, 1), {"test_bar": measured}
        )
        calibration_path(folder).write_text(calibration_text(calibration))
        assert said() == [bar]


def test_garbage_is_collected_as_ever_after_judging():
    """Also if judging broke off: what was set aside meanwhile is looked at again."""
    files, during = open_assignment(TESTS / "tiny_course", "tiny"), []
    before = gc.get_freeze_count()

    def breaking(_):
        during.append(gc.get_freeze_count())
        raise KeyError

    open_docket(files, lambda _: during.append(gc.get_freeze_count()))
    assert gc.get_freeze_count() <= before
    with pytest.raises(KeyError):
        open_docket(files, breaking)
    assert gc.get_freeze_count() <= before
    assert min(during) > before + 1000


def test_a_module_of_the_checks_name_is_there_afterwards(monkeypatch):
    """Of a program that imports this one; and the checks are read from their file, not from it."""
    files = open_assignment(TESTS / "tiny_course", "tiny")
    namesake = ModuleType("test_tiny")
    monkeypatch.setitem(sys.modules, "test_tiny", namesake)
    assert open_docket(files, lambda docket: [spec.id for spec in docket.specs]) != []
    assert sys.modules["test_tiny"] is namesake


def test_what_the_environment_sets_for_pytest_is_not_for_the_checks(monkeypatch):
    """An option that is none would keep any session from starting; afterwards it is set as
    before.
    """
    files = open_assignment(TESTS / "tiny_course", "tiny")
    names = open_docket(files, lambda docket: [spec.id for spec in docket.specs])
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert open_docket(files, lambda docket: [spec.id for spec in docket.specs]) == names != []
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert os.environ["PYTEST_PLUGINS"] == "no_such_plugin"
