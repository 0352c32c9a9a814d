"""Names that a cell binds, and functions that are bound again below their check."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.notebooks.names import bound_names, meant_names, rebound


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(a, b=1):\n    inside = 2", "f"),
        ("async def f(): ...", "f"),
        ("class C:\n    attribute = 1", "C"),
        ("import a.b, c as d\nfrom e import f as g, h", "a d g h"),
        ("x = y = 1\n(a, [b, *c]) = z", "x y a b c"),
        ("x += 1\ny: int = 2", "x y"),
        ("for i, j in pairs:\n    k = i", "i j k"),
        ("with open(p) as handle, q as (r, s): pass", "handle r s"),
        ("if (n := 10) > 5: pass", "n"),
        ("[last := item for item in items]", "last"),
        ("try:\n    import torch\nexcept ImportError as e:\n    torch = None", "torch e"),
        (
            (
                "match v:\n    case [a, *rest]: pass\n    case {'k': b, **more}: pass\n    case C()"
                " as whole: pass"
            ),
            "a rest b more whole",
        ),
        ("del f", "f"),
        ("if True:\n    while x:\n        def f(): pass", "f"),
        ("await client.start()\nx = await f()", "x"),
        # what binds nothing at top level
        ("f(x)\nstudent.model = g\nd['f'] = 1\nx[0] += 1", ""),
        ("[i for i in range(3)]\n{k: v for k, v in d}\nlambda q: q", ""),
        ("def f(:\n", ""),
        ("", ""),
        # IPython
        ("%matplotlib inline\n!pip install x\nx = 1\nmodel?", "x"),
        ("files = !ls\nout = %sql select\nif files:\n    %time\n    y = 2", "files out y"),
        ("%time p = training_loop(1)", "p"),
        ("%%time\nx = 1", "x"),
        ("%%bash\nx=1", ""),
        ("%%writefile a.py\ndef model(): pass", ""),
        ("total = (10\n% 3)", "total"),
        ("%%", ""),
    ],
)
def test_bound_names(source: str, names: str) -> None:
    """Every kind of statement that binds does, and nothing else."""
    assert bound_names(source) == set(names.split())


def test_meant_names_of_broken_code() -> None:
    """A cell with a syntax error still shows which function it is about."""
    assert meant_names("def model(t_u, w, b)\n    return w * t_u + b\n    def inner(): pass") == {
        "model"
    }
    assert meant_names("x = 1") == {"x"}


def cells(*sources: tuple[str, str]) -> list[SimpleNamespace]:
    return [SimpleNamespace(id=name, source=source) for name, source in sources]


OWNERS = {"model": "test_model", "loss_fn": "test_loss_fn"}
START = (
    ("model", "def model(): ..."),
    ("test_model", "assert model"),
    ("loss_fn", "def loss_fn(): ..."),
    ("test_loss_fn", "1"),
)


@pytest.mark.parametrize(
    "later",
    [
        "model = nn.Linear(1, 1)",
        "def model(x): ...",
        "for model in models: pass",
        "%time model = 1",
        "from m import model",
        "del model",
    ],
)
def test_a_function_bound_again_is_called_after_its_check(later: str) -> None:
    """A later cell that takes the name for something else sends calls back to the check cell."""
    assert rebound(cells(*START, ("cell-5", later)), OWNERS) == {"model": "test_model"}


@pytest.mark.parametrize(
    "later",
    [
        "model(1)",
        "model.x = 1",
        "def f():\n    model = 1",
        "def model(:",
        "my_model = 1",
        "[model for model in x]",
    ],
)
def test_a_function_only_used_is_not_rebound(later: str) -> None:
    """Using it, or the same name in another scope, or in code that can't run, is not binding it
    again.
    """
    assert rebound(cells(*START, ("cell-5", later)), OWNERS) == {}


def test_a_function_defined_below_its_check_only() -> None:
    """Whoever moved the definition below the check bound it once; so did a missing check cell's
    function.
    """
    assert rebound(cells(("test_model", "1"), ("model", "def model(): ...")), OWNERS) == {}
    assert rebound(cells(("model", "def model(): ..."), ("cell-2", "model = 1")), OWNERS) == {}


def test_what_the_check_cell_binds_is_not_below_it() -> None:
    """The state after it is that in which the function is called anyway; and a function that it
    defines itself may be bound again.
    """
    assert (
        rebound(
            cells(
                ("model", "def model(): ..."), ("test_model", "model = model"), ("cell-3", "x = 1")
            ),
            OWNERS,
        )
        == {}
    )
    assert rebound(cells(("test_model", "def model(): ..."), ("cell-2", "model = 1")), OWNERS) == {
        "model": "test_model"
    }


@given(st.text())
def test_any_text_has_names(source: str) -> None:
    """No source raises."""
    assert bound_names(source) <= meant_names(source)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "-" * 100_000 + "1",
        "\0",
        " " * 200_000 + "?",
        "a" * 200_000 + "!",
        "x=" * 50_000 + "1",
        "f(" * 5000 + ")" * 5000,
    ],
)
def test_hostile_sources_end_soon(source: str) -> None:
    """Deep nesting, NUL and long lines neither crash nor hang the reader."""
    begin = time.process_time()
    bound_names(source)
    assert time.process_time() - begin < 5
