"""Which runs are made again: the one policy, and its table of endings.

Here stands what happens at once. What an ending means for a grade, and whether the next grading
tries the submission again, stands in `autograder.judgement.grade` (ENDINGS, RULINGS).
"""

from __future__ import annotations

from collections.abc import Callable

from autograder.evidence.trace import Ended, Evidence

ATTEMPTS = 2
"""Runs of one submission before its ending counts, and workers of a cluster that may die of one."""

SPOILT: dict[Ended, str] = {
    Ended.FORKSERVER_DIED: "the process that starts submissions died",
    Ended.CORRUPT_FRAMES: "what came from the process can't be read",
    Ended.KILLED: "the machine may have been out of memory",
}
"""Endings that need not be the program's doing, and why: it is run once more."""

SPOILT_FOR_OURS = {**SPOILT, Ended.WALL_LIMIT: "a busy machine: known mistakes wait for nothing"}
"""The same for programs of our own: the reference's, the stub and known mistakes."""

BY_A_CALL = frozenset({Ended.CPU_LIMIT, Ended.EXITED, Ended.SIGNALLED, Ended.KILLED})
"""Endings that one call brings about, and the next need not suffer from: it is made in a fresh
process. All others end the whole submission.
"""


def run_again(
    run: Callable[[], Evidence], first: Evidence | None = None, *, ours: bool = False
) -> Evidence:
    """Return the evidence of `run`, made again as long as the machine may have spoilt it.

    `first` is evidence that is there already; `ours` says that the program is no student's.
    """
    spoilt, evidence = SPOILT_FOR_OURS if ours else SPOILT, first
    for _ in range(ATTEMPTS):
        if evidence is not None and evidence.ending.reason not in spoilt:
            break
        evidence = run()
    assert evidence is not None
    return evidence
