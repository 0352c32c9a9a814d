"""Attacks that a machine's sandbox is tried with: the isolation level is found by trying, not by
asking for features.

Each trial is a cell of a submission. It prints HELD or OPEN, and harms nothing where it gets
through: it reads a file made for it, sends signal 0, knocks at a socket of ours.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.evidence.limits import MB, Isolation, Limits
from autograder.evidence.protocol import Cell, ExecutionRequest
from autograder.evidence.trace import RunStatus
from autograder.execution.executor import Executor
from autograder.execution.layers.sandbox import (
    BUBBLEWRAP,
    LANDLOCK,
    LANDLOCK_SCOPES,
    OWN_UID,
    SECCOMP,
)

_LIMITS = Limits(cpu_s=5, wall_s=20, memory_bytes=2048 * MB, processes=32, scratch_bytes=16 * MB)


@dataclass(frozen=True, slots=True)
class Trial:
    """One attack.

    `source` is an expression or statements that succeed where it gets through and raise OSError,
    MemoryError or RuntimeError where it is held. `held_by` names layers each of which holds it
    alone, whoever runs it (an ordinary user's rights hold more); none: limits that need no layer
    do. `required` of GOOD and above.
    """

    name: str
    opens: str
    source: str
    held_by: tuple[str, ...] = ()
    required: bool = True


TRIALS = (
    Trial(
        "read the grader's files",
        "solutions, hidden checks, grades",
        "open({private!r}).read()",
        (OWN_UID, LANDLOCK, BUBBLEWRAP),
    ),
    Trial(
        "read files that are open to all",
        "whatever on this machine is readable by everyone: keep the course folder closed to others"
        " (chmod 700)",
        "open({public!r}).read()",
        (LANDLOCK, BUBBLEWRAP),
        required=False,
    ),
    Trial(
        "leave a file outside of the scratch folder",
        "notes to later submissions in folders that everyone may write to, such as /tmp",
        "open({outside!r}, 'x').close()",
        (LANDLOCK, BUBBLEWRAP),
        required=False,
    ),
    Trial(
        "read the grader's environment",
        "tokens and paths in its variables",
        "open('/proc/{pid}/environ').read()",
        (OWN_UID, BUBBLEWRAP),
    ),
    Trial(
        "read command lines of other processes",
        "paths and secrets that stand in arguments",
        "open('/proc/{pid}/cmdline').read()",
        (BUBBLEWRAP,),
        required=False,
    ),
    Trial(
        "signal the grader",
        "ending it, and the class with it",
        "import os; os.kill({pid}, 0)",
        (OWN_UID, LANDLOCK_SCOPES, BUBBLEWRAP),
    ),
    Trial(
        "signal the forkserver",
        "ending its own watcher",
        "import os; os.kill(os.getppid(), 0)",
        (OWN_UID, LANDLOCK_SCOPES),
        required=False,
    ),
    Trial(
        "read the grader's memory",
        "expected values",
        "open('/proc/{pid}/mem', 'rb').close()",
        (OWN_UID, LANDLOCK, BUBBLEWRAP),
    ),
    Trial(
        "trace the grader",  # PTRACE_SEIZE, which unlike PTRACE_ATTACH does not stop it
        "expected values, and what it does with them",
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.ptrace(0x4206, {pid}, 0,"
        " 0) < 0: raise OSError(ctypes.get_errno())",
        (OWN_UID, LANDLOCK, SECCOMP, BUBBLEWRAP),
    ),
    Trial(
        "connect by TCP",
        "the network",
        "import socket\nsocket.create_connection(('127.0.0.1', {tcp}), 2).close()",
        (LANDLOCK, SECCOMP, BUBBLEWRAP),
    ),
    Trial(
        "send by UDP",
        "the network, names and data sent out by DNS",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1',"
        " {udp}))",
        (SECCOMP,),
    ),
    Trial(
        "connect to an abstract socket",
        "services of the desktop and of the session",
        "import socket\nsocket.socket(socket.AF_UNIX).connect({abstract!r})",
        (LANDLOCK_SCOPES, BUBBLEWRAP),
        required=False,
    ),
    Trial(
        "connect to a socket in a folder",
        "services of the grader's session: D-Bus starts programs, an agent signs, Docker is root",
        "import socket\nsocket.socket(socket.AF_UNIX).connect({unix!r})",
        (OWN_UID, SECCOMP, BUBBLEWRAP),
    ),
    Trial(
        "make a user namespace",
        "root inside of it, and so most of the kernel's surface",
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.unshare(0x10000000) < 0:"
        " raise OSError(ctypes.get_errno())",
        (SECCOMP,),
    ),
    Trial(
        "set up io_uring",
        "files and sockets past the filter of system calls",
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nfd = libc.syscall(425, 8,"
        " ctypes.create_string_buffer(120))\nif fd < 0: raise OSError(ctypes.get_errno())",
        (SECCOMP,),
    ),
    Trial("become root", "everything", "import os\nos.setuid(0)", (OWN_UID,)),
    Trial("take 8 GB of memory", "the machine's memory", "x = bytearray(8 << 30)"),
    Trial(
        "start 200 processes",
        "the machine's processes",
        "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(10)\n   "
        "     os._exit(0)",
        (OWN_UID,),
    ),
    Trial(
        "write 100 MB",
        "the machine's disk",
        "for k in range(10):\n    with open(f'f{{k}}', 'wb') as f: f.write(bytes(10 << 20))\nimport"
        " time; time.sleep(3)",
    ),
)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How one trial went: `held` None where it could not be told, with the reason."""

    trial: Trial
    held: bool | None
    said: str = ""


def run_trials(executor: Executor, trials: Sequence[Trial] = TRIALS) -> tuple[TrialResult, ...]:
    """Run each trial as a submission of its own.

    Raises:
        SandboxError: if no submission can be run here.
    """
    executor.start()
    with _targets() as targets:
        return tuple(_run(executor, trial, targets) for trial in trials)


def level_found(level: Isolation, results: Sequence[TrialResult]) -> Isolation:
    """`level`, which the layers promise, unless a trial got through that it should hold."""
    return (
        min(level, Isolation.WEAK, key=lambda one: one.rank)
        if any(one.trial.required and not one.held for one in results)
        else level
    )


def _run(executor: Executor, trial: Trial, targets: dict[str, object]) -> TrialResult:
    body = "\n".join(f"    {line}" for line in trial.source.format(**targets).splitlines())
    source = (
        f"try:\n{body}\nexcept (OSError, MemoryError, RuntimeError) as error: print('HELD',"
        " error)\nelse: print('OPEN')"
    )
    evidence = executor.run(
        f"trial: {trial.name}", ExecutionRequest((Cell("trial", source),), 0, _LIMITS), ()
    )
    cell = evidence.cells[0].run
    if cell.status is RunStatus.FINISHED and cell.output.startswith(("HELD", "OPEN")):
        return TrialResult(
            trial, cell.output.startswith("HELD"), cell.output.partition(" ")[2].strip()[:120]
        )
    if cell.status is RunStatus.NOT_RUN:
        return TrialResult(
            trial, held=True, said=f"ended: {evidence.ending.detail or evidence.ending.reason}"
        )
    return TrialResult(trial, None, cell.error.message[:120] if cell.error else "no answer")


@contextmanager
def _targets() -> Iterator[dict[str, object]]:
    """Files, sockets and a process to aim at, ours and of no value."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        private, public = folder / "private", folder / "public"
        for path, mode in ((private, 0o600), (public, 0o644)):
            path.write_text("nothing of value")
            path.chmod(mode)
        outside = folder / "outside"
        outside.mkdir()
        outside.chmod(0o777)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        name = f"\0gradstep-trial-{os.getpid()}"
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(name)
        abstract.listen()
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o755)
        unix.listen()
        yield {
            "private": str(private),
            "public": str(public),
            "outside": str(outside / "note"),
            "pid": os.getpid(),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": name,
            "unix": str(folder / "socket"),
        }
