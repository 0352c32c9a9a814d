"""From the contracts' findings to what is said: what follows from something else is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.judgement.contracts import examine

if TYPE_CHECKING:
    from autograder.judgement.contracts.case import Case
    from autograder.judgement.findings.finding import Finding

FOLLOWS: dict[str, frozenset[str]] = {
    "step-before-backward": frozenset(
        {"other-objective", "clears-between-backward-and-step", "extra-step", "starts-dirty"}
    ),
    "step-twice": frozenset({"too-many-steps"}),
    "no-backward": frozenset({"extra-step"}),
    "rebinds-params": frozenset(
        {
            "moves-parameters",
            "returns-other",
            "never-clears",
            "clears-sometimes",
            "detached-parameter",
            "other-objective",
        }
    ),
    "optimizer-holds-other-tensor": frozenset(
        {"moves-parameters", "returns-other", "never-clears", "clears-sometimes"}
    ),
    "manual-update": frozenset(
        {"moves-parameters", "changes-update", "resets-parameters", "no-backward"}
    ),
    "own-optimizer": frozenset({"moves-parameters", "changes-update"}),
    "rebuilt-optimizer": frozenset({"moves-parameters", "changes-update"}),
    "hard-coded": frozenset({"returns-other", "moves-parameters", "no-backward"}),
    "resets-parameters": frozenset({"moves-parameters"}),
    "minibatches": frozenset({"other-objective", "too-many-steps"}),
    "changes-settings": frozenset({"changes-update"}),
    "clears-between-backward-and-step": frozenset({"changes-update"}),
    "uses-globals": frozenset({"other-objective"}),
    "bias-missing": frozenset({"detached-parameter", "other-objective"}),
    "starts-dirty": frozenset({"backward-twice"}),
}
"""What need not be said because it follows: by the code that explains it."""


def diagnose(case: Case) -> tuple[Finding, ...]:
    """What a student should be told about a failed run; empty where nothing certain can be said.

    Each mistake is named once.
    """
    found: dict[str, Finding] = {}
    for finding in examine(case):
        found.setdefault(finding.code, finding)
    explained = frozenset(code for one in found for code in FOLLOWS.get(one, frozenset()))
    return tuple(finding for code, finding in found.items() if code not in explained)
