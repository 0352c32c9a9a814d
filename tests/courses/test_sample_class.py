"""The sample class in examples/ gets the grades that its authors worked out by hand from the
checks' points, never copied from a run.
"""

from __future__ import annotations

import ast
import dataclasses
import fcntl
import os
import unicodedata
from pathlib import Path

import nbformat
import pytest
from places import ROOT
from selection import long_too, selected, short

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder
from autograder.evidence.limits import Isolation
from autograder.execution.executor import Executor
from autograder.judgement.grade import Cause, GradeStatus, Outcome, decode_grade, encode_grade

COURSE = ROOT
CLASS = COURSE / "examples" / "optimizers"

POINTS = {
    "test_model": 2,
    "test_loss_fn": 3,
    "test_model_on_unseen_data": 2,
    "test_loss_fn_on_unseen_data": 3,
    "test_make_sgd": 2,
    "test_make_sgd_with_another_learning_rate": 2,
    "test_holds": 2,
    "test_holds_by_identity": 2,
    "test_figure_1": 3,
    "test_figure_1_elsewhere[old_gradient]": 2,
    "test_figure_1_elsewhere[no_learning_rate]": 2,
    "test_one_step": 4,
    "test_one_step_clears_gradients": 3,
    "test_one_step_with_any_optimizer": 3,
    "test_first_losses": 4,
    "test_lecture_run": 6,
    "test_loop_on_unseen_data": 8,
    "test_loop_with_any_optimizer[momentum]": 7,
    "test_loop_with_any_optimizer[adam_two_tensors]": 7,
    "test_make_adam": 2,
    "test_make_adam_with_another_learning_rate": 2,
    "test_adam_run": 4,
    "test_swap": 4,
    "test_minibatches": 3,
    "test_full_batch": 3,
    "test_unequal_batches": 4,
    "test_mean_loss": 1,
    "test_mean_loss_on_unseen_batches": 2,
}
QUESTIONS = {"why_two_losses": 4, "why_sgd_diverges": 4}
EVERYTHING = frozenset(POINTS)
HIDDEN_LOOPS_IN_ORDER = (
    "test_loop_on_unseen_data",
    "test_loop_with_any_optimizer[momentum]",
    "test_loop_with_any_optimizer[adam_two_tensors]",
)
HIDDEN_LOOPS = frozenset(HIDDEN_LOOPS_IN_ORDER)
SHORT_LOOPS = HIDDEN_LOOPS | {"test_first_losses"}
LOOPS = SHORT_LOOPS | {"test_lecture_run"}
ADAM = frozenset(
    {"test_make_adam", "test_make_adam_with_another_learning_rate", "test_adam_run", "test_swap"}
)


@dataclasses.dataclass(frozen=True)
class Expected:
    """`lost`: checks that are not passed, for whatever reason.

    `problem` is part of the grade's own words, empty if it has none.
    """

    lost: frozenset[str] = frozenset()
    status: GradeStatus = GradeStatus.GRADED
    problem: str = ""
    outcomes: frozenset[Outcome] = frozenset({Outcome.FAILED})
    """Of the lost checks."""
    kept: tuple[int, int, int] = (0, 0, 0)
    """Points that the hidden loops (plain, momentum, Adam over two tensors), if lost, keep for the
    contracts that were kept.
    """
    kept_elsewhere: int = 0

    @property
    def points(self) -> int:
        return (
            sum(POINTS[check] for check in EVERYTHING - self.lost)
            + sum(self.kept)
            + self.kept_elsewhere
        )


def lost(*checks: str, **more: object) -> Expected:
    return Expected(frozenset(checks), **more)


FULL = Expected()
REVIEW = dict(status=GradeStatus.NEEDS_REVIEW, outcomes=frozenset({Outcome.NEEDS_REVIEW}))
NOT_REACHED = frozenset({Outcome.NOT_REACHED})

CORRECT = dict.fromkeys(
    (
        "ada",
        "bruno",
        "chiara",
        "dmitri",
        "elif",
        "femi",
        "greta",
        "hugo",
        "ines",
        "jonas",
        "kaja",
        "liam",
    ),
    FULL,
)
# Of 8, 7 and 7 points for the hidden loops: gradient 2, 2, 2; clearing 2, 1, 1; count, untouched
# and update together 2, 2, 2; optimizer 1, 1, 1; return 1, 1, 1. A contract that nothing happened
# for is not kept.
WRONG = {
    "mei": Expected(LOOPS, kept=(6, 6, 6)),  # never clears: all but clearing, 78
    # The hidden calls see the first step without a gradient; 5000 epochs end where 5000 epochs end,
    # within what a settled run allows. Besides, her figure_1 notes no copies; where the learning
    # rate is 0, nothing moves and her notes are right by luck.
    "nadia": Expected(
        SHORT_LOOPS | {"test_figure_1", "test_figure_1_elsewhere[old_gradient]"}, kept=(6, 5, 5)
    ),  # step before backward: the count, 77
    "omar": Expected(
        LOOPS, kept=(6, 5, 5)
    ),  # range(1, n): 2 steps in place of 3, 4999 in place of 5000: the count, 76
    # Stops at the first epoch that gains less than 1e-6: never in 3 or 41 epochs of plain SGD, at
    # 2962 of 5000, and where momentum or Adam overshoot.
    "paula": Expected(
        frozenset(
            {
                "test_lecture_run",
                "test_loop_with_any_optimizer[momentum]",
                "test_loop_with_any_optimizer[adam_two_tensors]",
            }
        ),
        kept=(0, 5, 5),
    ),  # 82
    "quentin": lost(
        "test_loss_fn", "test_loss_fn_on_unseen_data"
    ),  # sum, not mean; later parts get the given loss_fn, 86
    # An SGD of her own with the lecture's settings: the lecture's run is right. The one passed in
    # makes no step: nothing of optimizer, count and update. Over a list of two tensors hers can't
    # even be built, and what raises keeps nothing, 75
    "rosa": Expected(SHORT_LOOPS, kept=(5, 4, 0)),
    "sven": Expected(
        LOOPS, kept=(5, 4, 4)
    ),  # a new optimizer each epoch: the one passed in makes no step, and none makes 5000, 73
    "tomas": Expected(
        LOOPS,
        kept=(2, 2, 2),
        # moves the parameters by hand: no optimizer steps at all, only his gradients are put to the
        # test, 66
    ),
    "uma": Expected(
        frozenset({"test_loop_on_unseen_data", "test_loop_with_any_optimizer[adam_two_tensors]"}),
        kept=(6, 0, 5),
    ),  # globals: right on the lecture's data only; elsewhere the gradient is another, 88
    "viktor": Expected(LOOPS),  # writes the known answers: nothing happens, 60
    "wanda": Expected(LOOPS, kept=(7, 6, 6)),  # returns the loss, 79
    "xin": Expected(
        LOOPS, kept=(6, 5, 5)
    ),  # half precision: off by 5e-4 in the first gradient and by 3e-3 at the end, 76
    # one_step never clears; minibatch_loop clears once per epoch, which a single batch does not
    # show, and keeps 3 of 4 for the rest, 85
    "yusuf": Expected(
        frozenset({"test_one_step_clears_gradients", "test_minibatches", "test_unequal_batches"}),
        kept_elsewhere=3,
    ),
    "zoë": Expected(
        ADAM | {"test_mean_loss", "test_mean_loss_on_unseen_batches"}
    ),  # make_adam builds SGD; the mean of means, 77
    # w and b swapped, later parts get the given model; holds compares values, 84
    "anton": lost(
        "test_model", "test_model_on_unseen_data", "test_holds", "test_holds_by_identity"
    ),
}
RUDE = {
    # The loop's function is never defined; its cell run raises NameError. Part 4 is judged with the
    # given loop.
    "bela": Expected(
        LOOPS, problem="SyntaxError", outcomes=frozenset({Outcome.NOT_REACHED, Outcome.FAILED})
    ),
    "carlos": Expected(
        problem="the cell took longer than 20 s"
    ),  # the loop above the endless lines is right, and the cells below run
    "deniz": Expected(
        SHORT_LOOPS, outcomes=NOT_REACHED
    ),  # calls the function train; it did make the lecture's run, 66
    "erik": Expected(EVERYTHING, problem="unreadable", outcomes=NOT_REACHED),
    "fatima": FULL,  # 50 MB of output are cut, the training is right
    "goran": Expected(
        EVERYTHING - {"test_lecture_run", "test_adam_run"}, problem="exited"
    ),  # what ran before os._exit counts, 10
    "hana": Expected(
        LOOPS, problem="wandb", **REVIEW
    ),  # her loop waits for a person; part 4 is judged with the given one
    "ivo": FULL,  # locked cells edited and deleted are put back
    "jana": Expected(EVERYTHING, problem="several notebooks", **REVIEW),
    "kofi": Expected(EVERYTHING, problem="wrong kernel", **REVIEW),
    "lena": Expected(EVERYTHING, problem="no notebook", outcomes=NOT_REACHED),
}
EXPECTED = CORRECT | WRONG | RUDE
ANSWERS = {
    "omar": {"why_sgd_diverges": Cause.UNANSWERED},
    "paula": dict.fromkeys(QUESTIONS, Cause.UNANSWERED),
    "erik": dict.fromkeys(QUESTIONS, Cause.UNREADABLE),
    "jana": dict.fromkeys(QUESTIONS, Cause.SEVERAL_NOTEBOOKS),
    "kofi": dict.fromkeys(QUESTIONS, Cause.WRONG_KERNEL),
    "lena": dict.fromkeys(QUESTIONS, Cause.NO_NOTEBOOK),
}
"""Of those whose answers do not simply wait for a person: also where the code ran into a limit, the
words are there to be marked.
"""
FIRST_SANDBOX_UID = 60_000
STALE = "kaja"
ALSO_CORRECT = ("fatima", "ivo")
SHORT = ("ada", "mei", "bela", "ivo", "erik", "kofi", "jana", "lena")
WHY = "each notebook trains for seconds"
STUDENTS = short(EXPECTED, SHORT, WHY)


LEFT_BEHIND: list[list[str]] = []


def processes() -> dict[int, list[str]]:
    """By process: parent, effective uid and command line, of all that run now (Linux)."""
    found = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                status = dict(
                    line.split(":\t", 1)
                    for line in (path / "status").read_text().splitlines()
                    if ":\t" in line
                )
                command = (
                    (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue  # it ended meanwhile
            if not status["State"].startswith("Z"):
                found[int(path.name)] = [status["PPid"], status["Uid"].split()[1], command]
    return found


def left_behind(before: set[int]) -> list[str]:
    """Processes begun since `before` that are children of this one, or run under the uid of a slot
    that no grader holds.
    """
    slots = Path("/tmp") / f"gradstep-{os.geteuid()}"
    found = []
    for number, lock in ((int(path.stem), path) for path in slots.glob("*.lock")):
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # another grader of this machine is at work there
            found += [
                command
                for _, uid, command in processes().values()
                if int(uid) == FIRST_SANDBOX_UID + number
            ]
    return found + [
        command
        for pid, (parent, _, command) in processes().items()
        if int(parent) == os.getpid() and pid not in before
    ]


class Silent:
    """Progress that nobody watches."""

    def started(self, total):
        pass

    def done(self, grade):
        pass


@pytest.fixture(scope="session")
def assignment():
    return open_assignment(COURSE, "optimizers")


@pytest.fixture(scope="module")
def grades(request, assignment, tmp_path_factory):
    """Of the students that tests of this session are about, and those that several tests speak
    of.
    """
    wanted = {
        *selected(request, "student"),
        *SHORT,
        *(("marta", STALE) if long_too(request) else ()),
    }
    candidates = collect_submissions(CLASS, "optimizers") + collect_submissions(
        CLASS / "scripts", "optimizers"
    )
    candidates = [one for one in candidates if unicodedata.normalize("NFC", one.student) in wanted]
    results = ResultsFolder(tmp_path_factory.mktemp("results"), "optimizers")
    before = set(processes())
    with Executor(2, Isolation.GOOD) as executor:
        graded = grade_class(assignment, candidates, results, executor, Silent())
    LEFT_BEHIND.append(left_behind(before))
    return {unicodedata.normalize("NFC", grade.student): grade for grade in graded}


def training_loop_of(student: str) -> ast.FunctionDef:
    notebook = nbformat.read(
        CLASS / "submitted" / student / "optimizers" / "optimizers.ipynb", nbformat.NO_CONVERT
    )
    source = next(cell.source for cell in notebook.cells if cell.id == "training_loop")
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


class Renamed(ast.NodeTransformer):
    """Numbers names in order of appearance and blanks texts: what is left is the shape of the
    code.
    """

    def __init__(self):
        self.names = {}

    def visit_Name(self, node):
        return ast.Name(self.names.setdefault(node.id, f"v{len(self.names)}"), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.setdefault(node.arg, f"v{len(self.names)}"))

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node


def shape_of(function: ast.FunctionDef) -> str:
    body = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    renamed = Renamed()
    return ast.dump(ast.Module([renamed.visit(node) for node in (function.args, *body)], []))


def test_the_checks_points_are_those_of_the_table(assignment):
    assert (
        open_docket(
            assignment, lambda docket: {spec.id: spec.worth.points for spec in docket.specs}
        )
        == POINTS
    )
    assert {
        question.id: question.points for question in assignment.assignment.questions
    } == QUESTIONS
    assert sum(POINTS.values()) + sum(QUESTIONS.values()) == 100


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
        shape_of(
            ast.parse(f"def f({p}):\n    for {e} in range({p}):\n        print('{e}', {e})").body[0]
        )
        for p, e in (("n", "i"), ("count", "epoch"))
    }
    assert len(shapes) == 1


@pytest.mark.seconds("notebooks that train are graded before the first")
@pytest.mark.parametrize("student", STUDENTS)
def test_each_student_gets_the_expected_grade(grades, student):
    grade, expected = grades[student], EXPECTED[student]
    not_passed = {
        check.id: check
        for check in grade.checks
        if check.outcome is not Outcome.PASSED and not check.question
    }
    assert set(not_passed) == expected.lost, {
        name: (check.cause, check.message) for name, check in not_passed.items()
    }
    assert {name: check.points for name, check in not_passed.items() if name in HIDDEN_LOOPS} == {
        name: points
        for name, points in zip(HIDDEN_LOOPS_IN_ORDER, expected.kept, strict=True)
        if name in expected.lost
    }
    assert grade.points == expected.points
    assert {check.outcome for check in not_passed.values()} == (
        expected.outcomes if expected.lost else set()
    )
    assert expected.problem in grade.problem if expected.problem else not grade.problem


def test_a_grade_is_the_same_once_it_is_read_back(grades):
    """To the byte: else its page and its place in the gradebook are made again by the next
    command.
    """
    again = {
        student: encode_grade(decode_grade(encode_grade(grade)))
        for student, grade in grades.items()
    }
    assert [
        student for student, grade in grades.items() if encode_grade(grade) != again[student]
    ] == []


@pytest.mark.parametrize("student", STUDENTS)
def test_answers_wait_for_a_person_and_blank_ones_do_not(grades, student):
    grade = grades[student]
    causes = {check.id: check.cause for check in grade.checks if check.question}
    assert causes == dict.fromkeys(QUESTIONS, Cause.TO_BE_MARKED) | ANSWERS.get(student, {})
    waits = Cause.TO_BE_MARKED in causes.values()
    assert grade.status == (GradeStatus.NEEDS_REVIEW if waits else EXPECTED[student].status)
    if student in (*CORRECT, *ALSO_CORRECT):
        assert (grade.decided_points, grade.decided_max_points, grade.pending_points) == (92, 92, 8)


@pytest.mark.long(WHY)
def test_a_percent_script_gets_full_marks(grades):
    assert (
        grades["marta"].decided_points,
        grades["marta"].decided_max_points,
        grades["marta"].pending_points,
    ) == (92, 92, 8)


def hinted(grades) -> dict[str, str]:
    return {
        student: notice
        for student, grade in grades.items()
        for notice in grade.notices
        if "saved output" in notice
    }


@pytest.mark.long(WHY)
def test_the_stale_notebook_gets_a_hint(grades):
    hint = hinted(grades)[STALE]
    assert "7.843" in hint
    assert "7.860" in hint


def test_nobody_else_gets_that_hint(grades):
    assert set(hinted(grades)) <= {STALE}


def test_the_stale_notebook_and_the_one_that_goes_on_show_the_same_loss():
    for student in (STALE, "liam"):
        notebook = nbformat.read(
            CLASS / "submitted" / student / "optimizers" / "optimizers.ipynb", nbformat.NO_CONVERT
        )
        (cell,) = (cell for cell in notebook.cells if cell.id == "train_sgd")
        assert "7.843" in str(cell.outputs)


def test_edited_and_deleted_locked_cells_are_told(grades):
    assert grades["ivo"].notices
    assert grades["ada"].notices == ()


@pytest.mark.long(WHY)
def test_submission_times_come_from_timestamp_files(grades):
    assert grades["ada"].submitted_at.startswith("2026-")
    assert grades["hugo"].submitted_at == ""


@pytest.mark.long(WHY)
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
    "yusuf": {"starts-dirty", "clears-sometimes"},
}
"""What the diagnosis must say of each wrong loop or step, and nothing else.

Those who are not named here got something wrong that is no training.
"""


def test_each_wrong_loop_is_named_and_nobody_else_is_accused(grades):
    """One mistake, one name; the correct ones hear nothing."""
    found = {
        student: {finding.code for check in grade.checks for finding in check.findings}
        for student, grade in grades.items()
    }
    assert {student: codes for student, codes in found.items() if codes} == {
        student: codes for student, codes in FINDINGS.items() if student in grades
    }


def test_nothing_in_the_class_contradicts_itself(grades):
    """Honest mistakes leave no note to the instructor."""
    assert [check.note for grade in grades.values() for check in grade.checks if check.note] == []
