"""Labels for torch's profiler: there for whoever listens, not made for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch.autograd import profiler

from autograder.sandboxed.recording.markers import Marker, mark_for_listeners_only


@pytest.fixture(autouse=True)
def _marked(monkeypatch: pytest.MonkeyPatch) -> None:
    # put back after each test
    monkeypatch.setattr(profiler, "record_function", profiler.record_function)
    mark_for_listeners_only()


@contextmanager
def profiled() -> Iterator[set[str]]:
    """The names of what was profiled, once it is over."""
    names: set[str] = set()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as one:
        yield names
    names.update(event.key for event in one.key_averages())


def step() -> None:
    parameter = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    parameter.sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_a_profiler_sees_torchs_labels_and_the_students() -> None:
    """Those of steps and zero_grad, and one of a student's."""
    with profiled() as names:
        step()
        with profiler.record_function("my part"):
            pass
    assert {"Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad", "my part"} <= names


def test_nobody_listens() -> None:
    """No label is opened, where torch's own class opens one."""
    with Marker("unheard") as unheard:
        assert unheard.record is None
    with Marker.__base__("of torch") as opened:
        assert opened.record is not None


def test_a_decorated_function_is_labelled_once_there_is_a_listener() -> None:
    """Although there was none when it was decorated, nor at its first call, nor after it."""

    @profiler.record_function("decorated")
    def work() -> int:
        return 7

    assert work() == 7
    with profiled() as names:
        assert work() == 7
    assert "decorated" in names
    assert work() == 7


def test_a_profiler_that_starts_or_stops_inside_of_a_label() -> None:
    """Neither harms the label's end."""
    with profiler.record_function("before"), profiled() as names:
        step()
    assert "before" not in names
    assert "Optimizer.step#SGD.step" in names
    one = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    one.start()
    with profiler.record_function("inside"):
        one.stop()
    assert "Optimizer.step#SGD.step" not in {event.key for event in one.key_averages()}
