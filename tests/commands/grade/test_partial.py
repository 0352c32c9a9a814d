"""What is run again, and what is taken from stored evidence: counted in what the executor was asked
for.
"""

import threading

import msgspec
import pytest
from tiny_class import LOOP, LOSS, Recorded

from autograder.commands.grade.partial import resume
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.plan import Plan
from autograder.evidence.limits import Isolation
from autograder.evidence.protocol import Call, CallBatch, Cell, ExecutionRequest
from autograder.evidence.trace import CellRun, Ended, Ending, Evidence, Run, RunStatus

SUMMED = "def loss_fn(values):\n    return (values**2).sum()\n"
UNCLEARED = LOOP.replace("optimizer.zero_grad()", "pass")


class Watched:
    """An executor that notes what it is asked for: for each run of a submission, the functions
    called at first, and those called again with the names of what is given.
    """

    def __init__(self, executor):
        self._executor = executor
        self.runs = []

    def __getattr__(self, name):
        return getattr(self._executor, name)

    def run(self, key, request, calls, follow_up=None, stop=None):
        """As the real one, which does it."""
        again = []

        def noted(evidence):
            batches = follow_up(evidence)
            again.extend(
                (call.function or call.cell, batch.given_names)
                for batch in batches
                for call in batch.calls
            )
            return batches

        if follow_up is not None:  # else it is the reference
            self.runs.append((tuple(call.function for call in calls), again))
        return self._executor.run(key, request, calls, noted if follow_up else None, stop)


@pytest.fixture
def watched(course):
    """The course with an executor that can be asked what it ran."""
    course.executor = Watched(course.executor)
    return course


def edit(course, old, new):
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    text = checks.read_text()
    assert old in text
    checks.write_text(text.replace(old, new))


HIDDEN = """@points(1, visibility="hidden")
@call("loss_fn", values=[2.0, 5.0])
def test_hidden(run, reference):
    \"\"\"On other data\"\"\"
    assert_close(run.returned, reference.returned)


@points(3)"""


@pytest.fixture
def hidden(watched):
    """With a second check of the loss, of which nothing stands in the notebook."""
    edit(watched, "@points(2)", "@points(1)")
    edit(watched, "@points(3)", HIDDEN)
    return watched


def ran(course):
    """What was run since this was asked last."""
    found, course.executor.runs = course.executor.runs, []
    return found


def graded(course):
    """Grades by student, then what was run for them."""
    grades, _ = course.grade()
    return grades, ran(course)


def afresh(course):
    """As if nothing was stored: what counts of each check."""
    for path in course.results.evidence.root.rglob("*.msgpack"):
        path.unlink()
    grades, _ = course.grade(force=True)
    ran(course)
    return {student: grade.checks for student, grade in grades.items()}


def test_a_changed_call_runs_the_cells_once_and_that_call(watched):
    """Right and wrong: the call that changed is made, and made again alone where it fails; the
    others' runs are those that are stored. The grades are those of a whole run.
    """
    watched.submit("right")
    watched.submit("wrong", training_loop=UNCLEARED)
    _, first = graded(watched)
    assert sorted(first) == [
        (("loss_fn", "training_loop"), []),
        (("loss_fn", "training_loop"), [("training_loop", ())]),
    ]
    edit(watched, "n_epochs=20", "n_epochs=21")
    grades, second = graded(watched)
    assert sorted(second) == [
        (("training_loop",), []),
        (("training_loop",), [("training_loop", ())]),
    ]
    assert {student: grade.checks for student, grade in grades.items()} == afresh(watched)


def test_a_call_that_did_not_change_is_not_made_again_where_it_fails(hidden):
    """Its runs, the repetition alone too, are stored; what the diagnosis says is the same."""
    hidden.submit("wrong", training_loop=UNCLEARED)
    before, _ = graded(hidden)
    edit(hidden, "values=[2.0, 5.0]", "values=[2.0, 4.0]")
    grades, runs = graded(hidden)
    assert runs == [(("loss_fn",), [])]
    assert grades["wrong"].checks[3].findings == before["wrong"].checks[3].findings != ()
    assert {student: grade.checks for student, grade in grades.items()} == afresh(hidden)


def test_given_definitions_are_stored_with_what_ran_under_them(hidden):
    """A summed loss: the loop's check was judged with the given loss.

    When a call of the loss changes, that stands; when the loop's does, it is made with the given
    loss again.
    """
    hidden.submit("summed", loss_fn=SUMMED)
    grades, first = graded(hidden)
    assert first == [
        (
            ("loss_fn", "loss_fn", "training_loop"),
            [("loss_fn", ()), ("loss_fn", ()), ("training_loop", ("loss_fn",))],
        )
    ]
    assert grades["summed"].checks[3].given == ("loss_fn",)
    edit(hidden, "values=[2.0, 5.0]", "values=[2.0, 4.0]")
    assert graded(hidden)[1] == [(("loss_fn",), [("loss_fn", ())])]
    edit(hidden, "n_epochs=20", "n_epochs=21")
    grades, third = graded(hidden)
    assert third == [(("training_loop",), [("training_loop", ("loss_fn",))])]
    assert grades["summed"].points == 8
    assert {student: grade.checks for student, grade in grades.items()} == afresh(hidden)


def test_a_number_in_the_notebook_changes_its_cells(watched):
    """A visible check's cell holds what the reference returned: with another call it is another
    notebook, and all of it runs.
    """
    watched.submit("right")
    graded(watched)
    edit(watched, "values=[1.0, 3.0]", "values=[1.0, 4.0]")
    assert graded(watched)[1] == [(("loss_fn", "training_loop"), [])]


def test_a_changed_check_runs_nothing(watched):
    """Its body, its points, its words: `grade` judges what is stored."""
    watched.submit("right")
    watched.submit("wrong", training_loop=UNCLEARED)
    graded(watched)
    edit(
        watched,
        "assert_close(run.returned, reference.returned)",
        "assert run.returned < reference.returned - 1 or run is reference",
    )
    edit(watched, "@points(2)", "@points(1)")
    edit(watched, "@points(3)", "@points(4)")
    grades, runs = graded(watched)
    assert runs == []
    assert {student: grade.points for student, grade in grades.items()} == {"right": 9, "wrong": 0}


def test_a_check_that_is_taken_away_runs_nothing(hidden):
    """All that is wanted is stored, of right and wrong. Put back, it is found where it was."""
    hidden.submit("right")
    hidden.submit("wrong", loss_fn=SUMMED)
    before, _ = graded(hidden)
    edit(hidden, HIDDEN, "@points(4)")
    grades, runs = graded(hidden)
    assert runs == []
    assert {student: grade.points for student, grade in grades.items()} == {"right": 10, "wrong": 9}
    assert {student: grade.checks for student, grade in grades.items()} == afresh(hidden)
    edit(hidden, "@points(4)", HIDDEN)
    grades, runs = graded(hidden)
    assert sorted(calls for calls, _ in runs) == [("loss_fn",), ("loss_fn",)]
    assert {student: grade.checks for student, grade in grades.items()} == {
        student: grade.checks for student, grade in before.items()
    }


def test_one_changed_submission_runs_alone(watched):
    """The others are not looked at."""
    for number in range(4):
        watched.submit(f"s{number}", loss_fn=f"{LOSS}\nnumber = {number}\n")
    assert len(graded(watched)[1]) == 4
    watched.submit("s2", loss_fn=f"{LOSS}\nnumber = 20\n")
    assert graded(watched)[1] == [(("loss_fn", "training_loop"), [])]
    assert graded(watched)[1] == []


def test_a_notebook_that_does_something_else_each_time_is_run_whole(watched):
    """Its calls would be made in another state than those that are stored."""
    watched.submit("clock", extra=["import time\nprint(time.time_ns())"])
    graded(watched)
    edit(watched, "n_epochs=20", "n_epochs=21")
    grades, runs = graded(watched)
    assert runs == [(("training_loop",), []), (("loss_fn", "training_loop"), [])]
    assert grades["clock"].points == 10


def test_a_call_in_the_state_after_its_check_is_kept_apart(watched):
    """A function that is bound again later is called as it was after its check; with the other call
    changed, that still stands.
    """
    watched.submit("scratch", extra=["loss_fn = None"])
    grades, _ = graded(watched)
    held = grades["scratch"].checks[0].points
    edit(watched, "n_epochs=20", "n_epochs=21")
    grades, runs = graded(watched)
    assert [calls for calls, _ in runs] == [("training_loop",)]
    assert grades["scratch"].checks[0].points == held == 2
    assert {student: grade.checks for student, grade in grades.items()} == afresh(watched)


def test_one_that_did_not_come_to_its_end_is_run_whole(watched):
    """What it left behind says nothing of another run."""
    watched.submit("ended", extra=["import os; os._exit(0)"])
    graded(watched)
    edit(watched, "n_epochs=20", "n_epochs=21")
    _, runs = graded(watched)
    assert [calls for calls, _ in runs] == [("loss_fn", "training_loop")]


def test_a_run_that_died_is_made_again(hidden):
    """It may do better; the other is kept."""
    hidden.submit(
        "dies",
        loss_fn=(
            "import os\ndef loss_fn(values):\n    return os._exit(3) if values[-1] == 5 else"
            " (values**2).mean()\n"
        ),
    )
    graded(hidden)
    edit(hidden, "n_epochs=20", "n_epochs=21")
    assert [calls for calls, _ in graded(hidden)[1]] == [("loss_fn", "training_loop")]


def test_what_ran_with_less_isolation_is_not_taken_over(watched):
    """All of it is run in the sandbox."""
    watched.submit("right")
    watched.grade()
    (key,) = {grade.provenance.evidence_key for grade in watched.grade()[0].values()}
    stored = watched.results.evidence.get(key)
    watched.results.evidence.put(
        msgspec.structs.replace(
            stored, environment=stored.environment | {"isolation": str(Isolation.WEAK)}
        )
    )
    ran(watched)
    edit(watched, "n_epochs=20", "n_epochs=21")
    _, runs = graded(watched)
    assert runs == [(("loss_fn", "training_loop"), [])]


def test_identical_submissions_run_once_also_at_the_same_time(watched):
    """Handed in by four, graded by two jobs."""
    assert watched.executor.jobs == 2
    for number in range(4):
        watched.submit(f"s{number}")
    grades, runs = graded(watched)
    assert runs == [(("loss_fn", "training_loop"), [])]
    assert [grade.points for grade in grades.values()] == [10] * 4
    assert len({grade.provenance.evidence_key for grade in grades.values()}) == 1


def test_identical_submissions_of_which_the_first_fails_at_our_fault(watched):
    """Nothing is stored then, so that the second has a run of its own; nobody waits forever."""
    toml = watched.root / "assignments" / "tiny" / "assignment.toml"
    toml.write_text(toml.read_text().replace("wall_s = 30", "wall_s = 2"))
    for number in range(2):
        watched.submit(f"s{number}", train="import time; time.sleep(60)")
    candidates = collect_submissions(watched.root / "submitted", "tiny")
    done = []
    thread = threading.Thread(
        target=lambda: done.append(
            grade_class(watched.files, candidates, watched.results, watched.executor, Recorded())
        )
    )
    thread.start()
    thread.join(60)
    assert [str(grade.status) for grade in done[0]] == ["ungradable"] * 2
    assert len(ran(watched)) == 2


F, G = Call("f@1", "f", {}), Call("g@1", "g", {}, after="c")
PLAN = Plan("new", ExecutionRequest((Cell("c", "x = 1", hold=True),), 0, None), (F, G), "cells")


def evidence(*calls, plan=PLAN, reason=Ended.FINISHED):
    made = Evidence(
        "old",
        (CellRun(Run("c", RunStatus.FINISHED)),),
        calls,
        Ending(reason),
        {"isolation": "good"},
    )
    return plan.signed(made, {})


def test_only_the_same_call_in_the_same_state_is_taken_over():
    """A call after another cell, of other cells, or that hung, is made again."""
    stored = evidence(Run("f@1", RunStatus.FINISHED, 1), Run("g@1", RunStatus.RAISED))
    assert resume(PLAN, stored, lambda _: []).calls == ()
    moved = Plan("new", PLAN.request, (F, msgspec.structs.replace(G, after=None)), "cells")
    assert [call.id for call in resume(moved, stored, lambda _: []).calls] == ["g@1"]
    assert (
        resume(Plan("new", PLAN.request, PLAN.calls, "other cells"), stored, lambda _: []) is None
    )
    assert resume(PLAN, msgspec.structs.replace(stored, cells_key=""), lambda _: []) is None
    hung = evidence(Run("f@1", RunStatus.FINISHED, 1), Run("g@1", RunStatus.TIMED_OUT))
    assert [call.id for call in resume(PLAN, hung, lambda _: []).calls] == ["g@1"]
    assert (
        resume(PLAN, evidence(Run("f@1", RunStatus.FINISHED), reason=Ended.EXITED), lambda _: [])
        is None
    )


def test_merged_evidence_is_in_the_order_of_a_whole_run():
    """The plan's calls first, then what was repeated; of the repetitions only those that are asked
    for now.
    """
    given = Run("f@1", RunStatus.FINISHED, 2, alone=True, given=("h",))
    stored = evidence(
        Run("f@1", RunStatus.FINISHED, 1), given, Run("f@1", RunStatus.FINISHED, 3, alone=True)
    )
    batches = [
        CallBatch((F,), alone=True, given="h = 1", given_names=("h",)),
        CallBatch((G,), alone=True),
    ]
    partial = resume(PLAN, stored, lambda _: batches)
    assert partial.calls == (G,)
    so_far = msgspec.structs.replace(stored, key="new", calls=(Run("g@1", RunStatus.RAISED),))
    assert partial.ask(so_far) == batches[1:]
    whole = partial.merged(
        msgspec.structs.replace(
            so_far, calls=(*so_far.calls, Run("g@1", RunStatus.RAISED, alone=True))
        )
    )
    assert [(run.id, run.alone, run.given, run.returned) for run in whole.calls] == [
        ("f@1", False, (), 1),
        ("g@1", False, (), None),
        ("f@1", True, ("h",), 2),
        ("g@1", True, (), None),
    ]
    elsewhere = msgspec.structs.replace(so_far, environment={"isolation": "strong"})
    assert partial.ask(elsewhere) == []
    assert partial.merged(elsewhere) is None
