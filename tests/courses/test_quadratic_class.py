"""The class of the homework with the parabola gets the grades that were worked out by hand from the
checks' points: 12 right in their own ways, 16 wrong in one thing each.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass

import jupytext
import pytest
from places import ROOT
from released_secrets import told
from selection import selected, short

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder
from autograder.judgement.calibration import calibration_path, read_bars
from autograder.judgement.comparing.tolerance import LEAST_MARGIN
from autograder.judgement.grade import GradeStatus, Outcome

COURSE = ROOT
CLASS = COURSE / "examples" / "quadratic"

POINTS = {
    "test_model": 6,
    "test_model_on_unseen_data": 4,
    "test_first_epochs": 8,
    "test_loop_on_unseen_data": 12,
    "test_loop_with_any_optimizer[momentum]": 8,
    "test_loop_with_any_optimizer[adam_three_tensors]": 8,
    "test_loop_goes_on": 6,
    "test_loop_diverges": 8,
    "test_rates": 8,
    "test_rates_on_unseen_data": 12,
    "test_long_run": 8,
    "test_comparison": 6,
    "test_comparison_on_unseen_data": 6,
}
MODEL = {"test_model", "test_model_on_unseen_data"}
SHORT_LOOPS = {name for name in POINTS if name.startswith("test_loop")} | {"test_first_epochs"}
LOOPS = SHORT_LOOPS | {"test_long_run"}
RATES = {"test_rates", "test_rates_on_unseen_data"}
COMPARISON = {"test_comparison", "test_comparison_on_unseen_data"}


@dataclass(frozen=True)
class Expected:
    """Checks that are not passed, points that the contracts of test_loop_on_unseen_data give back
    (of 12), and what the diagnosis says, nothing else.
    """

    lost: set[str]
    kept: int = 0
    finding: str = ""

    @property
    def points(self):
        return sum(POINTS[name] for name in POINTS.keys() - self.lost) + self.kept


FULL = Expected(set())
CORRECT = {
    "amara": FULL,  # as on the slides
    "boris": FULL,  # float64 throughout, which diverges too, but overflows much later
    "carla": FULL,  # Horner's scheme, F.mse_loss
    "dario": FULL,  # a sum over powers; a while loop; all parameters first, then all trainings
    "esra": FULL,  # a closure; losses as tensors
    "finn": FULL,  # torch.autograd.grad; says so where training diverges
    "gita": FULL,  # zero_grad last in the loop; keeps all losses
    "henrik": FULL,  # the full batch through a DataLoader
    "irina": FULL,  # .grad = None by hand; sum over n
    "joao": FULL,  # rows reversed; the opposite difference; torch.dot; a helper of his own
    "keiko": FULL,  # a matrix product; nn.Parameter
    "lukas": (
        FULL
    ),  # notices nan and goes on; trains in sorted order, reports in the order asked for
}
WRONG = {
    # Clearing is 3 of the 12 points, gradient 3, "count + untouched + update" 3, optimizer 2,
    # return 1.
    "odile": Expected(LOOPS, 9, "never-clears"),
    "pavel": Expected(LOOPS, 9, "too-few-steps"),  # range(1, n_epochs)
    "quinn": Expected(
        {"test_loop_diverges"}, 0, "too-few-steps"
    ),  # stops at nan: all that converges is right
    # halves the learning rate when the loss grows: under momentum and Adam it does now and then,
    # and where training diverges always
    "rhea": Expected(
        {
            "test_loop_with_any_optimizer[momentum]",
            "test_loop_with_any_optimizer[adam_three_tensors]",
            "test_loop_diverges",
        },
        0,
        "changes-settings",
    ),
    "samir": Expected(
        LOOPS, 9, "step-before-backward"
    ),  # counts as a matter of count: each gradient is right, one step late
    "vera": Expected(
        SHORT_LOOPS,
        7,
        "own-optimizer",
        # her own SGD has the long run's settings. The one passed in made no step: no points for steps
        # either
    ),
    # the notebook's readings in place of the arguments: right wherever those are the same
    "bea": Expected(
        {
            "test_loop_on_unseen_data",
            "test_loop_with_any_optimizer[adam_three_tensors]",
            "test_loop_goes_on",
        },
        9,
        "uses-globals",
    ),
    "cleo": Expected(LOOPS, 9, "changes-gradients"),  # clips gradients, against nan
    "tilda": Expected(
        MODEL
    ),  # squares weight and reading together; later parts get the given model
    "ulf": Expected(MODEL),  # w1 before the square
    "wim": Expected(RATES),  # one set of parameters for all rates
    "xenia": Expected(RATES),  # leaves out rates that diverge
    "yann": Expected(RATES),  # reports -1 where training diverges
    "zara": Expected(RATES),  # starts from 1, 1, 1
    "aziz": Expected(COMPARISON),  # the two losses for each other
    "dov": Expected(COMPARISON),  # puts the line's weight before the square
}
EXPECTED = CORRECT | WRONG


class Silent:
    """Progress that nobody watches."""

    def started(self, total):
        pass

    def done(self, grade):
        pass


SHORT = {"boris", "odile", "quinn", "wim", "zara", "finn"}


@pytest.fixture(scope="module")
def files():
    return open_assignment(COURSE, "quadratic")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return ResultsFolder(tmp_path_factory.mktemp("results"), "quadratic")


@pytest.fixture(scope="module")
def grades(request, executor, files, results):
    """Of the students that tests of this session are about."""
    candidates = [
        one
        for one in collect_submissions(CLASS, "quadratic")
        if one.student in selected(request, "student")
    ]
    return {
        grade.student: grade
        for grade in grade_class(files, candidates, results, executor, Silent())
    }


def test_the_checks_points_are_those_of_the_table(files):
    assert (
        open_docket(files, lambda docket: {spec.id: spec.worth.points for spec in docket.specs})
        == POINTS
    )


def test_the_table_covers_the_class():
    """At least a dozen of each, in sources, notebooks and table alike."""
    assert (
        {path.stem for path in (CLASS / "students").iterdir()}
        == {path.name for path in (CLASS / "submitted").iterdir()}
        == set(EXPECTED)
    )
    assert min(len(CORRECT), len(WRONG)) >= 12


def test_no_two_correct_loops_are_the_same_code():
    loops = set()
    for student in CORRECT:
        cells = jupytext.read(CLASS / "students" / f"{student}.py", fmt="py:percent").cells
        source = next(cell["source"] for cell in cells if cell["metadata"]["id"] == "training_loop")
        loops.add(ast.dump(ast.parse(source)))
    assert len(loops) == len(CORRECT)


@pytest.mark.seconds("notebooks that train are graded before the first")
@pytest.mark.parametrize("student", short(EXPECTED, SHORT, "many notebooks that train"))
def test_each_student_gets_the_expected_grade(grades, student):
    """Checks, points, and exactly one name for what is wrong with a loop; notebooks as the template
    has them now.
    """
    grade, expected = grades[student], EXPECTED[student]
    failed = {
        check.id: (check.cause, check.message)
        for check in grade.checks
        if check.outcome is not Outcome.PASSED
    }
    assert set(failed) == expected.lost, failed
    assert grade.points == expected.points
    assert {finding.code for check in grade.checks for finding in check.findings} == (
        {expected.finding} if expected.finding else set()
    )
    assert (grade.status, grade.problem, grade.notices) == (
        GradeStatus.GRADED,
        "",
        (),
    ), "rebuilt since the template changed?"
    assert not [check.note for check in grade.checks if check.note]


def test_every_margin_is_wide_enough(files):
    """calibration.toml is of today's calls (a stale bar is never used), and no margin is below
    ten.
    """
    measured = tomllib.loads((files.folder / "calibration.toml").read_text())["checks"]
    trains = {"test_first_epochs", "test_rates_on_unseen_data"} | {
        name for name in POINTS if name.startswith("test_loop")
    }
    assert set(measured) == trains
    assert min(one["margin"] for one in measured.values()) >= LEAST_MARGIN
    calls = open_docket(
        files, lambda docket: {spec.id: spec.call for spec in docket.specs if spec.call is not None}
    )
    assert set(read_bars(calibration_path(files.folder), calls)) == trains


def test_the_release_tells_no_secret(executor, files, grades, results, tmp_path):
    """Notebook and file of checks, made from the reference's stored runs."""
    assert grades
    release_assignment(files, tmp_path, results.evidence, executor)
    assert told(COURSE, "quadratic", tmp_path) == []
