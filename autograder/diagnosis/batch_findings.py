"""What is said about failed checks of training by minibatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autograder.checks.stochastic import findings_of
from autograder.course.judging import find_run
from autograder.errors import AssignmentError
from autograder.judgement.findings.finding import Contract
from autograder.judgement.grade import Cause, CheckResult, Outcome
from autograder.judgement.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.checks.docket import CheckSpec
    from autograder.course.judging import Judge
    from autograder.evidence.trace import Evidence, Run
    from autograder.judgement.findings.finding import Finding
    from autograder.judgement.observation import Replayed

LOOKED_UP = 2
"""How many failed checks of one submission are compared with all known wrong objectives."""


GENERAL = "wrong-loss"


def with_batch_findings(
    judge: Judge, results: Sequence[CheckResult], evidence: Evidence
) -> tuple[CheckResult, ...]:
    """`results` with findings about those failed checks whose call recorded batches."""
    told: list[CheckResult] = []
    replays = judge.replays(evidence)
    looked_up = 0
    for spec, result in zip(judge.specs, results, strict=True):
        run, model = find_run(evidence, spec), find_run(judge.reference, spec)
        if (
            run is None
            or run.batches is None
            or model is None
            or result.outcome is not Outcome.FAILED
            or result.cause is not Cause.DISAGREES
        ):
            told.append(result)
            continue
        replayed = replays.get(run.id)
        found = _findings(judge, spec, run, model, replayed)
        if (
            replayed is not None
            and any(finding.code == GENERAL for finding in found)
            and looked_up < LOOKED_UP
        ):
            looked_up += 1
            found = _findings(judge, spec, run, model, _explained(judge, spec, run, replayed))
        told.append(msgspec.structs.replace(result, findings=found))
    named = {
        finding.code
        for result in told
        for finding in result.findings
        if finding.contract is Contract.GRADIENT
    } - {GENERAL}
    if not named:
        return tuple(told)
    # what one check could name need not be called unknown by the next, which was not compared with
    # everything known
    return tuple(
        msgspec.structs.replace(
            result,
            findings=tuple(finding for finding in result.findings if finding.code != GENERAL),
        )
        for result in told
    )


def _findings(
    judge: Judge, spec: CheckSpec, run: Run, model: Run, replayed: Replayed | None
) -> tuple[Finding, ...]:
    return findings_of(
        Observation(run, replayed=replayed), Observation(model), judge.docket.bar(spec)
    )


def _explained(judge: Judge, spec: CheckSpec, run: Run, replayed: Replayed) -> Replayed:
    assert judge.replayer is not None
    assert spec.call is not None
    try:
        return judge.replayer.explained(spec.call, run, replayed)
    except AssignmentError:  # not stored, and nothing may run: what is known already has to do
        return replayed
