"""What can be said about failed checks without the reference program: all contracts but the one on
gradients, judged on the student's own recording.

A finding here is one that grading makes too; grading may have more of them, since it can ask the
reference for its gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autograder.course.judging import find_run
from autograder.course.plan import plan_probes
from autograder.diagnosis.probing import REPLAY, find_suspects
from autograder.judgement.consequences import diagnose
from autograder.judgement.findings.finding import Contract
from autograder.judgement.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.course.judging import Judge
    from autograder.diagnosis.probing import Suspect
    from autograder.evidence.trace import Evidence, Run
    from autograder.execution.runner import Runner
    from autograder.judgement.findings.finding import Finding
    from autograder.judgement.grade import CheckResult

NEED_GRADIENTS = frozenset({"minibatches"})
"""Findings of other contracts that gradients could refute."""


def own_findings(
    files: AssignmentFiles,
    judge: Judge,
    results: Sequence[CheckResult],
    evidence: Evidence,
    runner: Runner,
    blind: Mapping[str, tuple[Contract, ...]],
) -> tuple[CheckResult, ...]:
    """`results` with findings about the failed ones.

    `blind`: contracts that say nothing of a check's call, by its id.
    """
    suspects = {suspect.spec.id: suspect for suspect in find_suspects(judge, results, evidence)}
    runs = _replays(files, list(suspects.values()), runner)
    return tuple(
        (
            msgspec.structs.replace(
                result,
                findings=_findings(judge, suspects[result.id], runs, blind.get(result.id, ())),
            )
            if result.id in suspects
            else result
        )
        for result in results
    )


def _findings(
    judge: Judge, suspect: Suspect, runs: Mapping[str, Run], blind: Sequence[Contract]
) -> tuple[Finding, ...]:
    model = find_run(judge.reference, suspect.spec)
    assert model is not None
    found = diagnose(suspect.case(Observation(model), runs))
    return tuple(
        one
        for one in found
        if one.contract is not Contract.GRADIENT
        and one.contract not in blind
        and one.code not in NEED_GRADIENTS
    )


def _replays(files: AssignmentFiles, suspects: Sequence[Suspect], runner: Runner) -> dict[str, Run]:
    """Where real optimizers move the parameters from where the students' steps began: runs of torch
    alone, by call id.
    """
    calls = [
        msgspec.structs.replace(call, function="")
        for suspect in suspects
        if (call := suspect.replay()) is not None
    ]
    if not calls:
        return {}
    plan = plan_probes(files, (), calls, REPLAY)
    return {run.id: run for run in runner.run(plan.key, plan.request, plan.calls).calls}
