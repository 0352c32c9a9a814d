"""Submissions on a Dask cluster of real processes: a scheduler and two workers with their nannies,
on this machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

import distributed

from autograder.errors import SandboxError
from autograder.evidence.protocol import CallBatch
from autograder.evidence.trace import Ended, Evidence, RunStatus
from autograder.execution.cluster.host import ClusterExecutor
from autograder.execution.executor import Executor

from .conftest import plain, request
from .dask_processes import Cluster
from .faults import make_class, trial

pytestmark = pytest.mark.long("a Dask cluster with workers that come and go")

SLOW = "import time\ntime.sleep({})\ndef f(): return {}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Started once."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def there(cluster: Cluster) -> Iterator[ClusterExecutor]:
    """Runs on the cluster."""
    with ClusterExecutor(cluster.address) as executor:
        yield executor


def told(evidence: Evidence) -> list[tuple[str, str, object]]:
    """What counts of a run."""
    return [
        (run.id, run.status.value, run.returned)
        for run in (*(cell.run for cell in evidence.cells), *evidence.calls)
    ]


def follow_up(evidence: Evidence) -> list[CallBatch]:
    """Once more, with a given definition, if the first call raised."""
    raised = [run for run in evidence.calls if run.status is RunStatus.RAISED]
    return [
        CallBatch((plain(run.id, "f"),), alone=True, given="def f(): return 5", given_names=("f",))
        for run in raised
    ]


def test_a_run_there_is_a_run_here(there: ClusterExecutor, executor: Executor) -> None:
    """Cells, calls, and the calls that the host asks for when it has seen them; and who isolated
    it.
    """
    asked = (
        request("import torch\nprint(torch.ones(2))", "def f(): raise ValueError"),
        (plain("a", "f"),),
        follow_up,
    )
    here, remote = (one.run("key", *asked) for one in (executor, there))
    assert told(remote) == told(here)
    assert remote.calls[-1].returned == 5
    assert remote.environment == here.environment == there.environment


def test_several_at_once(there: ClusterExecutor) -> None:
    """From threads, as the grader does; each gets its own evidence."""
    assert there.jobs == 3
    found: dict[int, Evidence] = {}

    def run(number: int) -> None:
        found[number] = there.run(
            f"key-{number}", request(f"def f(): return {number}"), (plain("a", "f"),)
        )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {number: evidence.calls[0].returned for number, evidence in found.items()} == {
        0: 0,
        1: 1,
        2: 2,
        3: 3,
    }


def in_background(
    executor: ClusterExecutor, key: str, source: str
) -> tuple[threading.Thread, list[Evidence]]:
    done: list[Evidence] = []
    thread = threading.Thread(
        target=lambda: done.append(executor.run(key, request(source), (plain("a", "f"),)))
    )
    thread.start()
    return thread, done


def test_a_lost_workers_run_is_made_by_another(cluster: Cluster, there: ClusterExecutor) -> None:
    """Killed in the middle: nothing of it is lost."""
    thread, done = in_background(there, "lost", SLOW.format(4, 7))
    cluster.kill_a_busy_worker()
    thread.join(200)
    assert done[0].ending.reason is Ended.FINISHED
    assert done[0].calls[0].returned == 7


def test_one_that_kills_two_workers_is_set_aside_and_named(
    cluster: Cluster, there: ClusterExecutor
) -> None:
    """A third never runs it, also when it is asked for again; the others go on."""
    thread, done = in_background(there, "rude", SLOW.format(25, 1))
    killed = [cluster.kill_a_busy_worker(), cluster.kill_a_busy_worker()]
    thread.join(200)
    (evidence,) = done
    assert evidence.ending.reason is Ended.KILLED
    assert all(worker in evidence.ending.detail for worker in killed)
    assert [run.status for run in evidence.calls] == [RunStatus.NOT_RUN]
    assert there.run("rude", request("1"), (plain("a", "f"),)) == evidence
    assert (
        there.run("other", request("def f(): return 3"), (plain("a", "f"),)).calls[0].returned == 3
    )


def test_a_stopped_grader_does_not_wait(there: ClusterExecutor) -> None:
    """Ctrl-C: within a second or so, whatever the worker does."""
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(SandboxError, match="stopped"):
        there.run("long", request(SLOW.format(4, 1)), (), stop=stop)
    assert time.monotonic() - began < 4


@pytest.mark.skipif(os.geteuid() != 0, reason="looks for processes of the submissions' users")
def test_a_worker_killed_while_a_class_is_graded_loses_nothing(
    cluster: Cluster, executor: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form of faults.py: the command with --scheduler has every submission graded as here
    in peace.
    """
    course = make_class(tmp_path / "course", 4, executor)
    assert trial(course, "worker", ["worker"], course.undisturbed(executor), cluster), (
        capsys.readouterr().out
    )


def test_what_is_wrong_with_a_cluster_is_said(tmp_path: Path) -> None:
    """No scheduler; one without workers."""
    with pytest.raises(SandboxError, match="no Dask scheduler answers at tcp://"):
        ClusterExecutor("tcp://127.0.0.1:1")
    with (
        distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as empty,
        pytest.raises(SandboxError, match="dask worker"),
    ):
        ClusterExecutor(empty.scheduler_address)
