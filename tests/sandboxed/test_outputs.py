"""What a cell shows, in nbformat's form: what a student sees in Jupyter, under a limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.sandboxed.cells.outputs import LEFT_OUT, Outputs


def made(outputs: Outputs) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outputs.json())
    return found


def stream(text: str, name: str = "stdout") -> dict[str, str]:
    return {"output_type": "stream", "name": name, "text": text}


def test_text_of_one_stream_is_one_output() -> None:
    """Until another stream, or anything else, comes between."""
    outputs = Outputs(1000)
    for name, text in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        outputs.write(name, text)
    outputs.show("display_data", {"text/plain": "1"}, {})
    outputs.write("stdout", "e")
    assert [output.get("text") for output in made(outputs)] == ["ab", "c", "d", None, "e"]
    assert outputs.text == "abcde"


@pytest.mark.parametrize("following", ["text", "display", "error"])
def test_what_is_cleared_waits_for_the_next_output(following: str) -> None:
    """clear_output(wait=True), as progress displays use it: what was there stays until something
    takes its place, and no longer.
    """
    outputs = Outputs(1000)
    outputs.write("stdout", "epoch 1")
    outputs.clear(wait=True)
    assert made(outputs) == [stream("epoch 1")]
    if following == "text":
        outputs.write("stdout", "epoch 2")
    elif following == "display":
        outputs.display({"text/plain": "epoch 2"}, {}, None, update=False)
    else:
        outputs.fail("ValueError", "no", ["ValueError: no"])
    (left,) = made(outputs)
    assert (
        left["output_type"]
        == {"text": "stream", "display": "display_data", "error": "error"}[following]
    )
    outputs.write("stderr", "more")
    assert len(made(outputs)) == 2


def test_cleared_at_once() -> None:
    """Nothing is left, and an update of what was shown shows it anew."""
    outputs = Outputs(1000)
    outputs.display({"text/plain": "old"}, {}, "bar", update=False)
    outputs.write("stdout", "old")
    outputs.clear()
    assert made(outputs) == []
    outputs.display({"text/plain": "new"}, {}, "bar", update=True)
    assert [output["data"] for output in made(outputs)] == [{"text/plain": "new"}]


def test_an_update_changes_what_was_shown_under_its_id() -> None:
    """In its place, and nothing else; not in a later cell."""
    outputs = Outputs(1000)
    outputs.display({"text/plain": "0%"}, {}, "bar", update=False)
    outputs.display({"text/plain": "other"}, {}, "other", update=False)
    outputs.display({"text/plain": "100%"}, {}, "bar", update=True)
    assert [output["data"]["text/plain"] for output in made(outputs)] == ["100%", "other"]
    outputs.start()
    assert made(outputs) == []
    outputs.display({"text/plain": "again"}, {}, "bar", update=True)
    assert len(made(outputs)) == 1


def test_the_limit_is_the_submissions_and_said_once() -> None:
    """What a cell has used is not there for the next; a picture that does not fit leaves a word."""
    outputs = Outputs(10)
    outputs.write("stdout", "12345678")
    outputs.start()
    outputs.write("stdout", "abc")
    outputs.write("stdout", "def")
    assert made(outputs) == [stream(f"ab\n{LEFT_OUT}\n")]
    assert outputs.text == f"ab\n{LEFT_OUT}\n"
    outputs.limit(4)
    outputs.display({"image/png": b"12345"}, {}, None, update=False)
    outputs.display({"text/plain": "1234"}, {}, None, update=False)
    outputs.display({"text/plain": "5"}, {}, None, update=False)
    assert [output["data"] for output in made(outputs)[1:]] == [
        {"text/plain": LEFT_OUT},
        {"text/plain": "1234"},
        {"text/plain": LEFT_OUT},
    ]


def test_text_has_a_limit_of_its_own() -> None:
    """What a call may print into its run; outputs keep the whole."""
    outputs = Outputs(1000)
    outputs.start(text_limit=5)
    outputs.write("stdout", "1234")
    outputs.write("stdout", "5678")
    outputs.write("stdout", "9")
    assert outputs.text == "12345"
    assert made(outputs) == [stream("123456789")]
