"""Plain processes, which run notebooks where nothing can be forked or isolated."""

import pytest

from autograder.evidence.limits import Limits
from autograder.evidence.protocol import Call, CallBatch, Cell, ExecutionRequest
from autograder.evidence.trace import Ended, RunStatus
from autograder.execution.plain_processes import PlainExecutor

CELLS = """
import os
seen = []

def add(value):
    seen.append(value)
    return len(seen)

def fine():
    return len(seen)

def hang():
    while True:
        pass
"""


def calls(*names):
    return tuple(
        Call(f"{number}-{name}", name, {"value": 1} if name == "add" else {})
        for number, name in enumerate(names)
    )


@pytest.mark.seconds("every process imports torch anew")
def test_calls_that_spoil_their_process_spoil_no_other():
    """What disturbs the state or never ends gets its own word, and the next call finds the state
    after the cells. Printing reaches the output, not the protocol.
    """
    request = ExecutionRequest(
        (Cell("a", CELLS), Cell("b", "print('hello'); 1 / 0"), Cell("c", "seen")),
        0,
        Limits(cpu_s=2, wall_s=60),
    )
    evidence = PlainExecutor().run(
        "key",
        request,
        calls("add", "fine", "nowhere"),
        lambda _: [CallBatch(calls("fine", "hang"), alone=True)],
    )
    assert evidence.ending.reason is Ended.FINISHED
    assert [(cell.run.status, cell.run.output) for cell in evidence.cells[:2]] == [
        (RunStatus.FINISHED, ""),
        (RunStatus.RAISED, "hello\n"),
    ]
    assert [run.status for run in evidence.calls] == [
        RunStatus.FINISHED,
        RunStatus.FINISHED,
        RunStatus.UNDEFINED,
        RunStatus.FINISHED,
        RunStatus.TIMED_OUT,
    ]
    assert [run.returned for run in evidence.calls] == [1, 0, None, 0, None]
    assert [run.alone for run in evidence.calls] == [False, False, False, True, True]
    assert "computing time" in evidence.calls[4].error.message
    assert evidence.environment.keys() == {"isolation", "device", "torch", "python"}


@pytest.mark.long("every process imports torch anew")
def test_cells_that_end_python_leave_the_rest_not_run():
    """As in the sandbox: an ending, no call."""
    request = ExecutionRequest(
        (Cell("a", "x = 1"), Cell("b", "import os; os._exit(3)"), Cell("c", "x")), 0, Limits()
    )
    evidence = PlainExecutor().run(
        "key", request, calls("fine"), lambda _: pytest.fail("nothing is asked for")
    )
    assert (evidence.ending.reason, evidence.ending.detail) == (Ended.EXITED, "exit code 3")
    assert [cell.run.status for cell in evidence.cells] == [
        RunStatus.FINISHED,
        RunStatus.NOT_RUN,
        RunStatus.NOT_RUN,
    ]
    assert [run.status for run in evidence.calls] == [RunStatus.NOT_RUN]


@pytest.mark.long("every process imports torch anew")
def test_given_definitions_take_the_place_of_the_students_for_their_batch_alone():
    """A call before and a call after see the student's own; a definition that fails is told in each
    run.
    """
    source = "def helper():\n    return 'own'\n\ndef fine():\n    return helper()"
    request = ExecutionRequest((Cell("a", source),), 0, Limits())
    given = {
        "given": "def helper():\n    return 'given'",
        "given_names": ("helper",),
        "alone": True,
    }
    batches = [
        CallBatch(calls("fine"), **given),
        CallBatch(calls("fine")),
        CallBatch(calls("fine"), given="1 / 0", given_names=("helper",)),
    ]
    evidence = PlainExecutor().run("key", request, calls("fine"), lambda _: batches)
    assert [run.returned for run in evidence.calls[:3]] == ["own", "given", "own"]
    assert [run.given for run in evidence.calls] == [(), ("helper",), (), ("helper",)]
    assert evidence.calls[3].error.type == "GivenError"
