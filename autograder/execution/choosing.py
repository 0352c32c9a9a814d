"""The executor that this machine, or a cluster, offers for students' code; and for one's own
notebook the sandbox with as many layers as hold, else plain processes.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from autograder.errors import SandboxError
from autograder.evidence.limits import Device, Isolation
from autograder.execution.devices import find_device
from autograder.execution.plain_processes import PlainExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.assignment import Assignment
    from autograder.execution.devices import FoundDevice
    from autograder.execution.executor import Executor

_LOG = logging.getLogger(__name__)


def open_executor(
    jobs: int,
    isolation: Isolation,
    packages: Sequence[str],
    scheduler: str = "",
    device: Device = Device.CPU,
) -> Executor:
    """Return the executor for students' code, in which at least `isolation` must hold.

    It runs on this machine, or on the workers of the Dask scheduler at the address `scheduler`.

    With a `device` other than the CPU, one submission runs at a time on each GPU. Where there is
    none, the executor says so (`device.missing`) and can't run anything.

    Without isolation, systems other than Linux run it in plain processes, one submission at a time.

    Raises:
        SandboxError: if other systems are asked for isolation, or the cluster can't be reached, or
            is asked for GPUs.
    """
    found = find_device(device)
    if not sys.platform.startswith("linux") and isolation is Isolation.NONE:
        return cast("Executor", PlainExecutor(packages, found))
    require_linux()
    from autograder.execution.executor import Executor  # only here: it needs Linux to be imported

    if scheduler:
        if device is not Device.CPU:
            message = (
                'the assignment has device = "cuda", and what runs on a GPU runs on this machine'
                " only: leave --scheduler out"
            )
            raise SandboxError(message)
        from autograder.execution.cluster.host import ClusterExecutor

        return ClusterExecutor(scheduler, isolation, packages)
    return Executor(jobs, isolation, packages=packages, device=found)


def executor_for(
    assignment: Assignment, jobs: int, isolation: Isolation | None = None, scheduler: str = ""
) -> Executor:
    """Return the executor that `assignment` asks for, as `open_executor`.

    `isolation` is given where another is wanted.
    """
    wanted = assignment.isolation if isolation is None else isolation
    return open_executor(jobs, wanted, assignment.packages, scheduler, assignment.device)


def require_linux() -> None:
    """Isolation needs Linux.

    Raises:
        SandboxError: elsewhere.
    """
    if not sys.platform.startswith("linux"):
        message = (
            f"submissions can't be isolated on {sys.platform}: that needs Linux. WSL 2, a virtual"
            " machine or a container will do: `autograder export container -o grader` writes a"
            " Dockerfile. `autograder grade --isolation none` grades right here, and lets"
            " students' code do all that you can do"
        )
        raise SandboxError(message)


@contextmanager
def own_executor(
    packages: Sequence[str], *, sandbox: bool = True, device: Device = Device.CPU
) -> Iterator[Executor | PlainExecutor]:
    """Return an executor for code that its owner runs.

    `sandbox` False, and machines that are no Linux, or allow no forkserver, get plain processes.
    `packages` are imported beforehand.
    """
    found = find_device(device)
    executor = _sandboxed(packages, found) if sandbox and sys.platform.startswith("linux") else None
    if executor is None:
        yield PlainExecutor(packages, found)
        return
    with executor:
        yield executor


def _sandboxed(packages: Sequence[str], device: FoundDevice) -> Executor | None:
    from autograder.execution.executor import Executor  # only here: it needs Linux to be imported

    for level in (Isolation.WEAK, Isolation.NONE):
        executor = Executor(1, level, packages=packages, device=device)
        try:
            executor.start()
        except (SandboxError, OSError) as error:
            executor.close()
            _LOG.info("no sandbox of level %s here: %s", level, error)
        else:
            return executor
    return None
