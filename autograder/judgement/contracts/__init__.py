"""Six local contracts: each looks at one thing that a training loop owes its optimizer, at the student's own parameters.

They are independent: a loop that never clears and makes one step too few breaks two, and both are named.
"""

from __future__ import annotations

from autograder.judgement.contracts.case import Case
from autograder.judgement.contracts.clearing import clearing
from autograder.judgement.contracts.counting import count
from autograder.judgement.contracts.gradient import gradient
from autograder.judgement.contracts.moving import untouched, update
from autograder.judgement.contracts.using import optimizer
from autograder.judgement.finding import Finding

CONTRACTS = (optimizer, clearing, gradient, untouched, update, count)


def examine(case: Case) -> tuple[Finding, ...]:
    """All findings of all contracts, in the order of the contracts."""
    return tuple(finding for contract in CONTRACTS for finding in contract(case))
