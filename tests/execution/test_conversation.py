"""The host's side of a connection, fed with anything: it ends in `Broken`, or yields the runs that
were asked for.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.evidence.limits import Limits
from autograder.evidence.protocol import (
    FRAME_HEADER,
    BatchEnded,
    CallFrame,
    CellFrame,
    CellsEnded,
    frame,
)
from autograder.evidence.trace import CellRun, Ended, Run, RunStatus, array_of
from autograder.execution.conversing.conversation import Broken, Conversation

LIMITS = Limits(evidence_bytes=100_000)
HONEST = (frame(CellFrame(CellRun(Run("a", RunStatus.FINISHED)))), frame(CellsEnded()))
ANSWERS = (
    frame(CallFrame(Run("call", RunStatus.FINISHED, returned=array_of([1.0, 2.0])))),
    frame(BatchEnded()),
)
quick = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


def heard(data: bytes, *, calls: bool = False) -> list[str]:
    """The ids of the runs that a conversation yields when the child sends `data` and closes.

    Raises:
        Broken: as the conversation does.
    """
    ours, theirs = socket.socketpair()
    control, forkserver = socket.socketpair()
    with ours, theirs, control, forkserver, ThreadPoolExecutor(1) as sender:
        sending = sender.submit(_send, theirs, data)
        conversation = Conversation(control, ours, LIMITS, None)
        try:
            runs: Sequence[Run] = (
                list(conversation.calls(["call"]))
                if calls
                else [cell.run for cell in conversation.cells(["a"])]
            )
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            sending.result(5)
        return [run.id for run in runs]


def _send(connection: socket.socket, data: bytes) -> None:
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the host has had enough


def test_honest_frames_are_heard() -> None:
    """What a child sends that keeps to the protocol, in one piece."""
    assert heard(b"".join(HONEST)) == ["a"]
    assert heard(b"".join(ANSWERS), calls=True) == ["call"]


@quick
@given(st.binary(max_size=300))
def test_bytes_at_random_break_it(data: bytes) -> None:
    """Nothing but Broken comes of them, with a reason that is no fault of ours."""
    with pytest.raises(Broken) as broken:
        heard(data)
    assert broken.value.reason in (Ended.CORRUPT_FRAMES, Ended.EXITED, Ended.EVIDENCE_LIMIT)


@quick
@given(st.data())
def test_a_changed_byte_breaks_it_or_changes_no_id(data: st.DataObject) -> None:
    """Frames with some bytes changed: rejected, or still the run that was asked for."""
    calls = data.draw(st.booleans())
    whole = bytearray(b"".join(ANSWERS if calls else HONEST))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    expected = ["call"] if calls else ["a"]
    try:
        found: list[str] | Ended = heard(bytes(whole), calls=calls)
    except Broken as broken:
        found = broken.reason
    assert found in (expected, Ended.CORRUPT_FRAMES, Ended.EXITED, Ended.EVIDENCE_LIMIT)


def _frame_of(value: object) -> bytes:
    """`value` as it stands, in a frame."""
    body = msgspec.msgpack.encode(value)
    return FRAME_HEADER.pack(len(body)) + body


REJECTED = {
    "another cell's run": frame(CellFrame(CellRun(Run("b", RunStatus.FINISHED)))),
    "a call's run": ANSWERS[0],
    "the end before its time": HONEST[1],
    "an unknown key": _frame_of(
        {"type": "cell", "cell": {"run": {"id": "a", "status": "finished", "points": 10}}}
    ),
    "a status that does not exist": _frame_of(
        {"type": "cell", "cell": {"run": {"id": "a", "status": "passed"}}}
    ),
    "an array of another size than it says": _frame_of(
        {
            "type": "cell",
            "cell": {
                "run": {
                    "id": "a",
                    "status": "finished",
                    "returned": {"type": "array", "dtype": "float32", "shape": [5], "data": b"x"},
                }
            },
        }
    ),
    "an array of objects": _frame_of(
        {
            "type": "cell",
            "cell": {
                "run": {
                    "id": "a",
                    "status": "finished",
                    "returned": {"type": "array", "dtype": "object", "shape": [0], "data": b""},
                }
            },
        }
    ),
    "a negative shape": _frame_of(
        {
            "type": "cell",
            "cell": {
                "run": {
                    "id": "a",
                    "status": "finished",
                    "returned": {"type": "array", "dtype": "int8", "shape": [-1, -1], "data": b"x"},
                }
            },
        }
    ),
    "outputs that are no outputs": frame(
        CellFrame(CellRun(Run("a", RunStatus.FINISHED), outputs='[{"output_type": "script"}]'))
    ),
    "outputs that are no JSON": frame(
        CellFrame(CellRun(Run("a", RunStatus.FINISHED), outputs="["))
    ),
    "a length beyond all limits": FRAME_HEADER.pack(1 << 31),
}


@pytest.mark.parametrize("sent", REJECTED.values(), ids=REJECTED)
def test_what_is_rejected(sent: bytes) -> None:
    """Wrong order, ids, keys, kinds, dtypes, shapes and lengths, each with a reason."""
    with pytest.raises(Broken) as broken:
        heard(sent + HONEST[0] + HONEST[1])
    assert broken.value.reason is Ended.CORRUPT_FRAMES
    assert broken.value.detail


def test_more_than_may_be_sent() -> None:
    """The cap is on all frames together."""
    long = frame(CellFrame(CellRun(Run("a", RunStatus.FINISHED, output="x" * 90_000))))
    with pytest.raises(Broken) as broken:
        heard(long + HONEST[1] + long)
    assert broken.value.reason is Ended.EVIDENCE_LIMIT
