"""All attacks and their honest twins, graded as one class: none gains a point, none changes
another's grade, none leaves a trace; and without layers they get through.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from selection import selected, short

from autograder.evidence.limits import Isolation
from autograder.evidence.protocol import Cell, ExecutionRequest
from autograder.evidence.trace import Ended
from autograder.execution.executor import Executor
from autograder.judgement.grade import Outcome

from .attack import Attack
from .breaking import BREAKING
from .gaining import GAINING
from .hostile_class import ATTACKS, grade_attacks, make_course, said
from .reaching import REACHING
from .targets import Targets, TinyCourse, targets

SHORT = {
    *(
        "read_solution",
        "read_neighbour",
        "read_evidence",
        "read_memory_of_grader",
        "environ_of_others",
        "calls_before_their_time",
        "write_store",
        "signal_grader",
    ),
    *(
        "tcp",
        "abstract_socket",
        "user_namespace",
        "become_root",
        "note_in_tmp",
        "allclose",
        "agreeing_tensor",
        "make_call",
        "fake_steps",
        "frame_writer",
    ),
    *(
        "garbage_frames",
        "huge_frame",
        "frames_before_their_time",
        "every_descriptor",
        "kill_itself",
        "kill_group",
    ),
    *("exit", "segmentation_fault", "memory", "disk", "output", "daemon", "zombies"),
}
WHY = "every attack is a submission, and so is its twin"


def name_of(attack: Attack) -> str:
    """By which it is known."""
    return attack.name


CHOSEN = short(ATTACKS, SHORT, WHY, name_of)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="the attacks aim at a grader that is root")


@pytest.fixture(scope="module")
def executor():
    """Two warm slots."""
    os.environ["ADVERSARY_SECRET"] = "ADVERSARY_SECRET"
    with Executor(2) as warm:
        yield warm
    del os.environ["ADVERSARY_SECRET"]


@pytest.fixture(scope="module")
def course(tmp_path_factory, executor):
    """The tiny course, released, with a marker in its solution."""
    return make_course(tmp_path_factory.mktemp("adversaries"), executor)


@pytest.fixture(scope="module")
def aims(course):
    """Files, sockets and a process of ours to aim at."""
    with targets(course.root) as found:
        yield found


@pytest.fixture(scope="module")
def graded(request, course, aims):
    """The attacks that tests of this session are about, and their twins; a bystander's grade is as
    before.
    """
    course.submit("bystander")
    before, _ = course.grade()
    grades = grade_attacks(course, aims, selected(request, "attack"), twins=True)
    assert grades["bystander"] == before["bystander"]
    return grades


def test_there_are_enough_of_them() -> None:
    """At least sixty, under names of their own, and several for each row."""
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert min(Counter(attack.row for attack in GAINING + BREAKING).values()) >= 1


@pytest.mark.seconds("the attacks are graded before the first")
@root_only
@pytest.mark.parametrize("attack", CHOSEN, ids=name_of)
def test_attack(course: TinyCourse, graded, aims: Targets, attack: Attack) -> None:
    """It gets nothing, and no point."""
    grade = graded[attack.name]
    assert grade.points <= attack.points
    assert "HOLE" not in said(course, attack.name)
    if attack in REACHING and attack.name != "kill_forkserver":
        assert grade.points == 10  # what was tried in vain costs nothing either


@root_only
@pytest.mark.parametrize("attack", CHOSEN, ids=name_of)
def test_twin(course: TinyCourse, graded, attack: Attack) -> None:
    """Honest code nearby is graded as any other: all points, and what it does works."""
    assert graded[f"{attack.name}-twin"].points == 10, graded[f"{attack.name}-twin"].problem
    assert "FINE" in said(course, f"{attack.name}-twin")


@root_only
def test_nothing_is_left(course: TinyCourse, graded, aims: Targets) -> None:
    """No process, no file in shared memory, in scratch folders, in the folder that all may write
    to; nothing received by our sockets.
    """
    uids = {client._slot.uid for client in course.executor._clients}
    assert [
        path.name
        for path in Path("/proc").glob("[0-9]*")
        if path.exists() and path.stat().st_uid in uids
    ] == []
    assert [
        path for client in course.executor._clients for path in Path(client._slot.scratch).iterdir()
    ] == []
    assert [path.name for path in Path("/dev/shm").iterdir() if path.stat().st_uid in uids] == []
    assert list(aims.shared.iterdir()) == []
    assert not aims.received()


@root_only
def test_none_takes_longer_than_its_limits(course: TinyCourse, graded) -> None:
    """The wall limit, and two seconds to end and to clear what is left."""
    limit_s = course.files.assignment.limits.wall_s
    for attack in ATTACKS:
        if attack.name not in graded:
            continue
        key = graded[attack.name].provenance.evidence_key
        evidence = course.results.evidence.get(key) if key else None
        if evidence is not None:
            assert evidence.ending.wall_s <= limit_s + 2, attack.name


@pytest.fixture(scope="module")
def naked():
    """A slot without any layer."""
    os.environ["ADVERSARY_SECRET"] = "ADVERSARY_SECRET"
    with Executor(1, Isolation.NONE) as executor:
        yield executor


LAYERED = short(
    [attack for attack in ATTACKS if attack.layers],
    SHORT & {attack.name for attack in ATTACKS if attack.layers},
    WHY,
    name_of,
)


@root_only
@pytest.mark.parametrize("attack", LAYERED, ids=name_of)
def test_without_layers_it_gets_through(
    course: TinyCourse, graded, aims: Targets, naked: Executor, attack: Attack
) -> None:
    """What a layer stops succeeds without it: otherwise the attack proves nothing."""
    cells = (Cell("a", "import torch"), Cell("b", attack.code.format(**aims.names)))
    evidence = naked.run("key", ExecutionRequest(cells, 0, course.files.assignment.limits), ())
    aims.clear()
    assert evidence.ending.reason is Ended.FINISHED
    assert "HOLE" in evidence.cells[1].run.output, evidence.cells[1].run.error


def test_targets_are_real(aims: Targets) -> None:
    """The sockets that nobody may reach can be reached."""
    with socket.create_connection(("127.0.0.1", aims.names["tcp"]), 2):
        pass
    assert aims.received()


SPOILT = (
    "garbage_frames",
    "huge_frame",
    "frames_before_their_time",
    "every_descriptor",
    "kill_itself",
    "kill_group",
)


@root_only
@pytest.mark.parametrize("name", SPOILT)
def test_evidence_that_is_rejected_goes_to_a_person(graded, name: str) -> None:
    """Corrupt frames, or a process killed by SIGKILL, twice: no points, and someone looks at it."""
    grade = graded[name]
    assert grade.points == 0
    assert {check.outcome for check in grade.checks} == {Outcome.NEEDS_REVIEW}
    assert grade.problem
