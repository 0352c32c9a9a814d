"""A Dask scheduler and two workers with their nannies, as processes of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import distributed

from .descendants import below


class Cluster:
    """A scheduler and two workers, each with one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._started = [self._start("scheduler", "--port", str(port))]
        self._started += [self._start("worker", self.address, "--nthreads", "1") for _ in range(2)]
        self.client = distributed.Client(self.address, timeout=60, set_as_default=False)
        self.client.wait_for_workers(2, timeout=60)

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{kind}",
            *words,
            "--host",
            "127.0.0.1",
            "--no-dashboard",
        ]
        return subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def busy(self) -> dict[int, str]:
        """Workers whose sandbox runs a submission now: process id and address."""
        busy = [worker for worker, tasks in self.client.processing().items() if tasks]
        try:
            pids = self.client.run(os.getpid, workers=busy) if busy else {}
        except OSError:  # the one that was killed last is still in the scheduler's books
            return {}
        return {pid: str(worker) for worker, pid in pids.items() if _runs_something(pid)}

    def kill_a_busy_worker(self) -> str:
        """SIGKILL one whose sandbox runs a submission; its address. Its nanny starts another."""
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            for pid, worker in self.busy().items():
                os.kill(pid, signal.SIGKILL)
                return worker
            time.sleep(0.05)
        message = "no worker was busy"
        raise AssertionError(message)

    def close(self) -> None:
        """End all processes."""
        self.client.close()
        for process in reversed(self._started):
            process.terminate()
        for process in self._started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _runs_something(pid: int) -> bool:
    return (
        len(
            [
                words
                for _, words in below(pid)
                if "autograder.execution.forkserver.server" in words and "bwrap" not in words
            ]
        )
        > 1
    )
