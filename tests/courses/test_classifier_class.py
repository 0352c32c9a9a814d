"""The classifier's sample class gets the grades that its authors worked out by hand from the
checks' points, never copied from a run.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from places import ROOT
from selection import selected

from autograder.assignment import open_assignment
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder
from autograder.judgement.grade import Outcome

pytestmark = pytest.mark.long("each notebook trains classifiers")

COURSE = ROOT
CLASS = COURSE / "examples" / "classifier"

POINTS = {
    "test_shapes": 4,
    "test_logits": 8,
    "test_dropout": 6,
    "test_one_epoch": 8,
    "test_every_sample_once": 12,
    "test_epochs_on_unseen_data[momentum]": 12,
    "test_epochs_on_unseen_data[adam]": 12,
    "test_accuracy": 6,
    "test_evaluation": 14,
    "test_history": 4,
    "test_fit": 8,
    "test_digits_run": 2,
    "test_accuracy_over_seeds": 4,
}
ONE, EVERY = frozenset({"test_one_epoch"}), frozenset({"test_every_sample_once"})
HIDDEN = frozenset({"test_epochs_on_unseen_data[momentum]", "test_epochs_on_unseen_data[adam]"})
STEPS = ONE | HIDDEN

# Later parts are judged with the given definitions where an earlier part lost points, so each
# mistake costs its points once.
RIGHT = (
    "aino",
    "bruno",
    "cara",
    "dilan",
    "ema",
    "finn",
    "gaia",
    "hiro",
    "ilya",
    "jun",
    "kira",
    "luca",
    "mona",
)
WRONG = {
    "oda": (STEPS, {"softmax-before-loss"}),
    "pavel": (STEPS, {"eval-mode-training"}),
    "quinn": (STEPS | EVERY, {"no-shuffle"}),
    "rhea": (STEPS, {"frozen-layer"}),
    "sami": (STEPS, {"keeps-graph"}),
    "tara": (
        HIDDEN | EVERY,
        {"drops-last-batch"},
    ),  # the visible call's 96 samples make six whole batches
    "udo": (HIDDEN | EVERY, {"same-order"}),  # one epoch alone has no other to be like
    "vera": (STEPS | EVERY, {"samples-with-replacement"}),
    "wim": (STEPS, {"never-clears"}),
    "xenia": (STEPS, {"labels-misaligned"}),
    "yann": (STEPS, {"scales-batch-loss"}),
    "zora": (frozenset({"test_accuracy", "test_evaluation"}), {"evaluates-in-train-mode"}),
    "abel": (
        frozenset({"test_evaluation"}),
        {"evaluation-skips-samples"},
    ),  # 100 images are five whole batches, 150 are not
    "bibi": (HIDDEN, {"mean-of-means"}),  # six whole batches weigh the same
    "cleo": (STEPS, {"clips-gradients"}),
    "dana": (STEPS | EVERY, {"own-optimizer"}),
    "egon": (STEPS, {"squared-error-on-classes"}),
    "fay": (STEPS | EVERY, {"steps-rarely"}),
    "gus": (
        frozenset({"test_logits", "test_dropout"}),
        set(),
    ),  # no training is wrong: the rest is judged with the given model
    "hedy": (STEPS, {"weight-penalty"}),
    "iris": (frozenset({"test_fit"}), {"changes-inputs"}),
    "juri": (EVERY, {"ignores-generator"}),  # a right training that nobody can repeat
}
"""Student: the checks that are lost, and the findings, each of which must be there and no other."""


@pytest.fixture(scope="module")
def graded(request, executor):
    """Grades by student, of those that tests of this session are about, and what judging again
    would move.
    """
    wanted = selected(request, "student")
    files = open_assignment(COURSE, "classifier")
    with tempfile.TemporaryDirectory() as folder:
        results = ResultsFolder(Path(folder), files.slug)
        candidates = [
            one
            for one in collect_submissions(CLASS / "submitted", files.slug)
            if one.student in wanted
        ]
        grades = grade_class(files, candidates, results, executor, _Silent())
        moves, lost = regrade_class(files, results, executor)
        yield (
            {grade.student: grade for grade in grades},
            [move.changed for move in moves if move.changed],
            lost,
        )


class _Silent:
    def started(self, total):
        pass

    def done(self, grade):
        pass


@pytest.fixture
def grades(graded):
    return graded[0]


def test_the_class_is_complete():
    """Everybody in the tables handed in, and nobody else; points add up to the assignment's."""
    files = open_assignment(COURSE, "classifier")
    assert {one.student for one in collect_submissions(CLASS / "submitted", files.slug)} == {
        *RIGHT,
        *WRONG,
    }
    assert len(RIGHT) >= 12
    assert len(WRONG) >= 12
    assert sum(POINTS.values()) == 100


@pytest.mark.parametrize("student", RIGHT)
def test_right_ways_are_never_accused(grades, student):
    """Other samplers, other layers, float64, batches in another order inside: full marks and not a
    word.
    """
    checks = grades[student].checks
    assert {
        check.id: check.message for check in checks if check.outcome is not Outcome.PASSED
    } == {}
    assert [finding for check in checks for finding in check.findings] == []
    assert grades[student].points == 100


@pytest.mark.parametrize("student", WRONG)
def test_each_mistake_loses_its_points_and_is_named(grades, student):
    lost, findings = WRONG[student]
    failed = {
        check.id: check for check in grades[student].checks if check.outcome is not Outcome.PASSED
    }
    assert set(failed) == lost, {
        name: (check.cause, check.message) for name, check in failed.items()
    }
    assert {check.outcome for check in failed.values()} == {Outcome.FAILED}
    assert grades[student].points == 100 - sum(POINTS[check] for check in lost)
    assert {finding.code for check in failed.values() for finding in check.findings} == findings


def test_judging_again_moves_nothing(graded):
    """Replays are evidence: what is stored leads to the same points."""
    _, moved, lost = graded
    assert moved == []
    assert lost == {}
