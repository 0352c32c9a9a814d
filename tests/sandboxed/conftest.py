"""The one recorder of this process: its hooks stay in torch for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.sandboxed.recording.recorder import Recorder

RECORDER = Recorder()
RECORDER.install()


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    """No step budget and no full recording outlives its test."""
    yield
    RECORDER.start(0)
