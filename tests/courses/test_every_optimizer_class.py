"""The class of *Every optimizer* gets the grades that follow from the checks' points; the notebook
runs in a real kernel; the solution's own optimizers are torch's.
"""

from __future__ import annotations

import importlib.util
import sys

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from places import ROOT
from released_secrets import told
from selection import selected

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder
from autograder.judgement.grade import Outcome, Visibility

pytestmark = pytest.mark.long("each notebook trains with all of torch's optimizers")

COURSE = ROOT
CLASS = COURSE / "examples" / "every-optimizer"
SOLUTION = COURSE / "solutions" / "every-optimizer" / "solution.py"

PLUGGED = (
    "sgd",
    "momentum",
    "asgd",
    "rprop",
    "adagrad",
    "rmsprop",
    "adadelta",
    "adam",
    "adamw",
    "adamax",
)
LBFGS_LOOP = {"test_train_with_lbfgs": 4} | {
    f"test_lbfgs_on_unseen_data[{case}]": 2
    for case in ("fixed_rate", "line_search", "one_iteration")
}
EMBEDDING_LOOP = {
    "test_train_embedding": 4,
    "test_train_embedding_with_sgd": 2,
    "test_sparse_adam_on_unseen_data": 2,
}
WITH_MOMENTUM = {
    "test_my_sgd": 3,
    "test_my_sgd_on_unseen_data[momentum]": 3,
    "test_my_sgd_with_groups": 2,
    "test_my_sgd_without_gradients": 2,
    "test_my_sgd_with_a_closure": 1,
}
MY_SGD = {"test_my_sgd_on_unseen_data[plain]": 3} | WITH_MOMENTUM
MY_ADAM = {
    "test_my_adam": 5,
    "test_my_adam_on_unseen_data[other_betas]": 3,
    "test_my_adam_on_unseen_data[small_gradients]": 3,
    "test_my_adam_with_groups": 4,
    "test_my_adam_without_gradients": 3,
    "test_my_adam_with_a_closure": 2,
}
POINTS = (
    {
        name: 2
        for optimizer in PLUGGED
        for name in (f"test_make_{optimizer}", f"test_{optimizer}_on_unseen_data")
    }
    | {"test_make_lbfgs": 3, "test_make_embedding": 3, "test_make_sparse_adam": 2}
    | LBFGS_LOOP
    | EMBEDDING_LOOP
    | MY_SGD
    | MY_ADAM
)
SAVED = "test_my_adam_saved_and_loaded"
EXTRA = {
    "test_make_nadam": 1,
    "test_nadam_on_unseen_data": 1,
    "test_make_radam": 1,
    "test_radam_on_unseen_data": 1,
    "test_make_adafactor": 1,
    "test_adafactor_on_unseen_data": 1,
    "test_make_muon": 1,
    "test_muon_with_another_rate": 1,
    SAVED: 2,
}


def here(checks: dict[str, int]) -> dict[str, int]:
    """Without those of optimizers that the installed torch does not have."""
    missing = {name.lower() for name in ("Adafactor", "Muon") if not hasattr(torch.optim, name)}
    return {
        check: points
        for check, points in checks.items()
        if not any(name in check for name in missing)
    }


def plugged(*optimizers: str) -> set[str]:
    return {
        name
        for optimizer in optimizers
        for name in (f"test_make_{optimizer}", f"test_{optimizer}_on_unseen_data")
    }


CORRECT = {
    **dict.fromkeys(
        ("ada", "chloe", "dan", "eve", "gwen", "hal", "ida", "jon", "kit", "lou", "mia"),
        frozenset(),
    ),
    "ben": set(EXTRA) - {SAVED},  # the stubs of the extra credit, as released
    "finn": {SAVED},  # state_dict() knows nothing of a dict of his own
}
"""Nobody here loses any of the 100 points."""

WRONG = {
    "abel": set(EMBEDDING_LOOP),
    "bea": plugged("adam"),
    "carl": set(MY_SGD),
    "dora": {"test_my_adam_with_a_closure"},
    "emil": {*MY_ADAM, SAVED},
    "fay": {"test_make_lbfgs"},
    "gil": plugged("rprop"),
    "olga": plugged("adamw"),
    "paul": plugged("rmsprop"),
    "quin": plugged("adagrad"),
    "rita": set(LBFGS_LOOP),
    "sam": set(LBFGS_LOOP),
    "tess": {
        "test_make_embedding",
        "test_sparse_adam_on_unseen_data",
    },  # the given embedding of the other two is sparse
    "ugo": {*MY_ADAM, SAVED},
    "vera": {
        "test_my_adam_on_unseen_data[small_gradients]"
    },  # 1e-8 shows beside squares of 1e-7, not beside those of the lecture
    "will": {"test_my_adam_without_gradients"},  # elsewhere all tensors make all steps
    "xena": set(WITH_MOMENTUM),  # without momentum there is nothing to share
    "yann": {"test_my_sgd_with_groups"},
    "zara": set(MY_SGD),
}
EXPECTED = CORRECT | WRONG

FINDINGS = {"gil": {"optimizer-holds-other-tensor"}, "rita": {"never-clears"}}
"""What the diagnosis says, and of nobody else anything: in all other calls the loop is the
driver's, and contracts of a loop can't judge an optimizer.
"""


def build_module():
    spec = importlib.util.spec_from_file_location("build_every_optimizer", CLASS / "build_class.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses of the module look themselves up
    spec.loader.exec_module(module)
    return module


class Silent:
    def started(self, total):
        pass

    def done(self, grade):
        pass


@pytest.fixture(scope="module")
def files():
    return open_assignment(COURSE, "every-optimizer")


@pytest.fixture(scope="module")
def release():
    return build_module().released()


@pytest.fixture(scope="module")
def graded(request, executor, files, release, tmp_path_factory):
    """The students that tests of this session are about, graded: (results folder, grades by
    student).
    """
    wanted = {*selected(request, "student"), "ada", "emil", "zara"}
    folder = tmp_path_factory.mktemp("class")
    build_module().build(folder / "submitted", release)
    results = ResultsFolder(folder / "results", files.slug)
    candidates = [
        one
        for one in collect_submissions(folder / "submitted", files.slug)
        if one.student in wanted
    ]
    grades = grade_class(files, candidates, results, executor, Silent())
    release_assignment(files, results.root / "released", results.evidence, executor)
    return results, {grade.student: grade for grade in grades}


@pytest.fixture(scope="module")
def grades(graded):
    return graded[1]


def test_the_release_tells_no_secret(graded):
    """Notebook and file of checks, made from the reference's stored runs."""
    assert told(COURSE, "every-optimizer", graded[0].root / "released") == []


def test_the_checks_points_are_those_of_the_table(files):
    """100 points, and the extra credit marked as such."""
    worths = open_docket(files, lambda docket: {spec.id: spec.worth for spec in docket.specs})
    assert {name: worth.points for name, worth in worths.items() if not worth.bonus} == POINTS
    assert {name: worth.points for name, worth in worths.items() if worth.bonus} == here(EXTRA)
    assert sum(POINTS.values()) == 100
    assert sum(EXTRA.values()) == 10


def test_the_table_covers_the_class():
    assert {path.stem for path in (CLASS / "students").glob("*.py")} == {*EXPECTED, "usual"}
    assert len(CORRECT) >= 12
    assert len(WRONG) >= 12


@pytest.mark.parametrize("student", EXPECTED)
def test_each_student_gets_the_expected_grade(grades, student):
    grade, every = grades[student], POINTS | here(EXTRA)
    lost = {
        check.id: (check.cause, check.message)
        for check in grade.checks
        if check.outcome is not Outcome.PASSED
    }
    assert set(lost) == EXPECTED[student] & set(every), lost
    assert grade.points == sum(
        points for check, points in every.items() if check not in EXPECTED[student]
    )
    assert grade.max_points == 100
    if student in CORRECT:
        assert grade.points >= 100


def test_each_finding_is_true_and_nobody_else_is_accused(grades):
    """Closures that run several times a step, optimizers inside optimizers, groups, missing and
    sparse gradients: none is taken for a mistake of a loop.
    """
    found = {
        student: {finding.code for check in grade.checks for finding in check.findings}
        for student, grade in grades.items()
    }
    assert {student: codes for student, codes in found.items() if codes} == {
        student: codes for student, codes in FINDINGS.items() if student in grades
    }
    assert [check.note for grade in grades.values() for check in grade.checks if check.note] == []


def test_extra_credit_stands_beside_the_total_everywhere(files, graded):
    """In the page, the table and nbgrader's gradebook: more than 100 of 100."""
    from nbgrader.api import Gradebook

    results, grades = graded
    project_class(files, results, [grades["ada"]], Silent())
    page = results.feedback_path("ada").read_text()
    everything = 100 + sum(here(EXTRA).values())
    visible = [check for check in grades["ada"].checks if check.visibility is Visibility.VISIBLE]
    assert f"{sum(check.points for check in visible):g}" in page
    assert sum(check.points for check in visible) > sum(check.max_points for check in visible)
    assert "+1 (bonus, at most +1)" in page
    with Gradebook(f"sqlite:///{results.root / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission("every-optimizer", "ada")
        assert (submission.score, submission.max_score) == (everything, 100)


def test_a_line_of_feedback_names_what_ran_inside(grades):
    """zara's MySGD lets torch do it, and hears so; emil's inherits."""
    messages = {
        student: next(
            check.message for check in grades[student].checks if check.outcome is Outcome.FAILED
        )
        for student in ("zara", "emil")
    }
    assert "steps were made by MySGD and SGD, 2 optimizers in all" in messages["zara"]
    assert "inherits from torch.optim.Adam" in messages["emil"]


# --- the notebook in a kernel ---------------------------------------------------------------------


def run_in_kernel(notebook, folder):
    """Execute all cells; returns the first error of each cell that has one, by cell id."""
    NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return {
        cell["id"]: output["ename"]
        for cell in notebook.cells
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
        if output["output_type"] == "error"
    }


def test_the_released_notebook_runs_from_top_to_bottom_with_the_solution_in_it(release, tmp_path):
    """Every check cell says ok; the stubs alone end in NotImplementedError and never pass a
    check.
    """
    from autograder.notebooks.writing.stub import definition

    source = SOLUTION.read_text()
    solved = nbformat.from_dict(release)
    stubs = [
        cell
        for cell in solved.cells
        if cell["cell_type"] == "code" and "# YOUR CODE HERE" in cell["source"]
    ]
    assert len(stubs) >= 19
    for cell in stubs:
        cell["source"] = definition(source, cell["id"], SOLUTION)
    assert run_in_kernel(solved, tmp_path) == {}
    checks = [cell for cell in solved.cells if cell["metadata"].get("nbgrader", {}).get("grade")]
    assert all("ok" in str(cell["outputs"]) for cell in checks)
    listed = next(cell for cell in solved.cells if cell["id"] == "dir_optim")
    assert "NAdam" in str(listed["outputs"])


def test_the_stub_passes_no_check_cell(tmp_path):
    """As released, every check cell ends in an error."""
    blank = build_module().released()
    errors = run_in_kernel(blank, tmp_path)
    checks = {
        cell["id"] for cell in blank.cells if cell["metadata"].get("nbgrader", {}).get("grade")
    }
    assert checks <= errors.keys()


def test_nothing_of_the_solution_or_the_hidden_checks_is_released(release):
    text = nbformat.writes(release)
    for secret in (
        "alpha=0.9",
        "lambd=0.02",
        "centered=True",
        "strong_wolfe",
        "from_pretrained(table, freeze",
        "UNSEEN",
        "-1.2, 0.4",
        "own_gaps",
    ):
        assert secret not in text
    assert "step_sizes=(" not in text


# --- the solution's optimizers against torch's own ------------------------------------------------


@pytest.fixture(scope="module")
def solution():
    names = {}
    exec(compile(SOLUTION.read_text(), "solution.py", "exec"), names)
    return names


def paths(make, groups, steps, gaps):
    """Parameters after each step on a quartic bowl; with `gaps`, the second tensor has a gradient
    only in every third step.
    """
    torch.manual_seed(0)
    tensors = [
        torch.randn(3, 2, requires_grad=True),
        torch.randn(4, requires_grad=True),
        torch.randn((), requires_grad=True),
    ]
    optimizer = make(
        [{"params": tensors[:1]}, {"params": tensors[1:], "lr": 0.003}] if groups else tensors
    )
    path = []
    for step in range(steps):
        for tensor in tensors:
            tensor.grad = None
        used = [tensor for k, tensor in enumerate(tensors) if not (gaps and k == 1 and step % 3)]
        sum((tensor**4 / 4 + 0.3 * tensor).sum() for tensor in used).backward()
        optimizer.step()
        path.append(torch.cat([tensor.detach().reshape(-1).clone() for tensor in tensors]))
    return torch.stack(path)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize(
    ("mine", "theirs", "settings"),
    [
        ("MySGD", "SGD", {"lr": 0.02}),
        ("MySGD", "SGD", {"lr": 0.02, "momentum": 0.9}),
        ("MyAdam", "Adam", {}),
        ("MyAdam", "Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}),
    ],
)
def test_the_reference_steps_as_torch_does(solution, mine, theirs, settings, groups, gaps):
    """40 steps along the same path, to float32's rounding."""
    ours = paths(lambda params: solution[mine](params, **settings), groups, 40, gaps)
    torchs = paths(
        lambda params: getattr(torch.optim, theirs)(params, **settings), groups, 40, gaps
    )
    assert (ours - torchs).abs().max() <= 2e-6 * torchs.abs().max()
