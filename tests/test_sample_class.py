"""The sample class in examples/ gets the grades that its authors worked out by hand from the checks' points, never copied from a run."""

from __future__ import annotations

import ast
import dataclasses
import fcntl
import os
import tempfile
import unicodedata
from pathlib import Path

import msgspec
import nbformat
import pytest

from autograder.assignment import Isolation, open_assignment
from autograder.docket import open_docket
from autograder.execution.executor import Executor
from autograder.judgement.grading import GradeStatus, Outcome
from autograder.pipeline.collect import collect_submissions
from autograder.pipeline.grade import grade_class
from autograder.pipeline.results import ResultsFolder

COURSE = Path(__file__).parent.parent
CLASS = COURSE / "examples" / "optimizers"

POINTS = {
    "test_model": 4,
    "test_loss_fn": 4,
    "test_model_on_unseen_data": 2,
    "test_loss_fn_on_unseen_data": 4,
    "test_make_sgd": 4,
    "test_make_sgd_with_another_learning_rate": 3,
    "test_one_step": 6,
    "test_one_step_clears_gradients": 4,
    "test_one_step_with_any_optimizer": 5,
    "test_first_losses": 6,
    "test_lecture_run": 8,
    "test_loop_on_unseen_data": 10,
    "test_loop_with_any_optimizer[momentum]": 10,
    "test_loop_with_any_optimizer[adam_two_tensors]": 10,
    "test_make_adam": 4,
    "test_make_adam_with_another_learning_rate": 3,
    "test_adam_run": 6,
    "test_swap": 7,
}
EVERYTHING = frozenset(POINTS)
HIDDEN_LOOPS = frozenset(
    {"test_loop_on_unseen_data", "test_loop_with_any_optimizer[momentum]", "test_loop_with_any_optimizer[adam_two_tensors]"}
)
SHORT_LOOPS = HIDDEN_LOOPS | {"test_first_losses"}
LOOPS = SHORT_LOOPS | {"test_lecture_run"}
ADAM = frozenset({"test_make_adam", "test_make_adam_with_another_learning_rate", "test_adam_run", "test_swap"})


@dataclasses.dataclass(frozen=True)
class Expected:
    """`lost`: checks that are not passed, for whatever reason. `problem` is part of the grade's own words, empty if it has none."""

    lost: frozenset[str] = frozenset()
    status: GradeStatus = GradeStatus.GRADED
    problem: str = ""
    outcomes: frozenset[Outcome] = frozenset({Outcome.FAILED})
    """Of the lost checks."""

    @property
    def points(self) -> int:
        return sum(POINTS[check] for check in EVERYTHING - self.lost)


def lost(*checks: str, **more: object) -> Expected:
    return Expected(frozenset(checks), **more)


FULL = Expected()
REVIEW = dict(status=GradeStatus.NEEDS_REVIEW, outcomes=frozenset({Outcome.NEEDS_REVIEW}))
NOT_REACHED = frozenset({Outcome.NOT_REACHED})

CORRECT = dict.fromkeys(("ada", "bruno", "chiara", "dmitri", "elif", "femi", "greta", "hugo", "ines", "jonas", "kaja", "liam"), FULL)
WRONG = {
    "mei": Expected(LOOPS),  # never clears: the gradients pile up, 56
    # The hidden calls see the first step without a gradient; 5000 epochs end where 5000 epochs end, within what a settled run allows.
    "nadia": Expected(SHORT_LOOPS),  # step before backward, 64
    "omar": Expected(LOOPS),  # range(1, n): 2 steps in place of 3, 4999 in place of 5000, 56
    # Stops at the first epoch that gains less than 1e-6: never in 3 or 41 epochs of plain SGD, at 2962 of 5000, and where momentum or Adam overshoot.
    "paula": lost("test_lecture_run", "test_loop_with_any_optimizer[momentum]", "test_loop_with_any_optimizer[adam_two_tensors]"),  # 72
    "quentin": lost("test_loss_fn", "test_loss_fn_on_unseen_data"),  # sum, not mean; later parts get the given loss_fn, 92
    "rosa": Expected(SHORT_LOOPS),  # an SGD of her own with the lecture's settings: the lecture's run is right, 64
    "sven": Expected(LOOPS),  # a new optimizer each epoch: the one passed in makes no step, and none makes 5000, 56
    "tomas": Expected(LOOPS),  # moves the parameters by hand: no optimizer steps at all, 56
    "uma": lost(
        "test_loop_on_unseen_data", "test_loop_with_any_optimizer[adam_two_tensors]"
    ),  # globals: right on the lecture's data only, 80
    "viktor": Expected(LOOPS),  # writes the known answers, 56
    "wanda": Expected(LOOPS),  # returns the loss, 56
    "xin": Expected(LOOPS),  # half precision: off by 5e-4 in the first gradient and by 3e-3 at the end, 56
    "yusuf": lost("test_one_step_clears_gradients"),  # 96
    "zoë": Expected(ADAM),  # make_adam builds SGD, 80
    "anton": lost("test_model", "test_model_on_unseen_data"),  # w and b swapped; later parts get the given model, 94
}
RUDE = {
    # The loop's function is never defined; its cell run raises NameError. Part 4 is judged with the given loop.
    "bela": Expected(LOOPS, problem="SyntaxError", outcomes=frozenset({Outcome.NOT_REACHED, Outcome.FAILED})),
    "carlos": Expected(EVERYTHING, problem="cpu limit"),  # never gets past a cell before the first long run
    "deniz": Expected(SHORT_LOOPS, outcomes=NOT_REACHED),  # calls the function train; it did make the lecture's run, 64
    "erik": Expected(EVERYTHING, problem="unreadable", outcomes=NOT_REACHED),
    "fatima": FULL,  # 50 MB of output are cut, the training is right
    "goran": Expected(EVERYTHING - {"test_lecture_run", "test_adam_run"}, problem="exited"),  # what ran before os._exit counts, 14
    "hana": Expected(LOOPS, problem="wandb", **REVIEW),  # her loop waits for a person; part 4 is judged with the given one
    "ivo": FULL,  # locked cells edited and deleted are put back
    "jana": Expected(EVERYTHING, problem="several notebooks", **REVIEW),
    "kofi": Expected(EVERYTHING, problem="wrong kernel", **REVIEW),
    "lena": Expected(EVERYTHING, problem="no notebook", outcomes=NOT_REACHED),
}
EXPECTED = CORRECT | WRONG | RUDE
FIRST_SANDBOX_UID = 60_000
STALE = "kaja"
ALSO_CORRECT = ("fatima", "ivo")


LEFT_BEHIND: list[list[str]] = []


def processes() -> dict[int, list[str]]:
    """By process: parent, effective uid and command line, of all that run now (Linux)."""
    found = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                status = dict(line.split(":\t", 1) for line in (path / "status").read_text().splitlines() if ":\t" in line)
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if not status["State"].startswith("Z"):
                found[int(path.name)] = [status["PPid"], status["Uid"].split()[1], command]
    return found


def left_behind(before: set[int]) -> list[str]:
    """Processes begun since `before` that are children of this one, or run under the uid of a slot that no grader holds."""
    slots = Path(tempfile.gettempdir()).resolve() / f"gradstep-{os.geteuid()}"
    found = []
    for number, lock in ((int(path.stem), path) for path in slots.glob("*.lock")):
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # another grader of this machine is at work there
            found += [command for _, uid, command in processes().values() if int(uid) == FIRST_SANDBOX_UID + number]
    return found + [command for pid, (parent, _, command) in processes().items() if int(parent) == os.getpid() and pid not in before]


class Silent:
    """Progress that nobody watches."""

    def started(self, total):
        pass

    def done(self, grade):
        pass


@pytest.fixture(scope="session")
def assignment():
    files = open_assignment(COURSE, "optimizers")
    limits = msgspec.structs.replace(files.assignment.limits, cpu_s=15)  # an honest notebook takes 4 s; the endless one all of it
    return dataclasses.replace(files, assignment=msgspec.structs.replace(files.assignment, limits=limits))


@pytest.fixture(scope="session")
def grades(assignment, tmp_path_factory):
    candidates = collect_submissions(CLASS, "optimizers") + collect_submissions(CLASS / "scripts", "optimizers")
    results = ResultsFolder(tmp_path_factory.mktemp("results"), "optimizers")
    before = set(processes())
    with Executor(2, Isolation.GOOD) as executor:
        graded = grade_class(assignment, candidates, results, executor, Silent())
    LEFT_BEHIND.append(left_behind(before))
    return {unicodedata.normalize("NFC", grade.student): grade for grade in graded}


def training_loop_of(student: str) -> ast.FunctionDef:
    notebook = nbformat.read(CLASS / "submitted" / student / "optimizers" / "optimizers.ipynb", nbformat.NO_CONVERT)
    source = next(cell.source for cell in notebook.cells if cell.id == "training_loop")
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


class Renamed(ast.NodeTransformer):
    """Numbers names in order of appearance and blanks texts: what is left is the shape of the code."""

    def __init__(self):
        self.names = {}

    def visit_Name(self, node):
        return ast.Name(self.names.setdefault(node.id, f"v{len(self.names)}"), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.setdefault(node.arg, f"v{len(self.names)}"))

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node


def shape_of(function: ast.FunctionDef) -> str:
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    renamed = Renamed()
    return ast.dump(ast.Module([renamed.visit(node) for node in (function.args, *body)], []))


def test_the_checks_points_are_those_of_the_table(assignment):
    assert open_docket(assignment, lambda docket: {spec.id: spec.worth.points for spec in docket.specs}) == POINTS


def test_the_table_covers_the_class():
    folders = {unicodedata.normalize("NFC", path.name) for path in (CLASS / "submitted").iterdir()}
    assert folders == set(EXPECTED)
    assert len(CORRECT) >= 9
    assert len(WRONG) >= 11
    assert len(RUDE) >= 7


def test_no_two_correct_loops_are_the_same_code():
    shapes = {student: shape_of(training_loop_of(student)) for student in (*CORRECT, *ALSO_CORRECT)}
    doubles = [(a, b) for a in shapes for b in shapes if a < b and shapes[a] == shapes[b]]
    assert doubles == []


def test_renaming_does_not_make_a_loop_another_one():
    shapes = {
        shape_of(ast.parse(f"def f({p}):\n    for {e} in range({p}):\n        print('{e}', {e})").body[0])
        for p, e in (("n", "i"), ("count", "epoch"))
    }
    assert len(shapes) == 1


@pytest.mark.parametrize("student", EXPECTED)
def test_each_student_gets_the_expected_grade(grades, student):
    grade, expected = grades[student], EXPECTED[student]
    not_passed = {check.id: check for check in grade.checks if check.outcome is not Outcome.PASSED}
    assert set(not_passed) == expected.lost, {name: (check.cause, check.message) for name, check in not_passed.items()}
    assert grade.points == expected.points
    assert grade.status == expected.status
    assert {check.outcome for check in not_passed.values()} == (expected.outcomes if expected.lost else set())
    assert expected.problem in grade.problem if expected.problem else not grade.problem


def test_a_percent_script_gets_full_marks(grades):
    assert grades["marta"].points == 100


def hinted(grades) -> dict[str, str]:
    return {student: notice for student, grade in grades.items() for notice in grade.notices if "saved output" in notice}


def test_the_stale_notebook_gets_a_hint(grades):
    hint = hinted(grades)[STALE]
    assert "7.843" in hint
    assert "7.860" in hint


def test_nobody_else_gets_that_hint(grades):
    assert set(hinted(grades)) <= {STALE}


def test_the_stale_notebook_and_the_one_that_goes_on_show_the_same_loss():
    for student in (STALE, "liam"):
        notebook = nbformat.read(CLASS / "submitted" / student / "optimizers" / "optimizers.ipynb", nbformat.NO_CONVERT)
        (cell,) = (cell for cell in notebook.cells if cell.id == "train_sgd")
        assert "7.843" in str(cell.outputs)


def test_edited_and_deleted_locked_cells_are_told(grades):
    assert grades["ivo"].notices
    assert grades["ada"].notices == ()


def test_submission_times_come_from_timestamp_files(grades):
    assert grades["ada"].submitted_at.startswith("2026-")
    assert grades["hugo"].submitted_at == ""


def test_no_process_is_left_over(grades):
    assert len(grades) > len(RUDE)
    assert LEFT_BEHIND == [[]]


FINDINGS = {
    "mei": {"never-clears"},
    "nadia": {"step-before-backward"},
    "omar": {"too-few-steps"},
    "paula": {"too-few-steps"},
    "rosa": {"own-optimizer"},
    "sven": {"rebuilt-optimizer"},
    "tomas": {"manual-update"},
    "uma": {"uses-globals"},
    "viktor": {"hard-coded"},
    "wanda": {"returns-other"},
    "xin": {"half-precision"},
    "yusuf": {"starts-dirty"},
}
"""What the diagnosis must say of each wrong loop or step, and nothing else. Those who are not named here got something wrong that is no training."""


def test_each_wrong_loop_is_named_and_nobody_else_is_accused(grades):
    """One mistake, one name; the correct ones hear nothing."""
    found = {student: {finding.code for check in grade.checks for finding in check.findings} for student, grade in grades.items()}
    assert {student: codes for student, codes in found.items() if codes} == FINDINGS


def test_nothing_in_the_class_contradicts_itself(grades):
    """Honest mistakes leave no note to the instructor."""
    assert [check.note for grade in grades.values() for check in grade.checks if check.note] == []
