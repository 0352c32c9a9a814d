# ruff: noqa: SIM105, S603
# The command is our own interpreter; try/pass carries the reason beside it.
"""One slot: a forkserver process, started when first needed and again after it died."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

import autograder
from autograder.errors import SandboxError
from autograder.evidence.limits import Device, Limits
from autograder.evidence.protocol import (
    FRAME_HEADER,
    FROM_FORKSERVER,
    ForkserverReady,
    Launch,
    frame,
)
from autograder.execution.conversing.conversation import Conversation
from autograder.execution.forkserver.control import ForkserverConfig
from autograder.execution.forkserver.large_pages import HEAP
from autograder.execution.layers import bubblewrap
from autograder.execution.layers.sandbox import BUBBLEWRAP, LEFT_OUT, OWN_UID, YES
from autograder.execution.layers.slots import Slot, reserve_slot

_PACKAGE = Path(autograder.__file__).resolve().parent
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from autograder.execution.forkserver.server"
    " import main; main(sys.argv[2])"
)
_WARMING_TIMEOUT_S = 180
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of `variables`, and nothing of the grader's.

    One thread while warming, or forks that use several hang; passive, or threads on busy cores cost
    tenfold.
    """
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return {
        "PATH": path,
        "LANG": "C.UTF-8",
        "OMP_WAIT_POLICY": "passive",
        "MPLBACKEND": "agg",
        **_THREADS,
        **HEAP,
        **variables,
    }


def _number_outside(pid: int, inside: int) -> int:
    """Return the number here of the process below `pid` that is `inside` in its own namespace.

    `pid` itself if it can't be told.
    """
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            waiting += [
                int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text().split()
            ]
            numbers = next(
                line
                for line in Path(f"/proc/{one}/status").read_text().splitlines()
                if line.startswith("NSpid:")
            ).split()
        except (OSError, StopIteration):
            continue  # it has ended meanwhile
        if one != pid and int(numbers[-1]) == inside:
            return one
    return pid


class SlotClient:
    """Starts the slot's forkserver and hands submissions to it. Used by one thread at a time."""

    def __init__(
        self,
        without: frozenset[str],
        variables: Mapping[str, str] | None = None,
        packages: Sequence[str] = (),
        device: Device = Device.CPU,
    ) -> None:
        """Take the layers of the sandbox to leave out, and the device that submissions may use."""
        self._without = without
        self._packages = tuple(packages)
        self._device = device
        self._variables = dict(variables or {})
        self._slot: Slot | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._log: IO[bytes] | None = None
        self._ending = threading.Lock()
        self.ready: ForkserverReady | None = None

    def start(self) -> ForkserverReady:
        """Start the forkserver unless it is up, and wait until it is warm.

        Raises:
            SandboxError: with its last words, if it does not get warm.
        """
        if self._process is not None and self._process.poll() is None and self.ready is not None:
            return self.ready
        self.kill()
        self._slot = self._slot or reserve_slot(own_uid=OWN_UID not in self._without)
        ours, theirs = socket.socketpair()
        self._control = ours
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        readable = tuple(
            sorted(
                {sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix, str(_PACKAGE)}
            )
        )
        outside = self._slot.scratch, Limits().scratch_bytes, self._device
        wrapped = LEFT_OUT if BUBBLEWRAP in self._without else bubblewrap.tried(readable, *outside)
        config = ForkserverConfig(
            control=theirs.fileno(),
            uid=self._slot.uid,
            scratch=self._slot.scratch,
            readable=readable,
            package_root=str(_PACKAGE.parent),
            without=tuple(sorted(self._without)),
            bounded=wrapped == YES and os.geteuid() != 0,
            packages=self._packages,
            device=self._device,
        )
        self._process = subprocess.Popen(
            [
                *(bubblewrap.command(readable, *outside) if wrapped == YES else ()),
                *(
                    sys.executable,
                    "-s",
                    "-P",
                    "-c",
                    _START,
                    str(_PACKAGE.parent),
                    msgspec.json.encode(config).decode(),
                ),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd="/",
            env=_environment({"TMPDIR": self._slot.scratch, **self._variables}),
            # the terminal's Ctrl-C is for the host, which then closes the control socket
            start_new_session=True,
        )
        theirs.close()
        ready = self._await_ready(ours)
        pid = _number_outside(self._process.pid, ready.pid) if wrapped == YES else ready.pid
        self.ready = msgspec.structs.replace(
            ready, pid=pid, layers={**ready.layers, BUBBLEWRAP: wrapped}
        )
        return self.ready

    def launch(
        self, limits: Limits, stop: threading.Event | None
    ) -> tuple[Conversation, socket.socket, IO[bytes]]:
        """Start one submission; return the conversation, its socket and its log.

        The caller closes the last two.

        Raises:
            SandboxError: if the forkserver can't be started.
            OSError: if it died just now.
        """
        self.start()
        assert self._control is not None
        ours, theirs = socket.socketpair()
        log = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            socket.send_fds(self._control, [frame(Launch(limits))], [theirs.fileno(), log.fileno()])
        except OSError:
            ours.close()
            log.close()
            raise
        finally:
            theirs.close()
        return Conversation(self._control, ours, limits, stop), ours, log

    def kill(self) -> None:
        """End the forkserver, and with it whatever it runs. May be called from any thread."""
        with self._ending:
            process, control, log = self._process, self._control, self._log
            # while it warms it hears nothing, and runs no submission that it would have to end
            patience_s = 5 if self.ready is not None else 0
            self._process = self._control = self._log = self.ready = None
            if control is not None:
                try:
                    control.shutdown(
                        socket.SHUT_RDWR
                        # it then ends the submission's processes and itself; not closed:
                        # another thread may be waiting on it
                    )
                except OSError:
                    pass  # it is gone already
            if process is not None:
                try:
                    process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    # bubblewrap and what it holds, which end all inside
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            if log is not None:
                log.close()

    def close(self) -> None:
        """End the forkserver and give the slot back."""
        self.kill()
        if self._slot is not None:
            self._slot.release()
            self._slot = None

    def _await_ready(self, control: socket.socket) -> ForkserverReady:
        received = bytearray()
        while (
            len(received) < FRAME_HEADER.size
            or len(received) < FRAME_HEADER.size + FRAME_HEADER.unpack_from(received)[0]
        ):
            data = (
                control.recv(1 << 16)
                if select.select([control], [], [], _WARMING_TIMEOUT_S)[0]
                else b""
            )
            if not data:
                said = self._last_words()
                self.kill()
                message = f"the forkserver did not start: {said}"
                raise SandboxError(message)
            received += data
        message_in = FROM_FORKSERVER.decode(received[FRAME_HEADER.size :])
        assert isinstance(message_in, ForkserverReady)
        return message_in

    def _last_words(self) -> str:
        log = self._log
        if log is None:
            return "it was closed while it started"
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - 2000))
        text = log.read().decode(errors="replace").strip()
        return text.rpartition("SandboxError: ")[2] or "it said nothing"
