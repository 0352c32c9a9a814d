"""Students' values as plain data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.evidence.protocol import ArgumentList, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, Items, Mapping, Opaque, OptimizerValue, Value, array_of
from autograder.sandboxed.calls.arguments import build_arguments, tensor_of
from autograder.sandboxed.recording.values import ValueReader, array_of_tensor, settings_of
from autograder.sandboxed.text import clean, message_of

MB = 1 << 20
DTYPES = st.sampled_from(
    [
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
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def back(value: Value) -> object:
    """A value as the Python object that it came from."""
    if isinstance(value, Items):
        return [back(item) for item in value.values]
    if isinstance(value, Mapping):
        return {key: back(item) for key, item in value.values.items()}
    return value


def read(value: object) -> Value:
    """`value` under a roomy cap."""
    return ValueReader(MB).read(value)


@given(PLAIN)
@settings(max_examples=100)
def test_plain_values_come_back(value: object) -> None:
    """Numbers, text, lists and dicts are read as they are."""
    assert back(read(value)) == value


@given(
    DTYPES.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_dims=3))
    )
)
@settings(max_examples=100)
def test_tensors_come_back(values: np.ndarray) -> None:
    """A tensor of any dtype and shape, read and built again, has the same bytes."""
    tensor = torch.from_numpy(values.copy())
    again = tensor_of(array_of_tensor(tensor, MB))
    assert again.dtype == tensor.dtype
    assert again.shape == tensor.shape
    assert again.numpy().tobytes() == tensor.numpy().tobytes()


def test_other_tensors() -> None:
    """bfloat16 travels as float32 and says so; strided views, sparse and conjugated tensors by
    their values; parameters keep requires_grad.
    """
    half = read(torch.tensor([1.5], dtype=torch.bfloat16))
    assert isinstance(half, Array)
    assert (half.dtype, half.source) == ("float32", "torch.bfloat16")
    assert read(torch.arange(6).reshape(2, 3).T).numpy().tolist() == [[0, 3], [1, 4], [2, 5]]  # type: ignore[union-attr]
    assert read(torch.eye(2).to_sparse()).numpy().tolist() == [[1, 0], [0, 1]]  # type: ignore[union-attr]
    assert read(torch.tensor([1 + 2j]).conj()).numpy().tolist() == [1 - 2j]  # type: ignore[union-attr]
    assert read(torch.nn.Parameter(torch.ones(1))).requires_grad  # type: ignore[union-attr]


def test_numpy_in_any_byte_order() -> None:
    """Big-endian arrays are sent little-endian."""
    assert read(np.array([1.5, 2], dtype=">f8")).numpy().tolist() == [1.5, 2]  # type: ignore[union-attr]


def test_what_has_no_plain_form() -> None:
    """Large integers, text that is no text, huge or valueless tensors, deep nesting and objects
    become opaque.
    """
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    for value in (
        1 << 70,
        "\ud800",
        torch.zeros(1).expand(10**9),
        torch.zeros(2, device="meta"),
        object(),
        {(1,): 2},
        {1: 2, "1": 3},
        {True: 1},
        {"a": 1, (1,): 2},
        len,
    ):
        assert isinstance(read(value), Opaque)
    assert "Opaque" in repr(read(deep))
    assert isinstance(read([0] * 100_000), Items)


def test_numbers_as_keys_travel_as_text() -> None:
    """A dict by learning rate: equal numbers read the same, whatever their type."""
    assert back(read({0.1: 1.0, 1e-4: 2.0, "best": 3.0})) == {
        "0.1": 1.0,
        "0.0001": 2.0,
        "best": 3.0,
    }
    assert back(read({np.float64(0.1): 1.0, 2: 2.0})) == back(read({0.1: 1.0, 2.0: 2.0}))
    assert back(read({0.1: 1.0})) != back(read({np.float32(0.1): 1.0}))


def test_optimizers() -> None:
    """An optimizer gives its settings, its parameters and which argument each is."""
    p = torch.ones(1, requires_grad=True)
    value = ValueReader(MB, {id(p): "params"}).read(torch.optim.SGD([p, torch.ones(2)], lr=0.5))
    assert isinstance(value, OptimizerValue)
    assert (value.name, value.settings[0]["lr"], value.same_as) == ("SGD", 0.5, ("params", ""))
    assert [array.numpy().tolist() for array in value.parameters] == [[1], [1, 1]]


def test_settings() -> None:
    """Numbers, text and tuples of numbers; a tensor of one as a number, and nothing that has no
    plain form or does not fit into a frame.
    """
    group = {
        "params": [],
        "lr": torch.tensor(0.5),
        "betas": [0.8, torch.tensor(0.5)],
        "foreach": None,
        "nesterov": True,
        "mode": "min",
        "steps": 3,
    }
    odd = {
        "big": 1 << 63,
        "small": -(1 << 63),
        "grid": torch.ones(2),
        "hook": len,
        "many": [0.0] * 17,
        "mixed": [1, "a"],
        5: 1,
    }
    settings = {
        "lr": 0.5,
        "betas": (0.8, 0.5),
        "foreach": None,
        "nesterov": True,
        "mode": "min",
        "steps": 3,
        "small": -(1 << 63),
    }
    assert settings_of(group | odd) == settings


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"opt": OptimizerSpec("SGD", {"lr": 0.1}, over="params")},
            "no tensor or list of tensors 'params'",
        ),
        (
            {"opt": OptimizerSpec("SGD", {"lr": 0.1}, over="n"), "n": 3},
            "no tensor or list of tensors 'n'",
        ),
        (
            {
                "opt": OptimizerSpec("Sgd", {"lr": 0.1}, over="p"),
                "p": Leaf(array_of(np.float32([1]))),
            },
            "no optimizer 'Sgd'",
        ),
        (
            {
                "opt": OptimizerSpec("lr_scheduler", {}, over="p"),
                "p": Leaf(array_of(np.float32([1]))),
            },
            "no optimizer 'lr_scheduler'",
        ),
    ],
)
def test_arguments_that_can_not_be_made_are_said(arguments: dict[str, object], said: str) -> None:
    """The assignment's own fault, and told as such."""
    with pytest.raises(ValueError, match=said):
        build_arguments(arguments)  # type: ignore[arg-type]


def test_texts_of_students_can_be_sent() -> None:
    """Half characters, which no encoding has, and texts without end."""
    assert message_of(ValueError("half \ud800")).encode() == b"half ?"
    assert message_of(ValueError("x" * 20), limit=10) == "x" * 10 + " [...]"
    assert clean("x" * 10, 10) == "x" * 10


def test_arguments() -> None:
    """Leaves require gradients and hold the one they were given; an optimizer is over the very
    tensors.
    """
    leaf = Leaf(array_of(np.float32([1, 2])), array_of(np.float32([3, 4])))
    built = build_arguments(
        {
            "opt": OptimizerSpec("Adam", {"lr": 0.1, "betas": (0.8, 0.9)}, over="ps"),
            "ps": ArgumentList((leaf, leaf)),
            "n": 3,
        }
    )
    first, second = built.values["ps"]
    assert first.is_leaf
    assert first.requires_grad
    assert first.grad.tolist() == [3, 4]
    assert built.optimizers[0].param_groups[0]["params"][1] is second
    assert built.names == {id(first): "ps[0]", id(second): "ps[1]"}
    assert list(built.values) == ["opt", "ps", "n"]


def test_the_limit_counts_bytes_and_not_numbers():
    """A hundred numbers of four bytes each."""
    numbers = torch.zeros(100)
    assert isinstance(ValueReader(400).read(numbers), Array)
    assert isinstance(ValueReader(399).read(numbers), Opaque)
