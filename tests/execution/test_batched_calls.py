"""Calls that record batches, through the sandbox; and what the executor does for judging them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from autograder.errors import SandboxError
from autograder.evidence.protocol import Call, CallBatch, OptimizerSpec
from autograder.evidence.trace import Evidence, RunStatus, array_of
from autograder.execution.executor import Executor

from .conftest import Runs, plain, request

EPOCH = """
import torch
def train_epoch(model, optimizer, images, labels):
    model.train()
    for rows in torch.arange(6).split(4):
        loss = torch.nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()
"""
DRIVERS = """
import torch
def train(student, images, labels, optimizer):
    model = torch.nn.Linear(3, 2)
    made = optimizer(model.parameters())
    return [student.train_epoch(model, made, images, labels) for _ in range(2)]
"""
DATA = {
    "images": array_of(np.eye(6, 3, dtype=np.float32)),
    "labels": array_of(np.array([0, 1, 0, 1, 0, 1])),
}
CALL = Call(
    "epochs",
    "train_epoch",
    DATA | {"optimizer": OptimizerSpec("SGD", {"lr": 0.25}, "")},
    driver="train",
    batches=True,
)


@pytest.mark.seconds("a forkserver of its own")
def test_batches_come_back_by_phase(run: Runs) -> None:
    """Two calls of the student's function; the optimizer that the driver made counts as given."""
    made = run(EPOCH, drivers=DRIVERS, calls=(CALL,)).calls[0]
    assert made.status is RunStatus.FINISHED
    assert made.batches is not None
    assert [phase.function for phase in made.batches.phases] == ["train_epoch"] * 2
    assert [event.phase for event in made.batches.events] == [0] * 6 + [1] * 6
    seen = [event.forward.seen.numpy() for event in made.batches.events if event.forward]
    assert np.array_equal(seen[1], np.eye(6, 3)[4:])
    (trace,) = made.traces
    assert (trace.given, trace.steps, trace.settings[0]["lr"]) == (True, 4, 0.25)
    assert "optimizer" not in made.arguments


def test_a_call_that_does_not_ask_records_no_batches(run: Runs) -> None:
    made = run(
        EPOCH,
        drivers=DRIVERS,
        calls=(Call("plain", "train_epoch", CALL.arguments, driver="train"),),
    ).calls[0]
    assert made.status is RunStatus.FINISHED
    assert made.batches is None


def test_a_call_made_again_alone_records_batches_in_place_of_everything(executor: Executor) -> None:
    """Values of all tensors at each event would say nothing more, and take a hundred times the
    room.
    """
    asked = request(EPOCH, drivers=DRIVERS)
    evidence = executor.run("key", asked, (CALL,), lambda _: [CallBatch((CALL,), alone=True)])
    first, alone = evidence.calls
    assert alone.alone
    assert alone.recording is None
    # NaN is no equal of itself
    assert msgspec.msgpack.encode(alone.batches) == msgspec.msgpack.encode(first.batches)


def test_a_notebook_can_not_change_the_number_of_threads(run: Runs) -> None:
    """With threads in the cells and again in a call, the call would hang in its fork."""
    source = (
        "import torch\nfrom torch import set_num_threads\ndef f():\n    set_num_threads(2);"
        " torch.set_num_threads(2)\n    return float((torch.ones(500, 500) @ torch.ones(500,"
        " 500)).sum())\nprint(f(), torch.get_num_threads())"
    )
    evidence = run(source, calls=(plain("f", "f"),))
    assert evidence.cells[0].run.output == "125000000.0 1\n"
    assert evidence.calls[0].returned == 125000000.0


@pytest.mark.long("forkservers of its own")
def test_a_run_aside_while_a_submission_waits() -> None:
    """One slot, and judging wants to run the reference before it can say what to repeat."""
    with Executor(1) as executor:

        def follow_up(evidence: Evidence) -> Sequence[CallBatch]:
            said = executor.aside().run("aside", request("print(7)"), ()).cells[0].run.output
            assert said == "7\n"
            assert evidence.calls[0].returned == 1
            return [CallBatch((plain("f", "f"),), alone=True)]

        evidence = executor.run("key", request("def f(): return 1"), (plain("f", "f"),), follow_up)
        assert [run.returned for run in evidence.calls] == [1, 1]
        assert executor.aside() is executor.aside()
    with pytest.raises(SandboxError):
        executor.aside()


@pytest.mark.long("forkservers of its own")
def test_packages_of_the_assignment_are_there_before_the_fork() -> None:
    """Also those whose module has another name; one that is not installed is the submission's own
    affair.
    """
    with Executor(1, packages=("scikit-learn", "no_such_package")) as executor:
        evidence = executor.run(
            "key",
            request(
                "import sys\nprint('sklearn.datasets' in sys.modules)", "import no_such_package"
            ),
            (),
        )
    assert evidence.cells[0].run.output == "True\n"
    assert evidence.cells[1].run.error is not None
    assert evidence.cells[1].run.error.module == "no_such_package"
