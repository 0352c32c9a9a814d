"""The codec of evidence."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

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
    OptimizerValue,
    Run,
    RunStatus,
    array_of,
    decode_evidence,
    encode_evidence,
)

DTYPES = st.sampled_from(
    ["bool", "int8", "uint8", "int64", "float16", "float32", "float64", "complex64"]
)
ARRAYS = DTYPES.flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0, max_side=3))
).map(array_of)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS
    | ARRAYS
    | st.builds(Opaque, st.text(max_size=5))
    | st.just(OptimizerValue("SGD", ({"lr": 0.1, "betas": (0.9, 0.99)},), (), ())),
    lambda inner: (
        st.builds(Items, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Mapping, st.dictionaries(st.text(max_size=3), inner, max_size=3))
    ),
    max_leaves=8,
)


def evidence_of(value):
    run = Run(
        "a",
        RunStatus.FINISHED,
        returned=value,
        error=ErrorReport("E", "m", line=3),
        arguments={"x": value},
    )
    return Evidence(
        "key", (CellRun(run),), (run,), Ending(Ended.FINISHED, cpu_s=0.5), {"torch": "2"}
    )


@given(VALUES)
def test_evidence_survives_the_codec(value):
    """Decoding gives back what was encoded, arrays of all dtypes and shapes included."""
    evidence = evidence_of(value)
    assert decode_evidence(encode_evidence(evidence)) == evidence


def test_nan_survives_the_codec():
    """Sometimes NaN is the right answer."""
    decoded = decode_evidence(encode_evidence(evidence_of(array_of([np.nan, np.inf]))))
    np.testing.assert_array_equal(decoded.calls[0].returned.numpy(), [np.nan, np.inf])


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else_happens(data):
    """Anything that is no evidence raises DecodeError."""
    with pytest.raises(msgspec.DecodeError):
        decode_evidence(data)


@given(st.data())
def test_damaged_evidence_is_refused_or_still_evidence(data):
    """A flipped byte never yields another type, an oversized array or a crash."""
    raw = bytearray(encode_evidence(evidence_of(array_of([1.0, 2.0]))))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_evidence(bytes(raw))
    except msgspec.DecodeError:
        return
    assert isinstance(decoded, Evidence)


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [("float32", (2,), 4), ("float32", (2**40,), 8), ("float32", (-2, -1), 8), ("object", (1,), 8)],
)
def test_arrays_whose_size_or_dtype_lies_are_refused(dtype, shape, size):
    """A shape that does not fit the bytes, a negative one, a dtype that can run code."""
    frame = {"type": "array", "dtype": dtype, "shape": shape, "data": bytes(size)}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(frame, Array)


@pytest.mark.parametrize(
    "content",
    [b"\x82\xa4type\xa5items\xa6values\x91" * 100_000 + b"\xc0", b"\xa4\xff\xff\xff\xff"],
    ids=["nested too deeply", "no UTF-8"],
)
def test_what_no_decoder_can_read_is_refused_like_anything_else(content):
    """A stored file that a hostile program has written counts as none, and stops no grading."""
    data = encode_evidence(evidence_of("MARK"))
    assert data.count(b"\xa4MARK") > 1
    with pytest.raises(msgspec.DecodeError):
        decode_evidence(data.replace(b"\xa4MARK", content))


def test_unknown_keys_are_refused():
    """Strict on both sides of the boundary."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "a", "status": "finished", "extra": 1}, Run)


def test_objects_can_not_travel():
    """array_of refuses what would need a pickle."""
    with pytest.raises(ValueError, match="can't travel"):
        array_of([object()])
