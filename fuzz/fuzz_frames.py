"""Any bytes from a child: runs of the cells and calls that were asked for, or Broken."""

from __future__ import annotations

import socket

import atheris
import msgspec

with atheris.instrument_imports(include=["autograder"]):
    from autograder.evidence.limits import Limits
    from autograder.evidence.protocol import (
        FRAME_HEADER,
        BatchEnded,
        CallFrame,
        CellFrame,
        CellsEnded,
        frame,
    )
    from autograder.evidence.trace import (
        Array,
        CellRun,
        Ended,
        Ending,
        ErrorReport,
        Evidence,
        Items,
        Mapping,
        Opaque,
        Run,
        RunStatus,
        Trace,
        encode_evidence,
    )
    from autograder.execution.conversing.conversation import Broken, Conversation

from mutating import mutated_tree
from running import run

_FLOATS = Array("float32", (2,), b"\0" * 8, "torch.float32", requires_grad=True)
_TRACE = Trace("SGD", True, 1, ({"lr": 0.1, "betas": (0.9, 0.99)},), ("params",), (_FLOATS,), Array("int64", (1,), b"\1" + b"\0" * 7), Array("float64", (1,), b"\0" * 8),
               (Array("float32", (1, 2), b"\0" * 8),), (Array("float32", (1, 2), b"\0" * 8),), (Array("uint8", (1,), b"\0"),))  # fmt: skip
CELL = Run(
    "c",
    RunStatus.RAISED,
    error=ErrorReport("ValueError", "x", "y", "c", 3),
    variables={
        "w": _FLOATS,
        "l": Items((1, 2.5, None, "x")),
        "m": Mapping({"a": Opaque("T", "t")}),
    },
)
CALL = Run(
    "r",
    RunStatus.FINISHED,
    returned=_FLOATS,
    arguments={"params": _FLOATS},
    traces=(_TRACE,),
    output="hi",
    cpu_s=0.1,
)
OUTPUTS = '[{"output_type": "stream", "name": "stdout", "text": "x"}]'


def evidence() -> bytes:
    """What a store may hold."""
    return encode_evidence(
        Evidence("k", (CellRun(CELL, OUTPUTS, 1),), (CALL,), Ending(Ended.FINISHED), {"torch": "2"})
    )


def target(data: bytes) -> None:
    (ours, theirs), (control, forkserver) = socket.socketpair(), socket.socketpair()
    with ours, theirs, control, forkserver:
        theirs.sendall(data)
        theirs.close()
        conversation = Conversation(control, ours, Limits(), None)
        try:
            for run_ in conversation.cells(["c"]):
                str(run_)
            for call in conversation.calls(["r"]):
                str(call.returned)
        except Broken as broken:
            str(broken)


def mutate(data: bytes, random: object) -> bytes:
    frames, at = [], 0
    while at + 4 <= len(data):
        (size,) = FRAME_HEADER.unpack_from(data, at)
        frames.append(msgspec.msgpack.decode(data[at + 4 : at + 4 + size]))
        at += 4 + size
    bodies = map(msgspec.msgpack.encode, mutated_tree(frames, random))
    return b"".join(FRAME_HEADER.pack(len(body)) + body for body in bodies)


if __name__ == "__main__":
    messages = (CellFrame(CellRun(CELL, OUTPUTS, 1)), CellsEnded(), CallFrame(CALL), BatchEnded())
    run(target, mutate, [b"".join(map(frame, messages[:count])) for count in range(1, 5)])
