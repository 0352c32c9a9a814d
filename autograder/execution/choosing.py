"""The executor that this machine, or a cluster, offers for students' code; and for one's own notebook the sandbox with as many layers as hold, else plain processes."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from autograder.assignment import Isolation
from autograder.errors import SandboxError
from autograder.execution.plain import PlainExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.execution.executor import Executor

_LOG = logging.getLogger(__name__)


def open_executor(jobs: int, isolation: Isolation, packages: Sequence[str], scheduler: str = "") -> Executor:
    """The executor for students' code, in which at least `isolation` must hold: on this machine, or on the workers of the Dask scheduler at the address `scheduler`.

    Without isolation, systems other than Linux run it in plain processes, one submission at a time.

    Raises:
        SandboxError: if other systems are asked for isolation, or the cluster can't be reached.
    """
    if not sys.platform.startswith("linux") and isolation is Isolation.NONE:
        return cast("Executor", PlainExecutor(packages))
    require_linux()
    from autograder.execution.executor import Executor  # only here: it needs Linux to be imported

    if scheduler:
        from autograder.execution.cluster import ClusterExecutor

        return ClusterExecutor(scheduler, isolation, packages)
    return Executor(jobs, isolation, packages=packages)


def require_linux() -> None:
    """Isolation needs Linux.

    Raises:
        SandboxError: elsewhere.
    """
    if not sys.platform.startswith("linux"):
        message = (
            f"submissions can't be isolated on {sys.platform}: that needs Linux. WSL 2, a virtual machine or a container will do: `autograder export container -o grader` writes a Dockerfile. "
            "`autograder grade --isolation none` grades right here, and lets students' code do all that you can do"
        )
        raise SandboxError(message)


@contextmanager
def own_executor(packages: Sequence[str], *, sandbox: bool = True) -> Iterator[Executor | PlainExecutor]:
    """An executor for code that its owner runs: `sandbox` False, and machines that are no Linux, or allow no forkserver, get plain processes. `packages` are imported beforehand."""
    executor = _sandboxed(packages) if sandbox and sys.platform.startswith("linux") else None
    if executor is None:
        yield PlainExecutor(packages)
        return
    with executor:
        yield executor


def _sandboxed(packages: Sequence[str]) -> Executor | None:
    from autograder.execution.executor import Executor  # only here: it needs Linux to be imported

    for level in (Isolation.WEAK, Isolation.NONE):
        executor = Executor(1, level, packages=packages)
        try:
            executor.start()
        except (SandboxError, OSError) as error:
            executor.close()
            _LOG.info("no sandbox of level %s here: %s", level, error)
        else:
            return executor
    return None
