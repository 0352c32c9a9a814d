"""Six local contracts: each looks at one thing that a training loop owes its optimizer, at the
student's own parameters.

They are independent: a loop that never clears and makes one step too few breaks two, and both are
named.
"""

from __future__ import annotations

from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.clearing import clearing
from autograder.judgement.contracts.counting import count
from autograder.judgement.contracts.gradient import gradient, increments
from autograder.judgement.contracts.moving import untouched, update
from autograder.judgement.contracts.using import optimizer
from autograder.judgement.findings.finding import Contract, Finding

CONTRACTS = (optimizer, clearing, gradient, untouched, update, count)


def kept(case: Case, broken: frozenset[Contract]) -> frozenset[Contract]:
    """Return contracts that were exercised and not broken; an untested one earns nothing.

    So a loop that does nothing earns nothing.
    """
    story = case.story
    passes, steps = bool(increments(story)), bool(story.given_steps)
    tested = {
        Contract.OPTIMIZER: steps,
        Contract.CLEARING: passes and len(story.steps) > 0,
        Contract.GRADIENT: passes and bool(case.gradients),
        Contract.UNTOUCHED: passes and steps,
        Contract.UPDATE: steps and bool(case.replayed),
        Contract.COUNT: bool(story.steps),
        Contract.RETURN: bool(story.steps),
    }
    return frozenset(contract for contract, done in tested.items() if done) - broken


def examine(case: Case) -> tuple[Finding, ...]:
    """All findings of all contracts, in the order of the contracts."""
    return tuple(finding for contract in CONTRACTS for finding in contract(case))
