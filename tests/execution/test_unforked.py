"""Calls made in the sandbox without forks, as on a GPU: here on the CPU, beside the forked way."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from autograder.evidence.limits import Device, Limits
from autograder.evidence.protocol import CallBatch
from autograder.evidence.trace import Ended, Run, RunStatus
from autograder.execution.devices import FoundDevice, find_device
from autograder.execution.executor import Executor
from autograder.execution.layers import bubblewrap

from .conftest import LIMITS, LOOP, plain, request, train_call

HERE = find_device(Device.CUDA)
STATE = """
import os
print(os.getpid())
seen = []

def where():
    return os.getpid()

def remember():
    seen.append(1)
    return len(seen)

def errs():
    raise ValueError("no")

def leaves():
    os._exit(3)

def claims():
    os._exit(75)

def is_killed():
    os.kill(os.getpid(), 9)

def computes():
    while True:
        pass

def much():
    return "x" * 3500
"""


def unforked(*sources, **options):
    return msgspec.structs.replace(request(*sources, **options), unforked=True)


def content(run: Run) -> bytes:
    """All of it but what it took, and the addresses in tracebacks."""
    error = run.error and msgspec.structs.replace(run.error, traceback="")
    return msgspec.msgpack.encode(msgspec.structs.replace(run, cpu_s=0.0, wall_s=0.0, error=error))


def test_the_evidence_is_that_of_the_forked_way(executor: Executor) -> None:
    """Training, outputs, captured names, errors, a state held after an earlier cell, given
    definitions, and full recordings of calls made alone.
    """
    sources = [
        LOOP,
        "noise = torch.rand(3)\nnoise",
        "plan = 'first'\ndef what(): return plan, float(torch.rand(1))",
        "plan = 'second'",
        "1 / 0",
    ]
    calls = [
        train_call("sgd", 12),
        train_call("momentum", 30, momentum=0.9),
        plain("what", "what"),
        msgspec.structs.replace(plain("held", "what"), after="c2"),
        plain("absent", "nothing"),
        plain("wrong", "what", extra=1),
    ]
    batches = [
        CallBatch((calls[0], calls[1]), alone=True),
        CallBatch((calls[2],), given="def what(): return 'given'", given_names=("what",)),
        CallBatch((calls[2],)),
    ]
    asked = request(*sources, capture=("noise",), hold=(2,))
    forked, same = (
        executor.run("key", one, calls, lambda _: batches)
        for one in (asked, msgspec.structs.replace(asked, unforked=True))
    )
    assert forked.ending.reason is same.ending.reason is Ended.FINISHED
    assert [content(cell.run) for cell in same.cells] == [
        content(cell.run) for cell in forked.cells
    ]
    assert [cell.outputs for cell in same.cells[:-1]] == [
        cell.outputs for cell in forked.cells[:-1]
    ]
    assert [run.id for run in same.calls] == [run.id for run in forked.calls]
    for one, other in zip(same.calls, forked.calls, strict=True):
        assert content(one) == content(other), one.id
    assert same.calls[6].recording is not None
    assert (same.calls[2].returned.values[0], same.calls[3].returned.values[0]) == (
        "second",
        "first",
    )
    assert same.environment == forked.environment


def test_calls_run_in_the_process_that_ran_the_cells(executor: Executor) -> None:
    """And in no fork of it; the forked way makes them elsewhere."""
    calls = (plain("a", "where"), plain("b", "where"))
    evidence = executor.run("key", unforked(STATE), calls)
    assert {str(run.returned) for run in evidence.calls} == {evidence.cells[0].run.output.strip()}
    forked = executor.run("key", request(STATE), calls)
    assert str(forked.calls[0].returned) != forked.cells[0].run.output.strip()


@pytest.mark.seconds("processes that import torch anew")
def test_a_call_that_spoils_its_process_spoils_no_other(executor: Executor) -> None:
    """Each of these is followed by a call in another process, which finds the state after the
    cells.
    """
    names = [
        "remember",
        "where",
        "errs",
        "where",
        "leaves",
        "where",
        "computes",
        "where",
        "is_killed",
        "where",
        "claims",
        "remember",
    ]
    limits = Limits(cpu_s=5, wall_s=60)
    evidence = executor.run(
        "key",
        unforked(STATE, limits=limits),
        [plain(f"{name}{k}", name) for k, name in enumerate(names)],
    )
    assert evidence.ending.reason is Ended.FINISHED
    assert [run.status for run in evidence.calls] == [
        *(
            RunStatus.FINISHED,
            RunStatus.FINISHED,
            RunStatus.RAISED,
            RunStatus.FINISHED,
            RunStatus.DIED,
            RunStatus.FINISHED,
        ),
        *(
            RunStatus.TIMED_OUT,
            RunStatus.FINISHED,
            RunStatus.KILLED,
            RunStatus.FINISHED,
            RunStatus.DIED,
            RunStatus.FINISHED,
        ),
    ]
    assert (evidence.calls[0].returned, evidence.calls[-1].returned) == (1, 1)
    places = [run.returned for run in evidence.calls if run.id.startswith("where")]
    assert len(set(places)) == len(places)
    assert evidence.calls[2].error is not None
    assert evidence.calls[2].error.type == "ValueError"
    assert evidence.ending.cpu_s > 5  # of all processes together


def test_calls_made_alone_have_a_process_each(executor: Executor) -> None:
    """What fails is judged by such a run, so nothing that an earlier call did may show in it."""
    calls = (plain("a", "where"), plain("b", "where"))
    evidence = executor.run("key", unforked(STATE), calls, lambda _: [CallBatch(calls, alone=True)])
    assert len({run.returned for run in evidence.calls}) == 3
    assert [run.alone for run in evidence.calls] == [False, False, True, True]


def test_cells_that_end_python_are_the_ending(executor: Executor) -> None:
    """No call is made, and none asked for."""
    asked = unforked("x = 1", "import os; os._exit(4)", "x")
    evidence = executor.run(
        "key", asked, (plain("a", "where"),), lambda _: pytest.fail("nothing is asked for")
    )
    assert (evidence.ending.reason, evidence.ending.detail) == (Ended.EXITED, "exit code 4")
    assert [cell.run.status for cell in evidence.cells] == [
        RunStatus.FINISHED,
        RunStatus.NOT_RUN,
        RunStatus.NOT_RUN,
    ]
    assert [run.status for run in evidence.calls] == [RunStatus.NOT_RUN]


def test_the_limit_on_all_evidence_holds_over_all_processes(executor: Executor) -> None:
    """Each process alone stays far below it.

    Without the small limit the same calls are all answered.
    """
    calls = tuple(plain(f"much{k}", "much") for k in range(48))
    small = msgspec.structs.replace(LIMITS, evidence_bytes=128 << 10)
    evidence = executor.run(
        "key", unforked(STATE, limits=small), (), lambda _: [CallBatch(calls, alone=True)]
    )
    assert evidence.ending.reason is Ended.EVIDENCE_LIMIT
    statuses = [run.status for run in evidence.calls]
    assert 20 < statuses.count(RunStatus.FINISHED) < len(calls)
    assert statuses[-1] is RunStatus.NOT_RUN
    assert (
        executor.run(
            "key", unforked(STATE), (), lambda _: [CallBatch(calls[:2], alone=True)]
        ).ending.reason
        is Ended.FINISHED
    )


def test_what_is_no_answer_ends_the_whole(executor: Executor) -> None:
    """A call that writes to the host's connection by itself: nothing that comes afterwards can be
    believed, as in the forked way.
    """
    source = """
import os
def fine():
    return 1

def forges():
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, (5).to_bytes(4, "little") + b"hello")
        except OSError:
            pass
"""
    evidence = executor.run(
        "key", unforked(source), (plain("a", "fine"), plain("b", "forges"), plain("c", "fine"))
    )
    assert evidence.ending.reason is Ended.CORRUPT_FRAMES
    assert [run.status for run in evidence.calls] == [
        RunStatus.FINISHED,
        RunStatus.NOT_RUN,
        RunStatus.NOT_RUN,
    ]
    assert executor.run("key", unforked(source), (plain("a", "fine"),)).calls[0].returned == 1


@pytest.mark.long("a process of its own that imports torch")
@pytest.mark.skipif(not HERE.missing, reason="there is a GPU")
def test_without_a_gpu_no_code_is_started() -> None:
    """The child puts its sandbox on, can't initialise CUDA, and says so; nothing of the notebook
    has run. The executor refuses requests for another device.
    """
    with Executor(4, device=HERE) as executor:
        assert executor.jobs == 1
        asked = msgspec.structs.replace(unforked("print(1)"), device=Device.CUDA)
        evidence = executor.run("key", asked, (plain("a", "where"),))
        assert evidence.ending.reason is Ended.NO_DEVICE
        assert "CUDA could not be initialised" in evidence.ending.detail
        assert [cell.run.status for cell in evidence.cells] == [RunStatus.NOT_RUN]
        assert [run.status for run in evidence.calls] == [RunStatus.NOT_RUN]
        assert evidence.environment["isolation"] in ("good", "strong", "weak")
        with pytest.raises(ValueError, match="for cpu"):
            executor.run("key", unforked("print(1)"), ())


def test_submissions_of_other_assignments_see_no_gpu(executor: Executor) -> None:
    evidence = executor.run(
        "key", request("import os\nprint(repr(os.environ['CUDA_VISIBLE_DEVICES']))"), ()
    )
    assert evidence.cells[0].run.output == "''\n"
    assert evidence.environment["device"] == "cpu"


def test_addresses_are_limited_but_for_cuda() -> None:
    """CUDA maps as many as all memory together; the watch on resident memory stays."""
    code = (
        "import resource; from autograder.assignment import Limits; from"
        " autograder.execution.processes import set_limits\nset_limits(Limits(memory_bytes=3 <<"
        " 30), own_uid=False, addresses={})\nprint(resource.getrlimit(resource.RLIMIT_AS)[0],"
        " resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    before = subprocess.run(
        [sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    limited, free = (
        subprocess.run(
            [sys.executable, "-c", code.format(flag)], capture_output=True, text=True, check=True
        ).stdout.split()
        for flag in (True, False)
    )
    # and what Python has mapped without memory behind it
    assert 3 << 30 <= int(limited[0]) < (3 << 30) + (1 << 29)
    assert limited[1] == "0"
    assert free == [before.stdout.strip(), "0"]


def test_what_is_mapped_already_does_not_use_up_the_limit() -> None:
    """PyTorch's builds with CUDA map 3 GB of libraries, more than the limit: threads and programs
    could not be started. Memory is limited all the same.
    """
    code = """
import mmap
from autograder.evidence.limits import Limits
from autograder.execution.processes import set_limits
libraries = mmap.mmap(-1, 5 << 30, prot=mmap.PROT_READ)
set_limits(Limits(memory_bytes=1 << 30), own_uid=False)
print(len(bytearray(512 << 20)))
try:
    bytearray(2 << 30)
except MemoryError:
    print("no more")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(512 << 20), "no more"]


@pytest.mark.skipif(not Path("/sys/bus/pci").is_dir(), reason="no PCI here")
@pytest.mark.skipif(
    bubblewrap.tried((sys.prefix, sys.base_prefix), "/tmp", 1 << 20) != "yes",
    reason="no bubblewrap here",
)
def test_what_the_driver_looks_up_is_there_for_gpu_assignments_alone(tmp_path) -> None:
    """Also for the submissions' own user, if root grades."""
    code = (
        "import os\nif os.geteuid() == 0: os.setgroups([]); os.setresuid(60000, 60000,"
        " 60000)\nprint(sorted(os.listdir('/sys/bus')), len(os.listdir('/sys/devices')))"
    )

    def listed(device: Device) -> str:
        words = [
            *bubblewrap.command((sys.prefix, sys.base_prefix), str(tmp_path), 1 << 20, device),
            sys.executable,
            "-I",
            "-S",
            "-c",
            code,
        ]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    assert "['pci']" in listed(Device.CUDA)
    assert listed(Device.CPU) == ""


@pytest.mark.long("a process of its own that imports torch")
def test_warming_asks_nothing_that_would_initialise_cuda() -> None:
    """In the process that is forked from.

    What it does ask (torch.accelerator.current_accelerator) says of itself that it poisons no fork;
    the last line shows that a question would be noticed.
    """
    code = """
import torch
asked = []
def noting(module, name):
    original = getattr(module, name)
    setattr(module, name, lambda *args, **settings: (asked.append(name), original(*args, **settings))[1])
for name in ("init", "_lazy_init", "is_available", "device_count", "current_device"):
    noting(torch.cuda, name)
from autograder.sandboxed.preparing import warm
warm(("numpy", "matplotlib", "scikit-learn"))
print(asked)
assert not torch.cuda.is_initialized()
torch.cuda.is_available()
print(asked)
"""
    environment = {**os.environ, **FoundDevice(Device.CUDA, "a GPU", ("0",)).variables(0)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    # builds with CUDA ask these two; with the variable below, the driver's library answers, and
    # CUDA is not initialised
    assert set(ast.literal_eval(done.stdout.splitlines()[0])) <= {"is_available", "device_count"}
    assert environment["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1"
    assert "is_available" in done.stdout.splitlines()[1]
