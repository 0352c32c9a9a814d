"""Submissions whose calls are made without forks: one launch in the sandbox after another, each a
child of the forkserver's that runs the cells and then makes calls.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from typing import IO

from autograder.evidence.limits import Limits
from autograder.evidence.protocol import CallFrame, ExecutionRequest, FromChild, ToChild
from autograder.evidence.trace import Ended, Ending
from autograder.execution.client import SlotClient
from autograder.execution.conversing.conversation import Broken, Conversation
from autograder.execution.conversing.trip import Stopped

HELD_FOR_S = 30
"""Beyond the wall limit, within which the forkserver says how a process ended."""


@dataclass(slots=True)
class Launches:
    """All launches for one submission, and what they used together."""

    client: SlotClient
    stop: threading.Event | None
    endings: list[Ending] = field(default_factory=list)
    evidence_bytes: int = 0

    def start(self, request: ExecutionRequest) -> LaunchedProcess:
        """Launch one more process.

        Raises:
            Stopped: if the forkserver died just now.
            SandboxError: if it can't be started.
        """
        try:
            conversation, connection, log = self.client.launch(request.limits, self.stop)
        except OSError as error:
            self.client.kill()
            raise Stopped(
                Ending(Ended.FORKSERVER_DIED, "the forkserver died before this submission")
            ) from error
        return LaunchedProcess(self, conversation, (connection, log), request.limits)

    def total(self, ending: Ending) -> Ending:
        """Add up what all launches used: computing and waiting in sum, memory at its peak."""
        return Ending(
            ending.reason,
            ending.detail,
            sum(one.cpu_s for one in self.endings),
            sum(one.wall_s for one in self.endings),
            max((one.peak_rss_bytes for one in self.endings), default=0),
            sum(one.left_behind for one in self.endings),
        )


class LaunchedProcess:
    """One launch, as `autograder.execution.conversing.trip.Process`."""

    def __init__(
        self,
        launches: Launches,
        conversation: Conversation,
        opened: tuple[socket.socket, IO[bytes]],
        limits: Limits,
    ) -> None:
        self._launches, self._conversation, self._limits = launches, conversation, limits
        self._connection, self._log = opened
        self._ending: Ending | None = None

    def send(self, message: ToChild) -> None:
        """Queue a frame; it goes out while frames are awaited."""
        self._conversation.send(message)

    def receive(self, timeout_s: float) -> FromChild:
        """The next frame.

        Raises:
            Stopped: if none comes; the process has ended then.
            SandboxError: if grading was stopped.
        """
        try:
            message, size = self._conversation.receive(timeout_s)
            if isinstance(message, CallFrame):
                self._launches.evidence_bytes += size
                # each launch has the limit to itself, for it repeats the cells
                if self._launches.evidence_bytes > self._limits.evidence_bytes:
                    raise Broken(  # noqa: TRY301
                        Ended.EVIDENCE_LIMIT,
                        f"more than {self._limits.evidence_bytes >> 20} MB of evidence",
                    )
        except Broken as broken:
            raise Stopped(self._finish(broken)) from broken
        except TimeoutError as error:
            self._finish(None, kill=True)
            raise Stopped(
                Ending(Ended.WALL_LIMIT, f"not done after {timeout_s:.0f} s"), late=True
            ) from error
        return message

    def corrupt(self, detail: str) -> Stopped:
        """End it, since what it sent is not what was asked for; the error to raise."""
        return Stopped(self._finish(Broken(Ended.CORRUPT_FRAMES, detail)))

    def end(self) -> Ending:
        """Let it end, if it has not ended yet; how it did."""
        return self._ending or self._finish(None)

    def _finish(self, broken: Broken | None, *, kill: bool = False) -> Ending:
        try:
            ending = ending_of(self._conversation, broken, self._log, self._limits, kill=kill)
        except Broken as error:
            self._launches.client.kill()
            ending = Ending(error.reason, error.detail)
        self._connection.close()
        self._log.close()
        self._ending = ending
        self._launches.endings.append(ending)
        return ending


def ending_of(
    conversation: Conversation,
    broken: Broken | None,
    log: IO[bytes],
    limits: Limits,
    *,
    kill: bool = False,
) -> Ending:
    """Return a launch's ending: the forkserver's word, but for what only the host can know.

    `kill`: it is not to end by itself.

    Raises:
        Broken: if the forkserver died.
    """
    if broken is not None and broken.reason is Ended.FORKSERVER_DIED:
        raise broken
    ours = broken is not None and broken.reason in (Ended.CORRUPT_FRAMES, Ended.EVIDENCE_LIMIT)
    ended = conversation.finish(kill=ours or kill, timeout_s=limits.wall_s + HELD_FOR_S)
    ending = ended.ending
    reason, detail = ending.reason, ending.detail
    if not ended.sandboxed or reason is Ended.SANDBOX_FAILED:
        detail = f"{detail}: {_tail(log)}"
    elif reason is Ended.NO_DEVICE:
        detail = _tail(log).rpartition("DeviceError: ")[2]
    elif ours and broken is not None:
        reason, detail = broken.reason, broken.detail
    elif reason is Ended.FINISHED and broken is not None:
        reason, detail = Ended.EXITED, "exit code 0"
    elif reason is Ended.EXITED and detail == "exit code 70" and (said := _tail(log)):
        detail = f"{detail}: {said}"
    return Ending(
        reason, detail, ending.cpu_s, ending.wall_s, ending.peak_rss_bytes, ending.left_behind
    )


def _tail(log: IO[bytes]) -> str:
    """The last line of a submission's log."""
    size = log.seek(0, 2)
    log.seek(max(0, size - 4000))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
