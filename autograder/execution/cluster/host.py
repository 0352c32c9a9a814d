"""Runs submissions on a Dask cluster: the host's side.

Workers have forkservers and sandboxes of their own; what passes between is plain data.

Each run is one task, with two queues beside it: the worker says that it has started and waits to be
told to go on, so that a submission that has killed two workers meets no third; then it sends the
evidence so far, and gets the calls that are wanted besides.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.errors import SandboxError
from autograder.evidence.limits import Isolation
from autograder.evidence.protocol import Call, ExecutionRequest
from autograder.evidence.trace import (
    CellRun,
    Ended,
    Ending,
    Evidence,
    Run,
    RunStatus,
    decode_evidence,
)
from autograder.execution.cluster.worker_side import BATCHES, GO, NEWS, STOP, Task, run_task
from autograder.execution.executor import Executor, FollowUp, check_request
from autograder.execution.retry import ATTEMPTS

if TYPE_CHECKING:
    from distributed import Client, Future

_PATIENCE_S = 0.5
"""Between looks at what only happens when something is wrong: a stopped grader, a failed task."""


class ClusterExecutor(Executor):
    """An `Executor` whose runs are made by the workers of the Dask scheduler at `address`.

    What is wanted aside runs on this machine.
    """

    def __init__(
        self, address: str, isolation: Isolation | None = None, packages: Sequence[str] = ()
    ) -> None:
        """Connect to the Dask scheduler at `address`.

        `isolation` must hold on every worker; `packages` are imported there before submissions are
        forked.

        Raises:
            SandboxError: if Dask is not installed, or no scheduler answers at `address`, or it has
                no workers.
        """
        super().__init__(1, isolation, packages=packages)
        self._client = _connect(address)
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            message = (
                f"the Dask scheduler at {address} has no workers: start some with `dask worker"
                f" {address}`"
            )
            raise SandboxError(message)
        # one waits, so that none is idle
        self.jobs = sum(worker["nthreads"] for worker in workers.values()) + 1
        self._set_aside: dict[str, Evidence] = {}

    def warm(self, slots: int) -> None:
        """Workers warm their slots when their first task comes."""

    def close(self) -> None:
        """Leave the cluster; tasks under way end on their workers and are forgotten."""
        self._client.close()
        super().close()

    def run(
        self,
        key: str,
        request: ExecutionRequest,
        calls: Sequence[Call],
        follow_up: FollowUp | None = None,
        stop: threading.Event | None = None,
    ) -> Evidence:
        """Run a submission on a worker, as `Executor.run`.

        A lost worker's run is made again by another; a submission whose runs lost `ATTEMPTS`
        workers comes back as killed.

        Raises:
            SandboxError: if a worker can't isolate submissions as required, or has another version
                of PyTorch, or `stop` was set.
            ValueError: if a call is `after` a cell that is not to be held.
        """
        check_request(request, calls)
        if key in self._set_aside:
            return self._set_aside[key]
        task = Task(
            key, request, tuple(calls), self.required, self._packages, follow_up is not None
        )
        run = _RemoteRun(self._client, task)
        try:
            evidence = run.wait(follow_up, stop)
        finally:
            run.forget()
        if evidence is None:
            evidence = self._set_aside[key] = _as_killed(task, run.workers, self.environment)
        else:
            self.environment = evidence.environment
        return evidence


class _RemoteRun:
    """One task and its queues."""

    def __init__(self, client: Client, task: Task) -> None:
        from distributed import Queue  # optional: the `cluster` extra

        self._client, self._name = client, f"gradstep-{uuid.uuid4().hex}"
        self._news = Queue(self._name, client=client)
        self._orders: list[Any] = []
        self._future: Future = client.submit(
            run_task, msgspec.msgpack.encode(task), self._name, key=self._name, pure=False
        )
        self.workers: list[str] = []

    def wait(self, follow_up: FollowUp | None, stop: threading.Event | None) -> Evidence | None:
        """The evidence; None if too many workers died."""
        attempt = ""
        while True:
            if stop is not None and stop.is_set():
                message = "stopped"
                raise SandboxError(message)
            try:
                news = NEWS.decode(self._news.get(timeout=_PATIENCE_S))
            except TimeoutError:
                if self._future.status in ("error", "cancelled", "lost"):
                    self._failed()
                    return None
                continue
            if news.started:
                attempt = news.attempt
                self.workers.append(news.worker)
                _check_versions(news.worker, news.torch)
                self._order(attempt, STOP if len(self.workers) > ATTEMPTS else GO)
                if len(self.workers) > ATTEMPTS:
                    return None
            elif news.attempt != attempt:
                continue  # of a worker that is gone
            elif news.so_far is not None:
                assert follow_up is not None
                batches = follow_up(decode_evidence(news.so_far))
                self._order(attempt, BATCHES.encode(list(batches)))
            else:
                return decode_evidence(self._future.result())

    def forget(self) -> None:
        """Whatever has become of it."""
        if self._client.status != "running":  # closed meanwhile: the scheduler forgets with it
            return
        self._future.cancel()
        for queue in (self._news, *self._orders):
            queue.close()

    def _order(self, attempt: str, order: bytes) -> None:
        from distributed import Queue

        queue = Queue(f"{self._name}-{attempt}", client=self._client)
        self._orders.append(queue)
        queue.put(order)

    def _failed(self) -> None:
        """Says nothing if too many workers died.

        Raises:
            SandboxError: for anything but a death of too many workers.
        """
        from distributed import KilledWorker

        try:
            self._future.result()
        except KilledWorker:
            return
        except SandboxError:
            raise
        except Exception as error:
            message = f"a worker of the cluster failed: {type(error).__name__}: {error}"
            raise SandboxError(message) from error
        message = "the cluster lost a task"
        raise SandboxError(message)


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        message = 'a scheduler needs Dask, which is not installed: pip install "gradstep[cluster]"'
        raise SandboxError(message) from error
    try:
        return Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        message = f"no Dask scheduler answers at {address}: {error}"
        raise SandboxError(message) from error


def _check_versions(worker: str, torch: str) -> None:
    own = metadata.version("torch")
    if torch != own:
        message = (
            f"the worker at {worker} has PyTorch {torch}, this machine {own}: evidence of both"
            " can't be compared; install the same version"
        )
        raise SandboxError(message)


def _as_killed(task: Task, workers: Sequence[str], environment: dict[str, str]) -> Evidence:
    ending = Ending(
        Ended.KILLED, f"set aside: the workers that ran it died ({', '.join(workers[:ATTEMPTS])})"
    )
    cells = tuple(CellRun(Run(cell.id, RunStatus.NOT_RUN)) for cell in task.request.cells)
    calls = tuple(Run(call.id, RunStatus.NOT_RUN) for call in task.calls)
    return Evidence(
        task.key, cells, calls, ending, environment or {"isolation": str(task.isolation)}
    )
