"""The short form of faults.py: kills at random moments lose nothing."""

import os

import pytest

from .faults import main


@pytest.mark.skipif(os.geteuid() != 0, reason="looks for processes of the submissions' users")
def test_kills_at_random_moments_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Grader, forkserver and submission killed: the same command then has every submission graded as in an undisturbed run, and nothing runs on."""
    assert main(kills=2, size=6) == 0, capsys.readouterr().out
