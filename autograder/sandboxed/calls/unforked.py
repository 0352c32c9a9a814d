"""A submission's process where no other can be forked from a warm one: macOS, Windows, containers
that allow no sandbox.

It speaks the protocol over its standard input and output, and makes calls in the very process that
ran the cells. When a call errs or disturbs what others share, it ends with `FRESH_PROCESS`; the
host starts another one, which runs the cells once more, for the calls that are left. Nothing is
isolated here.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import torch

from autograder.evidence.limits import Device
from autograder.evidence.protocol import TO_CHILD, ExecutionRequest, ForkserverReady, frame
from autograder.sandboxed.calls.allowance import CPU_LIMIT
from autograder.sandboxed.calls.serving import serve
from autograder.sandboxed.cells.shell import collect_outputs
from autograder.sandboxed.channel import read_frame, write_all
from autograder.sandboxed.preparing import initialise, settle, warm
from autograder.sandboxed.session import Session

_LOOK_EVERY_S = 0.25


class _Watch(threading.Thread):
    """Ends the process when it has computed for longer than allowed.

    Where the kernel can't be asked to, a thread has to.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._until = float("inf")

    def allow(self, cpu_s: float) -> None:
        """Allow so much more computing from now on."""
        self._until = time.process_time() + cpu_s

    def run(self) -> None:
        """Look every quarter of a second."""
        while True:
            time.sleep(_LOOK_EVERY_S)
            if time.process_time() > self._until:
                os._exit(CPU_LIMIT)


def main(device: str, *packages: str) -> None:
    """Serve one submission on `device`; `packages` are imported beforehand.

    The working folder is the submission's.

    Raises:
        TypeError: if the host sends anything but its part of the protocol.
        DeviceError: if `device` can't be used.
    """
    incoming, outgoing = _take_over()
    shell, recorder = warm(packages)
    initialise(Device(device))
    versions = {"torch": str(torch.__version__), "python": ".".join(map(str, sys.version_info[:3]))}
    write_all(outgoing, frame(ForkserverReady(os.getpid(), {}, versions)))
    request = TO_CHILD.decode(read_frame(incoming) or b"")
    if not isinstance(request, ExecutionRequest):
        message = "the host must send the cells first"
        raise TypeError(message)
    settle(request)
    watch = _Watch()
    watch.start()
    session = Session(shell, recorder, request)
    collect_outputs(request.limits.output_bytes)
    watch.allow(request.limits.cpu_s)
    serve(session, incoming, outgoing, lambda limits: watch.allow(limits.cpu_s))


def _take_over() -> tuple[int, int]:
    """Keep the host's two pipes apart from standard input and output.

    The latter are what a notebook's own code finds.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (incoming, outgoing):
            msvcrt.setmode(descriptor, os.O_BINARY)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return incoming, outgoing
