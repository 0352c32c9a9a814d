"""The best way to run one's own notebook that this machine offers: the sandbox with as many layers as hold, else plain processes."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autograder.assignment import Isolation
from autograder.errors import SandboxError
from autograder.execution.plain import PlainExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.execution.executor import Executor

_LOG = logging.getLogger(__name__)


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
