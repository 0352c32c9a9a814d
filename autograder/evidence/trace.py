"""Evidence: what a run left behind, as plain data with a safe codec.

Every type here is a frozen msgspec Struct. Decoding checks types, keys, lengths and array sizes and
never builds anything but these classes, so a frame or a stored file written by hostile code is
either one of them or a `ValidationError`. Arrays travel as raw bytes with a dtype from a short
list.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union

import msgspec

if TYPE_CHECKING:
    import numpy.typing as npt

DType = Literal[
    "bool",
    "int8",
    "uint8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
NdArray: TypeAlias = "npt.NDArray[Any]"

ITEM_BYTES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}
"""Size of one number of each `DType`. numpy, which knows them too, is imported where arrays are
looked at: not for grades that only have to be read.
"""


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="array"):
    """A tensor or ndarray by value, C order, little endian.

    `source` keeps what it was, e.g. "torch.bfloat16" (sent as float32).
    """

    dtype: DType
    shape: tuple[int, ...]
    data: bytes
    source: str = ""
    requires_grad: bool = False

    def __post_init__(self) -> None:
        if min(self.shape, default=0) < 0 or math.prod(self.shape) * ITEM_BYTES[self.dtype] != len(
            self.data
        ):
            message = (
                f"array of shape {self.shape} and dtype {self.dtype} can't have {len(self.data)}"
                " bytes"
            )
            raise ValueError(message)

    def numpy(self) -> NdArray:
        """The values, shape `self.shape`; read-only, without a copy."""
        import numpy as np  # see ITEM_BYTES

        return np.frombuffer(self.data, dtype=self.dtype).reshape(self.shape)


def array_of(values: npt.ArrayLike, *, source: str = "", requires_grad: bool = False) -> Array:
    """Pack anything numpy can hold (numbers, nested lists, ndarrays) as an `Array`.

    Raises:
        ValueError: for a dtype that may not travel, such as object.
    """
    import numpy as np  # see ITEM_BYTES

    values = np.asarray(values)
    # ascontiguousarray makes 0-d arrays 1-d
    contiguous = np.ascontiguousarray(values).reshape(values.shape)
    name = contiguous.dtype.name
    if name not in DType.__args__:  # type: ignore[attr-defined]
        message = f"arrays of dtype {name} can't travel"
        raise ValueError(message)
    return Array(name, contiguous.shape, contiguous.tobytes(), source, requires_grad)  # type: ignore[arg-type]


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="items"):
    """A list or tuple."""

    values: tuple[Value, ...]
    kind: Literal["list", "tuple"] = "list"


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="mapping"):
    """A dict with string keys; numbers as keys are written as text, "0.1"."""

    values: dict[str, Value]


class OptimizerValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="optimizer"):
    """A torch optimizer.

    It has its class, the settings of each parameter group, the values it holds, and for each
    parameter the name of the call's argument that is the very same tensor ("params", "params[0]"),
    or "" if none is.
    """

    name: str
    settings: tuple[dict[str, Setting], ...]
    parameters: tuple[Array, ...]
    same_as: tuple[str, ...]


class Opaque(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="opaque"):
    """Anything else: its type's name and a shortened repr, for messages only."""

    type_name: str
    text: str = ""


Setting = Union[None, bool, int, float, str, tuple[float, ...]]
Value = Union[None, bool, int, float, str, Array, Items, Mapping, OptimizerValue, Opaque]


class Trace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Record of one optimizer.

    Rows are recorded steps: n of them, `recorded` holds their 1-based numbers out of `steps`.

    `parameters[k]` has shape (n, *shape of parameter k), after the step; `gradients[k]` likewise,
    as the step saw them, NaN where there was none (`missing[k]` says for which rows: uint8, shape
    (n,)); `losses` float64, shape (n,), the value whose backward() came last before the step, NaN
    if none did. `fresh`: the optimizer had no state before its first step here, so that it
    remembered no earlier ones.
    """

    optimizer: str
    given: bool
    steps: int
    settings: tuple[dict[str, Setting], ...]
    same_as: tuple[str, ...]
    start: tuple[Array, ...]
    recorded: Array
    losses: Array
    parameters: tuple[Array, ...]
    gradients: tuple[Array, ...]
    missing: tuple[Array, ...]
    backwards: int = 0
    fresh: bool = True


class TensorSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf tensor that a full recording follows.

    It is a call's argument, a parameter of an optimizer, or a leaf that a backward pass reached.
    `name` is the argument's name ("params", "params[0]"), empty for tensors that the student's code
    made. `start` is its value when it was first seen, `end` when the call had ended, and `end_grad`
    its gradient then (None: none).
    """

    name: str
    start: Array
    end: Array
    end_grad: Array | None = None


class OptimizerSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An optimizer that a full recording follows.

    `owns` are indices into the recording's tensors; `settings` are those before its first event.
    """

    name: str
    given: bool
    owns: tuple[int, ...]
    settings: tuple[dict[str, Setting], ...] = ()


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor at one event.

    `value` when the event began; `grad_before` and `grad_after` its gradient around the event
    (None: there was none); `value_after` its value after the event where the event changed it, else
    None.
    """

    tensor: int
    value: Array
    grad_before: Array | None = None
    grad_after: Array | None = None
    value_after: Array | None = None


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backward pass, optimizer step or zero_grad, in order.

    `inside` is the index of the step event during which it happened (a closure's backward), else
    None; a step event stands where the step began. `optimizer` indexes the recording's optimizers
    (None for backward). `loss` is the value that backward started from, NaN if that is no single
    number. `leaves` are the tensors that the graph's leaves are (backward only). `settings` of the
    optimizer's groups when the step began (step only, None where they are as in the step before).
    `snapshots` hold every followed tensor that exists at that moment.
    """

    kind: Literal["backward", "step", "zero_grad"]
    snapshots: tuple[Snapshot, ...]
    optimizer: int | None = None
    loss: float = float("nan")
    leaves: tuple[int, ...] = ()
    settings: tuple[dict[str, Setting], ...] | None = None
    inside: int | None = None


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that happened to the parameters during one call.

    `dropped` events came after the limit and are not in it.
    """

    tensors: tuple[TensorSeen, ...]
    optimizers: tuple[OptimizerSeen, ...]
    events: tuple[Event, ...]
    dropped: int = 0


class Forward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pass of a batch through a model, as it began.

    `seen` is what the model was given, `random` the state of torch's default generator. `training`
    is the model's own flag, `dropping` how many of its dropout modules were switched on. With
    `graph`, autograd recorded it; then `parameters` holds all of the model's, flat, in its own
    order. `own`: it is the model that the driver passed in.
    """

    seen: Array
    training: bool
    dropping: int
    graph: bool
    own: bool = True
    random: bytes = b""
    parameters: Array | None = None


class BatchEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A forward pass, a backward pass or an optimizer's step, in order.

    It falls into the phase with that index. `loss` is the value that backward started from, `alive`
    how many losses' graphs existed at that moment, this one's included; `given`: the optimizer was
    passed in by the driver.
    """

    kind: Literal["forward", "backward", "step"]
    phase: int
    forward: Forward | None = None
    loss: float = float("nan")
    alive: int = 0
    given: bool = True


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call of a student's function by a driver.

    `drew`: the generator that was passed in has moved (None: none was). `left_gradients`:
    parameters whose .grad is another than before. `moved`: the parameters of the model that was
    passed in have changed.
    """

    function: str
    returned: Value = None
    drew: bool | None = None
    left_gradients: bool = False
    moved: bool = False


class BatchLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Record of a call, batch by batch.

    `shapes` are those of the model's parameters, in its own order. `dropped` events came after the
    limit and are not in it.
    """

    phases: tuple[Phase, ...]
    events: tuple[BatchEvent, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    dropped: int = 0


class RunStatus(StrEnum):
    """End of one cell or call."""

    FINISHED = "finished"
    RAISED = "raised"
    UNDEFINED = "undefined"
    """The function does not exist, or is no function."""
    TIMED_OUT = "timed_out"
    """CPU or wall limit of the call or the submission."""
    DIED = "died"
    """The process ended inside the run: os._exit, a signal, memory."""
    KILLED = "killed"
    """By SIGKILL, twice, and not by us: by the machine, for want of memory for instance, or by
    itself. Or the process that kept the state to call it in is gone.
    """
    NOT_RUN = "not_run"
    """The submission's process had ended before."""


class ErrorReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception as text.

    `line` is the 1-based line within the cell's source, `cell` the id of the cell, where they are
    known.
    """

    type: str
    message: str
    traceback: str = ""
    cell: str = ""
    line: int | None = None
    module: str = ""
    """For ImportError: the name of the missing module."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The result of one call or one cell.

    `arguments` are a call's tensors after it, by argument name; `variables` are a cell's names of
    interest after it. `given` names the definitions that were put in place of the student's.
    """

    id: str
    status: RunStatus
    returned: Value = None
    arguments: dict[str, Value] = {}
    variables: dict[str, Value] = {}
    traces: tuple[Trace, ...] = ()
    output: str = ""
    error: ErrorReport | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    given: tuple[str, ...] = ()
    alone: bool = False
    recording: Recording | None = None
    """Of calls that were made alone."""
    batches: BatchLog | None = None
    """Of calls that ask for it."""


class CellRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cell's run with its outputs as nbformat 4 JSON text (a list), and its execution count."""

    run: Run
    outputs: str = "[]"
    execution_count: int | None = None


class Ended(StrEnum):
    """Reason why the submission's process ended."""

    FINISHED = "finished"
    CPU_LIMIT = "cpu_limit"
    WALL_LIMIT = "wall_limit"
    MEMORY_LIMIT = "memory_limit"
    DISK_LIMIT = "disk_limit"
    EVIDENCE_LIMIT = "evidence_limit"
    EXITED = "exited"
    SIGNALLED = "signalled"
    KILLED = "killed"
    """By SIGKILL, and not by us: by the machine, for want of memory for instance, or by itself."""
    CORRUPT_FRAMES = "corrupt_frames"
    SANDBOX_FAILED = "sandbox_failed"
    FORKSERVER_DIED = "forkserver_died"
    NO_DEVICE = "no_device"
    """The GPU that the assignment asks for could not be used; no code of the submission's has run
    in that process.
    """


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End of the submission's process, measured by the trusted side."""

    reason: Ended
    detail: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_rss_bytes: int = 0
    left_behind: int = 0
    """Processes that were still there and had to be ended."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All runs of one submission.

    `environment` says what ran them: torch and python versions, device, isolation level, layers.
    """

    key: str
    cells: tuple[CellRun, ...]
    calls: tuple[Run, ...]
    ending: Ending
    environment: dict[str, str] = {}
    cells_key: str = ""
    """Hash of all that the cells' runs depend on.

    It and `asked` are the host's own, and empty where nobody asks for them again.
    """
    asked: dict[str, str] = {}
    """By id of each call that was asked for at first, hash of the call and the state in which it
    was to be made.
    """
    inputs: dict[str, str] = {}
    """What the runs depend on besides the submission's own cells and the calls, by name: a value or
    a hash.
    """


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Evidence)


def encode_evidence(evidence: Evidence) -> bytes:
    """Serialise for the store."""
    return _ENCODER.encode(evidence)


def decode_evidence(data: bytes) -> Evidence:
    """Inverse of `encode_evidence`.

    Raises:
        msgspec.DecodeError: (ValidationError is one) if `data` is anything else than what
            `encode_evidence` writes.
    """
    try:
        return _DECODER.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:  # msgspec lets these two through
        raise msgspec.DecodeError(str(error)) from error
