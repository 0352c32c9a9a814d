"""`autograder check` against `autograder grade`: the same notebook, the same words."""

import datetime

import pytest
from tiny_class import LOOP, LOSS

from autograder.commands.check.one_notebook import check_notebook
from autograder.commands.release.checks_file import open_checks, write_checks
from autograder.judgement.grade import Outcome, Visibility
from autograder.reports.told import told_of

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
VARIANTS = {
    "right": {},
    "stub": {
        "loss_fn": "def loss_fn(values):\n    raise NotImplementedError()",
        "training_loop": (
            "def training_loop(n_epochs, optimizer, params):\n    raise NotImplementedError()"
        ),
    },
    "never_clears": {"training_loop": LOOP.replace("        optimizer.zero_grad()\n", "")},
    "one_step_less": {"training_loop": LOOP.replace("range(n_epochs)", "range(n_epochs - 1)")},
    "raises": {"training_loop": LOOP.replace("loss_fn(params)", "loss_fun(params)")},
    "exits": {"training_loop": "import os; os._exit(3)"},
    "no_python": {"training_loop": "def training_loop(:"},
    "other_signature": {"loss_fn": "def loss_fn(a, b):\n    return a", "training_loop": LOOP},
    "missing": {"loss_fn": "pass"},
    "commands": {
        "loss_fn": LOSS.replace(
            "    return",
            '    print("::error::gotcha")\n    raise ValueError("::warning::x\\n##[error]y")\n   '
            " return",
        )
    },
    "rebinds": {
        "train": (
            "weights = torch.tensor([2.0], requires_grad=True)\nweights = training_loop(30,"
            " torch.optim.SGD([weights], lr=0.1), weights)\n"
        )
    },
}


def checked(course, path, runner, folder):
    """The report on a notebook, as `check` makes it from the released file."""
    return check_notebook(
        open_checks(course.root / "release" / "tiny.checks", folder), path, runner, NOW
    )


def seen(checks):
    return [
        (check.id, check.outcome, check.cause, check.message, check.points)
        for check in checks
        if check.visibility is Visibility.VISIBLE
    ]


def test_outcomes_messages_and_notices_are_those_of_grading(course, executor, tmp_path):
    """Right, wrong, unfinished and hostile notebooks; where grading puts a given function in place
    of a wrong one, the report says so instead.
    """
    paths = {name: course.submit(name, **cells) for name, cells in VARIANTS.items()}
    grades, _ = course.grade()
    given = []
    for name, path in paths.items():
        report = checked(course, path, executor, tmp_path / name)
        lent = any(
            check.given for check in grades[name].checks if check.visibility is Visibility.VISIBLE
        )
        assert report.remarks or not lent, name
        assert not (report.remarks and report.passed), name
        if lent:
            given.append(name)
            own = [check.id for check in grades[name].checks if not check.given]
            assert [one for one in seen(report.checks) if one[0] in own] == [
                one for one in seen(grades[name].checks) if one[0] in own
            ]
        else:
            assert seen(report.checks) == seen(grades[name].checks), name
        assert report.grade.notices == grades[name].notices
        assert report.grade.problem == grades[name].problem
        assert report.passed == (name in ("right", "rebinds"))
        assert not report.ungradable
    assert "stub" in given
    assert "right" not in given


def test_the_place_is_the_line_of_the_error_or_the_cell(course, executor, tmp_path):
    """In the student's own file, as an editor counts it."""
    path = course.submit("raises", **VARIANTS["raises"])
    report = checked(course, path, executor, tmp_path / "raises")
    assert list(report.places) == ["test_train"]
    assert "loss_fun(params)" in path.read_text().splitlines()[report.places["test_train"].line - 1]
    path = course.submit("clears", **VARIANTS["never_clears"])
    place = checked(course, path, executor, tmp_path / "clears").places["test_train"]
    assert "weights = torch.tensor" in path.read_text().splitlines()[place.line - 1]


def test_a_file_that_is_no_notebook_is_told_as_in_grading(course, executor, tmp_path):
    """An outcome for each check, nothing is run."""
    path = course.root / "submitted" / "eve" / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    grades, _ = course.grade()
    report = checked(course, path, executor, tmp_path / "eve")
    assert seen(report.checks) == seen(grades["eve"].checks)
    assert {check.outcome for check in report.checks} == {Outcome.NOT_REACHED}
    assert report.places == {}


@pytest.fixture
def shown(course):
    """The tiny course with its training call visible, released anew."""
    path = course.files.checks
    path.write_text(
        path.read_text().replace('@points(5, visibility="after_due_date")', "@points(5)")
    )
    write_checks(course.files, course.root / "release", course.results.evidence, course.executor)
    return course


def test_findings_are_those_of_grading_but_for_gradients(shown, executor, tmp_path):
    """A loop that never clears is named in the same words; a wrong objective needs the reference's
    gradients, and nothing is said of it; a right loop gets no finding.
    """
    cells = {
        "clears": {"training_loop": LOOP.replace("        optimizer.zero_grad()\n", "")},
        "fewer": {"training_loop": LOOP.replace("range(n_epochs)", "range(n_epochs - 2)")},
        "replaced": {
            "training_loop": LOOP.replace(
                "    for", "    optimizer = torch.optim.SGD([params], lr=0.5)\n    for"
            )
        },
        "scaled": {"training_loop": LOOP.replace("loss_fn(params)", "(3 * loss_fn(params))")},
        "right": {},
    }
    paths = {name: shown.submit(name, **cell) for name, cell in cells.items()}
    grades, _ = shown.grade()
    codes = {}
    for name, path in paths.items():
        report = checked(shown, path, executor, tmp_path / name)
        mine = report.told()["test_loop"]
        theirs = told_of(grades[name].checks, report.disclosure)["test_loop"]
        codes[name] = [finding.code for check in report.checks for finding in check.findings]
        assert mine == (() if name == "scaled" else theirs), name
        assert bool(theirs) == (name != "right")
    assert codes == {
        "clears": ["never-clears"],
        "fewer": ["too-few-steps"],
        "replaced": ["own-optimizer"],
        "scaled": [],
        "right": [],
    }
