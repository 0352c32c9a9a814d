"""The one retry policy: what is run again, how often, and for whom."""

import pytest

from autograder.evidence.trace import Ended, Ending, Evidence
from autograder.execution.retry import ATTEMPTS, run_again


def ended(reason):
    return Evidence("key", (), (), Ending(reason))


class Runs:
    """Gives back these endings, one a run."""

    def __init__(self, *reasons):
        self.waiting = list(reasons)

    def __call__(self):
        return ended(self.waiting.pop(0))


def test_what_went_well_is_not_run_again():
    runs = Runs(Ended.FINISHED, Ended.EXITED)
    assert run_again(runs).ending.reason is Ended.FINISHED
    assert runs.waiting == [Ended.EXITED]


@pytest.mark.parametrize(
    "reason", [Ended.FORKSERVER_DIED, Ended.CORRUPT_FRAMES, Ended.KILLED], ids=str
)
def test_what_the_machine_may_have_spoilt_is_run_once_more(reason):
    runs = Runs(reason, Ended.FINISHED)
    assert run_again(runs).ending.reason is Ended.FINISHED
    assert runs.waiting == []


def test_the_second_time_counts():
    """However it ends: a program that eats all memory must not be run for ever."""
    runs = Runs(*[Ended.KILLED] * (ATTEMPTS + 1))
    assert run_again(runs).ending.reason is Ended.KILLED
    assert len(runs.waiting) == 1


@pytest.mark.parametrize(
    "reason", [Ended.CPU_LIMIT, Ended.EXITED, Ended.MEMORY_LIMIT, Ended.SANDBOX_FAILED], ids=str
)
def test_what_the_program_did_itself_is_not_run_again(reason):
    runs = Runs(reason, Ended.FINISHED)
    assert run_again(runs).ending.reason is reason
    assert run_again(Runs(reason, Ended.FINISHED), ours=True).ending.reason is reason


def test_waiting_is_the_machines_doing_in_our_own_programs_alone():
    """A student's program that waits would wait again, for as long."""
    assert run_again(Runs(Ended.WALL_LIMIT, Ended.FINISHED)).ending.reason is Ended.WALL_LIMIT
    ours = run_again(Runs(Ended.WALL_LIMIT, Ended.FINISHED), ours=True)
    assert ours.ending.reason is Ended.FINISHED


def test_evidence_that_is_there_already_is_taken_if_it_is_good():
    good, bad = ended(Ended.FINISHED), ended(Ended.KILLED)
    assert run_again(Runs(), good) is good
    assert run_again(Runs(Ended.FINISHED), bad).ending.reason is Ended.FINISHED
