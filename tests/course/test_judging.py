"""From how a run ended to what it costs: a limit of ours costs nothing, and no message tells what
students are not to see.
"""

import pytest
from tiny_class import TINY

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.course.judging import Judge, cause_of_run, find_run
from autograder.evidence.trace import CellRun, Ended, Ending, ErrorReport, Evidence, Run, RunStatus
from autograder.judgement.grade import Cause, Outcome

ERROR = ErrorReport("ValueError", "the secret is 3", cell="loop", line=2)


def evidence(*calls, cells=(), reason=Ended.FINISHED, detail=""):
    return Evidence("key", tuple(map(CellRun, cells)), calls, Ending(reason, detail), {})


@pytest.mark.parametrize(
    ("run", "reason", "cause", "message"),
    [
        (Run("a", RunStatus.FINISHED), Ended.FINISHED, Cause.AGREES, ""),
        (Run("a", RunStatus.FINISHED), Ended.MEMORY_LIMIT, Cause.AGREES, ""),  # it was done before
        (Run("a", RunStatus.RAISED, error=ERROR), Ended.FINISHED, Cause.RAISED, "ValueError: the secret is 3 (cell loop, line 2)"),
        (Run("a", RunStatus.RAISED, error=ERROR, given=("f",)), Ended.FINISHED, Cause.RAISED, "ValueError"),
        (Run("a", RunStatus.RAISED, error=ErrorReport("SignatureError", "f must take (x)")), Ended.FINISHED, Cause.WRONG_SIGNATURE, "f must take (x)"),
        (Run("a", RunStatus.UNDEFINED, error=ErrorReport("NotDefinedError", "f is not defined")), Ended.FINISHED, Cause.UNDEFINED, "NotDefinedError: f is not defined"),
        (Run("a", RunStatus.TIMED_OUT), Ended.FINISHED, Cause.CPU_LIMIT, ""),
        # the machine waited, and little was computed
        (Run("a", RunStatus.TIMED_OUT), Ended.WALL_LIMIT, Cause.WALL_LIMIT, "details"),
        (Run("a", RunStatus.TIMED_OUT), Ended.CPU_LIMIT, Cause.CPU_LIMIT, ""),
        (Run("a", RunStatus.DIED), Ended.FINISHED, Cause.EXITED, ""),
        (Run("a", RunStatus.DIED), Ended.MEMORY_LIMIT, Cause.MEMORY_LIMIT, "details"),
        (Run("a", RunStatus.DIED), Ended.FORKSERVER_DIED, Cause.MACHINE_FAILED, "details"),
        (Run("a", RunStatus.KILLED), Ended.FINISHED, Cause.KILLED, ""),
        (Run("a", RunStatus.KILLED), Ended.SANDBOX_FAILED, Cause.SANDBOX_FAILED, "details"),
        (Run("a", RunStatus.NOT_RUN), Ended.CPU_LIMIT, Cause.CPU_LIMIT, "details"),
        (Run("a", RunStatus.NOT_RUN), Ended.FINISHED, Cause.MACHINE_FAILED, "details"),
    ],
)  # fmt: skip
def test_why_a_run_can_not_be_judged(run, reason, cause, message):
    """The submission's own ending where it explains the run; of a run with given definitions no
    more than the error's type, since its message may hold their source.
    """
    assert cause_of_run(run, evidence(run, reason=reason, detail="details")) == (cause, message)


@pytest.fixture(scope="module")
def judged():
    """Call with what is to be made of a judge of the tiny course, which has no reference run."""
    files = open_assignment(TINY, "tiny")
    return lambda body: open_docket(
        files, lambda docket: body(Judge(docket, files.assignment, evidence(), {}))
    )


def test_the_last_run_of_a_call_counts(judged):
    """The one made alone, or with given definitions, comes after the first; a cell's own is none of
    a call's.
    """

    def found(judge):
        call = next(spec for spec in judge.specs if spec.cell is None)
        first, again = (
            Run(call.run_id, RunStatus.DIED),
            Run(call.run_id, RunStatus.FINISHED, alone=True),
        )
        both = evidence(
            first, again, Run("other", RunStatus.DIED), cells=(Run(call.run_id, RunStatus.RAISED),)
        )
        return find_run(both, call), find_run(evidence(cells=(first,)), call)

    last, none = judged(found)
    assert (last.status, none) == (RunStatus.FINISHED, None)


@pytest.mark.parametrize("cause", [Cause.UNDEFINED, Cause.DISAGREES, Cause.PACKAGE_MISSING])
def test_one_mistake_costs_its_points_once(judged, cause):
    """Checks of later parts are made again with the definitions of earlier ones that lost points,
    also where a missing package excuses these.
    """

    def again(judge):
        specs, given = judge.to_repeat(judge.all_for(cause))
        later = {spec.id for spec in judge.specs if spec.function == "training_loop"}
        return {spec.id for spec in specs}, given, later

    repeated, given, later = judged(again)
    assert given == dict.fromkeys(later, ("loss_fn",))
    assert later
    assert later <= repeated


@pytest.mark.parametrize("cause", [Cause.AGREES, Cause.WALL_LIMIT])
def test_what_lost_nothing_is_not_run_again_here(judged, cause):
    """Nor what is ours: the next grading runs all of it."""
    assert judged(lambda judge: judge.to_repeat(judge.all_for(cause))) == ((), {})


def test_what_fails_beside_a_missing_package_is_for_a_person(judged):
    """It is no mistake of the student's; without one it costs what it costs."""
    missing = Run(
        "c1",
        RunStatus.RAISED,
        error=ErrorReport(
            "ModuleNotFoundError", "No module named 'einops'", module="einops.layers"
        ),
    )

    def results(judge):
        runs = [
            Run(spec.run_id, RunStatus.RAISED, error=ERROR)
            for spec in judge.specs
            if spec.cell is None
        ]
        return [
            {
                result.id: (result.outcome, result.message)
                for result in judge.results(evidence(*runs, cells=cells))
            }
            for cells in ((), (missing,))
        ]

    alone, beside = judged(results)
    assert {outcome for outcome, _ in alone.values()} <= {Outcome.FAILED, Outcome.NOT_REACHED}
    assert {outcome for outcome, _ in beside.values()} == {Outcome.NEEDS_REVIEW}
    assert all(
        "Package: einops" in message and "layers" not in message for _, message in beside.values()
    )
