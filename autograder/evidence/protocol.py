"""What passes between the trusted host and the process that runs a submission.

A stream socket carries frames: a 4-byte little-endian length, then that many bytes of msgpack, one
of the Structs below. The order is::

    host                         child
    ExecutionRequest ->
                                 <- CellRun      once per cell, in order
                                 <- CellsEnded
    CallBatch ->                                 any number of batches
                                 <- Run          once per call, in order
                                 <- BatchEnded
    (shuts its side down)
                                 exits 0

A request that is `unforked` has its calls made in the very process that ran the cells. That process
exits with `sandboxed.allowance.FRESH_PROCESS` after a call that errs or disturbs what others share;
the host then starts another one with the same request, for the calls that are left.

The host learns how the process ended from the forkserver, not from the child. No expected value,
check or reference ever stands in a frame to a child that runs a submission. `ExecutionRequest` and
`CallBatch` hold the submission, what students were given anyway, and the calls to make.

The forkserver has a channel of its own: one `Launch` per submission, sent with two descriptors (the
child's socket and a log file), answered by one `Ending` after every process of the submission is
gone. It answers `ForkserverReady` first. Bytes from the host during a run: `!` end it now; `-` and
`+` stop the wall clock and start it again, while the host judges.
"""

from __future__ import annotations

import struct
from typing import Literal, Union

import msgspec

from autograder.evidence.limits import Device, Limits
from autograder.evidence.trace import Array, CellRun, Ending, Run

FRAME_HEADER = struct.Struct("<I")

Recording = Literal["light", "full"]


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="leaf"):
    """A leaf tensor to build.

    It has values, requires_grad, and what its .grad holds before the call (None: nothing).
    """

    values: Array
    grad: Array | None = None


class OptimizerSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="make_optimizer"):
    """An optimizer of torch.optim to build over the call's argument named `over`.

    With `over` empty a driver gets a function that makes it over the parameters it is given.
    """

    name: str
    settings: dict[str, OptimizerSetting]
    over: str = "params"


class ArgumentList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="list"):
    """A list of arguments, e.g. two parameter tensors."""

    values: tuple[Argument, ...]


OptimizerSetting = Union[None, bool, int, float, str, tuple[float, ...]]
Argument = Union[None, bool, int, float, str, Array, Leaf, OptimizerSpec, ArgumentList]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call to make.

    `function` is looked up in the notebook's namespace and called with `arguments` by keyword.

    With `driver`, that function of the assignment's drivers.py is called instead: ``driver(student,
    **arguments)``, where ``student.<name>`` are the notebook's definitions. `after` names the cell
    in whose state to call (None: after all cells). `max_steps` ends a call that trains for much
    longer than asked. With `cell`, no function is called: that cell's source runs once more and the
    run reports the variables in `capture`. `turns` names a list argument whose items are what each
    backward pass is about, in turn ("" where all are about the same); without `trains` the call
    uses an optimizer for another end than to train. The sandbox makes nothing of these two. With
    `batches`, what models saw and what followed is recorded batch by batch, for each function of
    the student's that the driver calls.
    """

    id: str
    function: str
    arguments: dict[str, Argument]
    seed: int = 0
    driver: str | None = None
    after: str | None = None
    max_steps: int = 10_000
    cell: str | None = None
    capture: tuple[str, ...] = ()
    turns: str = ""
    trains: bool = True
    batches: bool = False


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code cell.

    `capture` lists the variables to report after it; `hold` keeps the state after it for calls.
    """

    id: str
    source: str
    capture: tuple[str, ...] = ()
    hold: bool = False


class ExecutionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="execute"):
    """Everything a child needs to run the cells.

    `files` go beside the notebook, by name; tensors of calls are made on `device`.

    `unforked`: no process is forked after the cells, neither for calls nor to hold a state. On a
    GPU it has to be so, for CUDA does not survive a fork.
    """

    cells: tuple[Cell, ...]
    seed: int
    limits: Limits
    files: dict[str, bytes] = {}
    drivers: str = ""
    threads: int = 1
    device: Device = Device.CPU
    unforked: bool = False


class CallBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="calls"):
    """Calls to make in the state after the cells.

    `alone`: each in a fresh fork. `given` is Python source whose definitions replace the student's
    of the same names (`given_names`) for this batch.
    """

    calls: tuple[Call, ...]
    alone: bool = False
    given: str = ""
    given_names: tuple[str, ...] = ()


class CellsEnded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="cells_ended"):
    """All cells have run, or ended in errors."""


class BatchEnded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="batch_ended"):
    """All calls of the batch are answered."""


class CellFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="cell"):
    """One cell's run."""

    cell: CellRun


class CallFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="call"):
    """One call's run."""

    run: Run


class Launch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="launch"):
    """Host to forkserver: start one submission with the two descriptors that come along."""

    limits: Limits


class ForkserverReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ready"):
    """Forkserver to host: warm.

    `layers` says for each layer "yes" or why not; `versions` of torch and Python.
    """

    pid: int
    layers: dict[str, str]
    versions: dict[str, str]


class LaunchEnded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ended"):
    """Forkserver to host: every process of the submission is gone.

    `sandboxed`: all layers were on before its code started.
    """

    ending: Ending
    sandboxed: bool


ToChild = Union[ExecutionRequest, CallBatch]
FromChild = Union[CellFrame, CellsEnded, CallFrame, BatchEnded]
FromForkserver = Union[ForkserverReady, LaunchEnded]

_ENCODER = msgspec.msgpack.Encoder()
TO_CHILD: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
FROM_CHILD: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
LAUNCH = msgspec.msgpack.Decoder(Launch)
FROM_FORKSERVER: msgspec.msgpack.Decoder[FromForkserver] = msgspec.msgpack.Decoder(FromForkserver)


def frame(message: msgspec.Struct) -> bytes:
    """Encode a message as one frame, header and all."""
    body = _ENCODER.encode(message)
    return FRAME_HEADER.pack(len(body)) + body
