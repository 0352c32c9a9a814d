"""What a test cell's run is worth: nbgrader's rules, and where they fail open a person."""

import pytest

from autograder.checks import CheckFailed, NeedsReview, Observation, PartialCredit
from autograder.checks.graded_cells import assert_graded_cell
from autograder.evidence.trace import ErrorReport, Run, RunStatus
from autograder.judgement.test_cell import CellVerdict, award, verdict_of

SILENT = CellVerdict()
NUMBER = CellVerdict(shown="2")


def shown(text):
    return {
        "output_type": "execute_result",
        "data": {"text/plain": text},
        "metadata": {},
        "execution_count": 1,
    }


def stream(text, name="stderr"):
    return {"output_type": "stream", "name": name, "text": text}


@pytest.mark.parametrize(
    ("run", "reference", "points"),
    [
        (None, SILENT, 2),
        ("0.5", NUMBER, 0.5),
        ("0", NUMBER, 0),
        ("2.0", NUMBER, 2),
        ("1e-1", NUMBER, 0.1),
        ("np.float64(1.5)", NUMBER, 1.5),
        ("np.int64(1)", NUMBER, 1),
        ("tensor(0.2500)", NUMBER, 0.25),
        ("tensor(1., dtype=torch.float64)", NUMBER, 1),
        ("tensor(1., grad_fn=<MeanBackward0>)", NUMBER, 1),
        ("array(1.5)", NUMBER, 1.5),
        (
            "[<matplotlib.lines.Line2D at 0x7f>]",
            CellVerdict(shown="[<matplotlib.lines.Line2D at 0x5a>]"),
            2,
        ),
        ("True", CellVerdict(shown="True"), 2),
        # what nbgrader gives full marks for, or fails on
        ("nan", NUMBER, None),
        ("inf", NUMBER, None),
        ("-1", NUMBER, None),
        ("2.5", NUMBER, None),
        ("tensor(nan)", NUMBER, None),
        ("tensor([1., 2.])", NUMBER, None),
        ("'2'", NUMBER, None),
        ("True", NUMBER, None),
        (None, NUMBER, None),
        ("", NUMBER, None),
        ("False", CellVerdict(shown="True"), None),
        (None, CellVerdict(shown="True"), None),
        (None, CellVerdict(shown="'done'"), None),
    ],
)
def test_the_last_lines_value(run, reference, points):
    """Of a cell that is worth 2 points."""
    assert award(CellVerdict(shown=run), reference, 2).points == points


@pytest.mark.parametrize(
    ("outputs", "ignore", "points"),
    [
        ([], "", 2),
        ([stream("printed", "stdout")], "", 2),
        ([stream("UserWarning: slow")], "", 0),
        ([stream("UserWarning: slow")], "UserWarning", 2),
        ([stream("UserWarning: slow")], "DeprecationWarning", 0),
        ([shown("1"), stream("late")], "", 1),
        ([stream("early"), shown("1")], "", 0),
        ([stream("early"), shown("1")], "^early$", 1),
        ([{"output_type": "display_data", "data": {"text/plain": "0"}, "metadata": {}}], "", 2),
    ],
)
def test_what_comes_first_of_stderr_and_the_value_counts(outputs, ignore, points):
    """As in nbgrader, with its IgnorePattern."""
    reference = (
        NUMBER if any(output["output_type"] == "execute_result" for output in outputs) else SILENT
    )
    assert award(verdict_of(outputs, None, ignore_stderr=ignore), reference, 2).points == points


def test_an_error_gives_nothing_whatever_was_shown_before():
    """And is told, with its place; of a hidden test only its kind."""
    error = ErrorReport("AssertionError", "mean is 3", cell="test_mean", line=2)
    run = verdict_of([shown("2")], error)
    assert award(run, NUMBER, 2) == award(CellVerdict(error=error), SILENT, 2)
    assert award(run, NUMBER, 2).points == 0
    assert award(run, NUMBER, 2).reason == "AssertionError: mean is 3 (cell test_mean, line 2)"
    assert (
        award(verdict_of([], error, hidden=True), NUMBER, 2).reason
        == "A hidden test failed (AssertionError)."
    )


@pytest.mark.parametrize(
    ("run", "worth", "raised"),
    [
        (SILENT, 2, None),
        (CellVerdict(error=ErrorReport("AssertionError", "")), 2, CheckFailed),
        (CellVerdict(stderr="slow"), 2, CheckFailed),
        (SILENT, 0, None),
        (CellVerdict(error=ErrorReport("AssertionError", "")), 0, CheckFailed),
        (CellVerdict(stderr="slow"), 0, CheckFailed),
    ],
)
def test_a_check_fails_whatever_it_is_worth(run, worth, raised):
    """Also one that is worth nothing is not told as passed after an error or a word on stderr."""
    judge(run, SILENT, worth, raised)


@pytest.mark.parametrize(
    ("shown", "raised"),
    [
        ("2", None),
        ("0", CheckFailed),
        ("1.5", PartialCredit),
        ("nan", NeedsReview),
        ("2.5", NeedsReview),
    ],
)
def test_a_check_gives_the_points_of_its_last_line(shown, raised):
    """All of two, none, some; what can't be points is for a person."""
    judge(CellVerdict(shown=shown), NUMBER, 2, raised)


def test_the_points_of_a_check_are_the_number_that_its_cell_shows():
    """Of two."""
    assert judge(CellVerdict(shown="1.5"), NUMBER, 2, PartialCredit).points == 1.5


def judge(run, reference, worth, raised):
    """Returns what the check's body raised."""
    pair = [
        Observation(Run("cell", RunStatus.FINISHED), graded=verdict, worth=worth)
        for verdict in (run, reference)
    ]
    if raised is None:
        return assert_graded_cell(*pair)
    with pytest.raises(raised) as caught:
        assert_graded_cell(*pair)
    assert caught.type is raised
    return caught.value
