"""Runs submissions for a Dask cluster: the worker's side, imported by the worker's own process,
which is trusted as the host is.

Each worker keeps one warm `Executor` with a slot for each of its threads; submissions run in its
sandbox, and come back as encoded evidence.
"""

from __future__ import annotations

import atexit
import threading
import uuid
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import msgspec

from autograder.errors import SandboxError
from autograder.evidence.limits import Isolation
from autograder.evidence.protocol import Call, CallBatch, ExecutionRequest
from autograder.evidence.trace import Evidence, encode_evidence
from autograder.execution.executor import Executor

GO, STOP = b"go", b"stop"
_ANSWER_S = 300
"""The host judges what was run so far within this time, or is gone."""


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of `Executor.run`.

    `asks`: the host may want more calls when it has seen the evidence so far.
    """

    key: str
    request: ExecutionRequest
    calls: tuple[Call, ...]
    isolation: Isolation
    packages: tuple[str, ...]
    asks: bool


class News(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Message from worker to host.

    An attempt has `started`, or has evidence `so_far`, or (neither) its result is ready.
    """

    attempt: str
    worker: str = ""
    torch: str = ""
    started: bool = False
    so_far: bytes | None = None


TASK = msgspec.msgpack.Decoder(Task)
NEWS = msgspec.msgpack.Decoder(News)


class _Batches:
    """Lists of batches as bytes."""

    _decoder = msgspec.msgpack.Decoder(list[CallBatch])
    encode = staticmethod(msgspec.msgpack.encode)

    def decode(self, data: bytes) -> list[CallBatch]:
        return self._decoder.decode(data)


BATCHES = _Batches()

_EXECUTORS: dict[tuple[Isolation, tuple[str, ...]], Executor] = {}
_LOCK = threading.Lock()


def run_task(encoded: bytes, name: str) -> bytes:
    """Run one `Task` whose queues begin with `name`; returns encoded `Evidence`.

    Raises:
        SandboxError: if submissions can't be isolated here as required, or the host has gone.
    """
    from distributed import Queue, get_client, get_worker  # optional: the `cluster` extra

    task, worker, client = TASK.decode(encoded), get_worker(), get_client()
    attempt = uuid.uuid4().hex
    news, orders = Queue(name, client=client), Queue(f"{name}-{attempt}", client=client)
    news.put(
        msgspec.msgpack.encode(
            News(attempt, worker.address, metadata.version("torch"), started=True)
        )
    )
    if _order(orders) != GO:
        return b""

    def follow_up(evidence: Evidence) -> Sequence[CallBatch]:
        news.put(msgspec.msgpack.encode(News(attempt, so_far=encode_evidence(evidence))))
        return BATCHES.decode(_order(orders))

    executor = _executor(task, worker.state.nthreads)
    evidence = executor.run(task.key, task.request, task.calls, follow_up if task.asks else None)
    news.put(msgspec.msgpack.encode(News(attempt)))
    return encode_evidence(evidence)


def _order(orders: Any) -> bytes:
    try:
        return orders.get(timeout=_ANSWER_S)  # type: ignore[no-any-return]
    except TimeoutError as error:
        message = "the grader that sent this submission does not answer"
        raise SandboxError(message) from error


def _executor(task: Task, jobs: int) -> Executor:
    """Return this process's own executor, warm from the second task on."""
    with _LOCK:
        kind = (task.isolation, task.packages)
        if kind not in _EXECUTORS:
            _EXECUTORS[kind] = Executor(jobs, task.isolation, packages=task.packages)
            atexit.register(_EXECUTORS[kind].close)
        return _EXECUTORS[kind]
