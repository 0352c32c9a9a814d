# ruff: noqa: PTH116, PTH208
"""Submissions that misuse the machine, on purpose or not: each ends in evidence that says what
happened, and touches nothing.
"""

from __future__ import annotations

import os
import platform
import socket
import threading
import time
from pathlib import Path

import pytest

from autograder.errors import SandboxError
from autograder.evidence.limits import MB, Isolation, Limits
from autograder.evidence.trace import Ended, RunStatus
from autograder.execution.executor import Executor
from autograder.execution.layers.sandbox import isolation_level

from .conftest import LOOP, Runs, plain, request, train_call

CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine())  # the system call's number
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def slot_uid(executor: Executor) -> int:
    """The uid that the shared slot's submissions run as."""
    slot = executor._clients[0]._slot
    assert slot is not None
    assert slot.uid is not None
    return slot.uid


def processes_with(uid: int) -> list[str]:
    """Processes of that uid."""
    return [
        pid
        for pid in os.listdir("/proc")
        if pid.isdigit() and Path(f"/proc/{pid}").exists() and os.stat(f"/proc/{pid}").st_uid == uid
    ]


@pytest.mark.seconds("uses up its CPU time")
def test_endless_loop_in_a_cell(run: Runs) -> None:
    """It ends the submission with CPU_LIMIT; the cells before are kept, the rest were not run."""
    evidence = run(
        "x = 1", "while True: pass", "y = 2", calls=(plain("f", "f"),), limits=Limits(cpu_s=1)
    )
    assert evidence.ending.reason is Ended.CPU_LIMIT
    assert [cell.run.status for cell in evidence.cells] == [
        RunStatus.FINISHED,
        RunStatus.NOT_RUN,
        RunStatus.NOT_RUN,
    ]
    assert evidence.calls[0].status is RunStatus.NOT_RUN


def test_endless_loop_that_ignores_signals(run: Runs) -> None:
    """Ignoring SIGXCPU and SIGTERM does not help."""
    source = (
        "import signal\nfor s in (signal.SIGXCPU, signal.SIGTERM): signal.signal(s,"
        " signal.SIG_IGN)\nwhile True: pass"
    )
    assert run(source, limits=Limits(cpu_s=1)).ending.reason is Ended.CPU_LIMIT


@pytest.mark.seconds("uses up its CPU time")
def test_endless_loop_in_one_call(run: Runs) -> None:
    """That call is timed out, the next is answered."""
    evidence = run(
        "def f():\n    while True: pass\ndef g(): return 1",
        calls=(plain("g0", "g"), plain("f", "f"), plain("g1", "g")),
        limits=Limits(cpu_s=3),
    )
    assert [call.status for call in evidence.calls] == [
        RunStatus.FINISHED,
        RunStatus.TIMED_OUT,
        RunStatus.FINISHED,
    ]
    assert evidence.ending.reason is Ended.FINISHED


def test_sleep_meets_the_wall_limit(run: Runs) -> None:
    """Waiting is not computing, and has a limit of its own."""
    assert (
        run("import time\ntime.sleep(60)", limits=Limits(wall_s=1)).ending.reason
        is Ended.WALL_LIMIT
    )


def test_exit_of_the_process_in_a_cell(run: Runs) -> None:
    """os._exit ends the submission with EXITED, also with exit code 0."""
    for code in (0, 3):
        ending = run("x = 1", f"import os\nos._exit({code})").ending
        assert (ending.reason, ending.detail) == (Ended.EXITED, f"exit code {code}")


def test_signal_in_a_cell(run: Runs) -> None:
    """A crash by signal is told by its name."""
    ending = run("import os\nos.kill(os.getpid(), 11)").ending
    assert (ending.reason, ending.detail) == (Ended.SIGNALLED, "SIGSEGV")


def test_exit_of_the_process_in_a_call(run: Runs) -> None:
    """A call that ends Python, with code 0 as well, has died; the others are answered."""
    source = "import os\ndef f(code): os._exit(code)\ndef k(): os.abort()\ndef g(): return 1"
    calls = (
        plain("g0", "g"),
        plain("zero", "f", code=0),
        plain("three", "f", code=3),
        plain("abort", "k"),
        plain("g1", "g"),
    )
    evidence = run(source, calls=calls)
    died = RunStatus.DIED
    assert [call.status for call in evidence.calls] == [
        RunStatus.FINISHED,
        died,
        died,
        died,
        RunStatus.FINISHED,
    ]
    assert evidence.calls[2].error is not None
    assert "exit code 3" in evidence.calls[2].error.message
    assert evidence.calls[3].error is not None
    assert "SIGABRT" in evidence.calls[3].error.message


def test_output_bomb(run: Runs) -> None:
    """50 MB of output are cut at the limit, which is said, and later cells run."""
    evidence = run(
        "for _ in range(500): print('x' * 100_000)",
        "print(1)\nx = 1",
        limits=Limits(output_bytes=1 * MB),
    )
    assert evidence.ending.reason is Ended.FINISHED
    assert len(evidence.cells[0].outputs) < 1.1 * MB
    assert "[output over the limit was left out]" in evidence.cells[0].outputs
    assert evidence.cells[1].run.status is RunStatus.FINISHED


def test_memory_bomb(run: Runs) -> None:
    """Asking for too much memory is a MemoryError, or torch's RuntimeError, in the cell."""
    cells = run("x = bytearray(30 << 30)", "import torch\ntorch.empty(8 << 30)", "print(1)").cells
    assert [cell.run.error and cell.run.error.type for cell in cells] == [
        "MemoryError",
        "RuntimeError",
        None,
    ]


@pytest.mark.parametrize("folder", [".", "/dev/shm"])
def test_disk_bomb(executor: Executor, run: Runs, folder: str) -> None:
    """Where the scratch folder and shared memory are bounded, writing more than the limit is an
    error in the cell; later cells run.
    """
    if executor.environment["layer: bounded scratch"] == "yes":
        source = f"for k in range(40):\n    open(f'{folder}/f{{k}}', 'wb').write(bytes(1 << 20))"
        evidence = run(
            source,
            f"import os\nprint(len(os.listdir('{folder}')))",
            limits=Limits(scratch_bytes=20 * MB),
        )
        assert [cell.run.error and cell.run.error.message for cell in evidence.cells] == [
            "[Errno 28] No space left on device",
            None,
        ]
        assert 15 < int(evidence.cells[1].run.output) <= 21


@pytest.mark.long("a forkserver of its own")
@pytest.mark.parametrize("folder", [".", "/dev/shm"])
def test_disk_bomb_where_nothing_is_bounded(unbounded: Runs, folder: str) -> None:
    """Elsewhere it ends the submission; shared memory is no way around."""
    if folder == "." or os.geteuid() == 0:
        source = (
            f"import time\nfor k in range(40):\n    open(f'{folder}/f{{k}}', 'wb').write(bytes(1 <<"
            " 20))\ntime.sleep(20)"
        )
        assert (
            unbounded(source, limits=Limits(scratch_bytes=20 * MB)).ending.reason
            is Ended.DISK_LIMIT
        )


def test_deep_folders(run: Runs) -> None:
    """A tree deeper than any path or recursion limit is removed, and the slot lives on."""
    source = "import os\nfor _ in range(3000):\n    os.mkdir('abcdefgh')\n    os.chdir('abcdefgh')"
    assert run(source).ending.reason in (Ended.FINISHED, Ended.DISK_LIMIT)
    assert run("import os\nassert not os.listdir()").cells[0].run.status is RunStatus.FINISHED


def test_fork_bomb(run: Runs) -> None:
    """The number of processes is bounded, and all of them are gone afterwards."""
    source = (
        "import os\nn = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            import"
        " time; time.sleep(100)\n        n += 1\nexcept BlockingIOError: print(n)"
    )
    evidence = run(source, limits=Limits(processes=16))
    made = int(evidence.cells[0].run.output)
    # an ordinary user's other processes count, too
    assert (5 if os.geteuid() == 0 else 0) < made <= 16
    assert evidence.ending.left_behind >= made


@root_only
def test_no_process_is_left_over(run: Runs) -> None:
    """A daemon in a session of its own does not outlive its submission, nor do its files in the
    scratch folder and shared memory.
    """
    source = (
        "import os, time\nopen('/dev/shm/left', 'w').write('x')\nopen('left',"
        " 'w').write('x')\nos.makedirs('a/b')\nos.chmod('a', 0)\nif os.fork() == 0:\n   "
        " os.setsid()\n    if os.fork() == 0: time.sleep(100)\n    os._exit(0)"
    )
    evidence = run(source)
    assert evidence.ending.left_behind >= 1  # the daemon, and perhaps its parent on the way out
    slot = run.executor._clients[0]._slot
    assert slot is not None
    assert processes_with(slot_uid(run.executor)) == []
    assert os.listdir(slot.scratch) == []
    assert not Path("/dev/shm/left").exists()


@root_only
@pytest.mark.parametrize(
    "flags", [0, 0x8000], ids=["no signal at its end", "a sibling, by CLONE_PARENT"]
)
def test_a_process_that_its_parent_is_not_told_of_is_not_left_over(run: Runs, flags: int) -> None:
    """A process made with clone(2) that sends no signal when it ends, or is its maker's sibling, is
    found like any other; where nothing is left, nothing is counted.
    """
    source = (
        f"import ctypes, time\nif ctypes.CDLL(None).syscall({CLONE}, {flags}, 0, 0, 0, 0) == 0:\n  "
        "  time.sleep(100)"
    )
    assert run(source).ending.left_behind >= 1
    assert processes_with(slot_uid(run.executor)) == []
    assert run("print(1)").ending.left_behind == 0


def test_garbage_in_the_connection(run: Runs) -> None:
    """Whatever a student writes to the open sockets is no evidence."""
    write = (
        "import os, stat\nfor fd in range(3, 64):\n    try:\n        if"
        " stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, {})\n    except OSError: pass"
    )
    for garbage in (
        "b'garbage!' * 10",
        "b'\\x03\\0\\0\\0abc'",
        "b'\\x01\\0\\0\\0\\xc0'",
        "bytes(100)",
    ):
        evidence = run(write.format(garbage), "print(1)")
        assert evidence.ending.reason is Ended.CORRUPT_FRAMES, garbage


def test_forged_frames_out_of_order(run: Runs) -> None:
    """A well-formed frame at the wrong place is refused too."""
    source = (
        "import os, stat\nfrom autograder.evidence.protocol import *\nfor fd in range(3, 64):\n   "
        " try:\n        if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, frame(BatchEnded()))\n"
        "    except OSError: pass"
    )
    assert run(source).ending.reason is Ended.CORRUPT_FRAMES


def test_evidence_flood(run: Runs) -> None:
    """Sending more than the limit ends the submission."""
    source = (
        "import os, stat, struct\nsockets = []\nfor fd in range(3, 64):\n    try:\n        if"
        " stat.S_ISSOCK(os.fstat(fd).st_mode): sockets.append(fd)\n    except OSError: pass\nwhile"
        " True:\n    for fd in sockets:\n        try: os.write(fd, struct.pack('<I', 3_000_000) +"
        " bytes(3_000_000))\n        except OSError: sockets.remove(fd)"
    )
    evidence = run(source, limits=Limits(evidence_bytes=4 * MB))
    assert evidence.ending.reason in (Ended.EVIDENCE_LIMIT, Ended.CORRUPT_FRAMES)


def test_no_network(run: Runs) -> None:
    """No socket but Unix ones can be made, and no connection out."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    source = (
        "import socket\nfor kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n    try:"
        " socket.socket(socket.AF_INET, kind); print('open')\n    except OSError as e:"
        f" print(e.errno)\ntry: socket.create_connection(('127.0.0.1', {port}));"
        " print('open')\nexcept OSError: print('no')"
    )
    assert run.text(source) == "13\n13\nno\n"
    listener.close()


@root_only
def test_no_secret_file(run: Runs, tmp_path: Path) -> None:
    """Neither a file of root's nor a world-readable one outside of the allowed folders can be read,
    nor the grader's own repository.
    """
    tmp_path.chmod(0o755)
    closed, open_ = tmp_path / "closed", tmp_path / "open"
    closed.write_text("secret")
    closed.chmod(0o600)
    open_.write_text("secret")
    open_.chmod(0o644)
    here = Path(__file__).resolve()
    for path in (
        closed,
        open_,
        here,
        Path("/root/.bashrc"),
        Path("/proc/1/environ"),
        Path(f"/proc/{os.getpid()}/environ"),
    ):
        text = run.text(
            f"try: print(open({str(path)!r}).read())\nexcept OSError as e: print('refused',"
            " type(e).__name__)"
        )
        assert text.startswith("refused"), path
    assert "refused" in run.text(
        "import os\ntry: print(os.listdir('/root'))\nexcept OSError: print('refused')"
    )


def test_nothing_can_be_written_outside(run: Runs) -> None:
    """Only the working folder and shared memory are writable."""
    source = (
        "for path in ('/tmp/x', '/etc/x', '/usr/x', '/var/tmp/x'):\n    try: open(path, 'w');"
        " print('open')\n    except OSError: print('no')\nopen('x', 'w').write('1')"
    )
    assert run.text(source) == "no\n" * 4


def test_nothing_of_the_hosts_environment(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds nothing of the grader's, and sys.path does not lead to the course."""
    text = run.text("import os, sys\nprint(sorted(os.environ))\nprint(sys.path)")
    for name in ("SSH", "USER", "TOKEN", "SECRET", "PYTEST"):
        assert name not in text
    assert f"'{Path(__file__).resolve().parents[2]}'" not in text


@root_only
def test_the_forkserver_cannot_be_signalled(run: Runs) -> None:
    """A submission can't end its forkserver or the grader."""
    source = (
        f"import os\nfor pid in (os.getppid(), {os.getpid()}):\n    try: os.kill(pid, 9);"
        " print('sent')\n    except OSError: print('no')"
    )
    assert run.text(source) == "no\nno\n"


def test_a_value_that_lies(run: Runs) -> None:
    """A returned object's own methods are never called."""
    source = (
        "import torch\nclass Liar(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls,"
        " *a, **k): raise SystemExit\n    def __repr__(self): raise SystemExit\nclass Evil:\n   "
        " __class__ = torch.Tensor\n    def __repr__(self): import os; os._exit(1)\n    __eq__ ="
        " __getattr__ = __repr__\ndef tensor(): return torch.Tensor._make_subclass(Liar,"
        " torch.ones(2))\ndef other(): return [Evil(), {(1,): Evil()}, {1: Evil()}]"
    )
    tensor, other = run(source, calls=(plain("t", "tensor"), plain("o", "other"))).calls
    assert tensor.returned.numpy().tolist() == [1, 1]  # type: ignore[union-attr]
    lying, keyed, numbered = other.returned.values  # type: ignore[union-attr]
    assert (lying.type_name, keyed.type_name, numbered.values["1"].type_name) == (
        "Evil",
        "dict",
        "Evil",
    )


@pytest.mark.seconds("a forkserver of its own")
def test_the_forkserver_dies(executor: Executor) -> None:
    """The submission ends with FORKSERVER_DIED, and the next one gets a new forkserver."""
    with Executor(1) as own:
        pid = own.start() and own._clients[0].ready.pid  # type: ignore[union-attr]
        threading.Timer(0.5, os.kill, (pid, 9)).start()
        evidence = own.run("key", request("import time\ntime.sleep(20)"), ())
        assert evidence.ending.reason is Ended.FORKSERVER_DIED
        assert own.run("key", request("x = 1"), ()).ending.reason is Ended.FINISHED


@pytest.mark.long("a forkserver of its own")
def test_stopping_and_closing(executor: Executor) -> None:
    """`stop` ends a run at once, with an error and no evidence."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(SandboxError, match="stopped"):
        executor.run("key", request("import time\ntime.sleep(20)"), (), stop=stop)
    assert time.monotonic() - began < 10
    assert executor.run("key", request(LOOP), (train_call(),)).ending.reason is Ended.FINISHED


@pytest.mark.long("a forkserver of its own")
def test_closing_from_another_thread() -> None:
    """close() ends what runs in other threads, which get an error and no evidence."""
    own = Executor(1)
    own.start()
    timer = threading.Timer(0.3, own.close)
    timer.start()
    with pytest.raises(SandboxError, match="closed"):
        own.run("key", request("import time\ntime.sleep(20)"), ())
    timer.join()


def test_judging_does_not_count_as_wall_time(executor: Executor) -> None:
    """The wall clock stands still while the host looks at the evidence."""
    evidence = executor.run(
        "key",
        request("x = 1", limits=Limits(wall_s=1)),
        (),
        lambda _evidence: time.sleep(1.5) or [],
    )  # type: ignore[func-returns-value]
    assert evidence.ending.reason is Ended.FINISHED


@pytest.mark.parametrize(
    ("layers", "level"),
    [
        (("own uid", "landlock", "landlock scopes", "seccomp"), Isolation.STRONG),
        (("own uid", "seccomp"), Isolation.GOOD),
        (("landlock", "landlock scopes", "seccomp"), Isolation.GOOD),
        (("landlock", "seccomp"), Isolation.WEAK),
        (("own uid", "landlock", "landlock scopes"), Isolation.WEAK),
        (("own uid", "bubblewrap", "seccomp"), Isolation.STRONG),
        (("bubblewrap", "seccomp"), Isolation.GOOD),
        (("bubblewrap", "landlock", "landlock scopes"), Isolation.WEAK),
        ((), Isolation.WEAK),
    ],
)
def test_levels(layers: tuple[str, ...], level: Isolation) -> None:
    """The level follows from the layers that hold."""
    assert isolation_level(dict.fromkeys(layers, "yes") | {"x": "no"}) is level


def test_root_without_an_own_uid_is_weak() -> None:
    """Whatever else holds: root may do what files and sockets refuse to anyone else."""
    held = dict.fromkeys(("landlock", "landlock scopes", "seccomp", "bubblewrap"), "yes")
    assert isolation_level(held | {"own uid": "left out"}) is Isolation.WEAK
    assert isolation_level(held | {"own uid": "needs root"}) is Isolation.GOOD
