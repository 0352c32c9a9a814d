"""An assignment made ready: its checks collected, its reference run, its released notebook
rendered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from autograder.course.draws import check_fixed_cells
from autograder.course.graded_tests import graded_tests
from autograder.course.hardware import refuse_batches
from autograder.course.judging import describe_error, find_run, make_judge
from autograder.course.keys import digest, meaning, run_inputs
from autograder.course.plan import plan_execution
from autograder.course.replaying import Replayer
from autograder.errors import AssignmentError
from autograder.evidence.trace import Ended
from autograder.judgement.grade import Outcome
from autograder.judgement.observation import Observation
from autograder.notebooks.cells import grade_id_of, role_of
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.source import Mode, render_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import CheckSpec, Docket
    from autograder.course.judging import Judge
    from autograder.evidence.store import Store
    from autograder.evidence.trace import Evidence
    from autograder.execution.executor import Executor

GIVEN_CELLS = "cells that students are given"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What grading needs of an assignment.

    `owners` names the last visible check cell of each function.
    """

    files: AssignmentFiles
    judge: Judge
    release: NotebookNode
    owners: Mapping[str, str]
    reference_cells: tuple[tuple[str, str], ...]
    """Id and source of the reference's cells that define things: not those that train for a @cell
    check.
    """
    inputs: Mapping[str, str] = field(default_factory=dict)
    """What every submission's runs depend on besides its own cells and the calls, by name; empty
    where runs are not stored.
    """

    @property
    def tests(self) -> Mapping[str, str]:
        """The test cells that give points by their own run, by id, with their hidden tests."""
        return self.judge.tests


def prepare(
    files: AssignmentFiles, docket: Docket, store: Store, executor: Executor | None
) -> Prepared:
    """Run the reference unless its evidence is stored, and render the release from it.

    `executor` None: nothing may run.

    Raises:
        AssignmentError: if the points do not add up, a check's cell or function is unknown, or the
            reference ends in an error.
    """
    _check_specs(files, docket.specs)
    refuse_batches(files, docket.specs)
    cells = reference_cells(files, docket.specs)
    reference = _evidence_of(cells, files, docket.specs, store, executor)
    release, owners = render_release(files, docket.specs, reference)
    trains = {spec.cell.id for spec in docket.specs if spec.cell}
    defining = tuple((name, source) for name, source in cells if name not in trains)
    models = {
        spec.run_id: run
        for spec in docket.specs
        if spec.call is not None and (run := find_run(reference, spec)) is not None
    }
    replayer = Replayer(files, defining, models, store, executor)
    judge = make_judge(
        docket, files.assignment, reference, replayer, graded_tests(cells, docket.specs)
    )
    return Prepared(
        files,
        judge,
        release,
        owners,
        defining,
        run_inputs(files) | {GIVEN_CELLS: _given_cells(release, owners, judge.tests)},
    )


def _given_cells(release: NotebookNode, owners: Mapping[str, str], tests: Mapping[str, str]) -> str:
    """Hash of the code that each submission runs as released, whatever the student made of it, and
    of the cells after which functions are called.
    """
    locked = [
        (grade_id_of(cell), meaning(cell.source))
        for cell in release.cells
        if cell.cell_type == "code" and role_of(cell).locked
    ]
    return digest(msgspec.json.encode([locked, owners, tests]))


def prepare_for(
    prepared: Prepared, files: AssignmentFiles, store: Store, executor: Executor | None
) -> Prepared:
    """What grading needs of the assignment as one student has it, `files`; `prepared` is that of
    all.

    Raises:
        AssignmentError: as `prepare`, or if a cell differs from one student to another that may
            not.
    """
    assert files.draw is not None
    own = prepare(files, prepared.judge.docket.of(files.draw.values), store, executor)
    check_fixed_cells(files, prepared.release, own.release)
    return own


def render_release(
    files: AssignmentFiles, specs: Sequence[CheckSpec], reference: Evidence
) -> tuple[NotebookNode, dict[str, str]]:
    """The student notebook with the reference's numbers, and for each function the id of its last
    visible check cell.
    """
    by_id = {spec.id: spec for spec in specs}

    def quote(check: str) -> Observation:
        run = find_run(reference, by_id[check]) if check in by_id else None
        if run is None:
            message = (
                f"{files.template}: reference({check!r}): no check has that name; there are:"
                f" {', '.join(by_id)}"
            )
            raise AssignmentError(message)
        return Observation(run)

    release = render_notebook(files, Mode.RELEASE, Facts(point_table(files, specs), quote))
    visible = {grade_id_of(cell) for cell in release.cells}
    # of others nobody needs the state there
    called = {spec.function for spec in specs if spec.call is not None}
    # of a function's checks the last one wins
    return release, {
        spec.function: spec.id for spec in specs if spec.id in visible and spec.function in called
    }


def point_table(files: AssignmentFiles, specs: Sequence[CheckSpec]) -> dict[str, float]:
    """Points of all checks and questions, by id."""
    return {spec.id: spec.worth.counted for spec in specs} | {
        question.id: question.points for question in files.assignment.questions
    }


def _check_specs(files: AssignmentFiles, specs: Sequence[CheckSpec]) -> None:
    total, questions = (
        sum(spec.worth.counted for spec in specs),
        files.assignment.points - files.assignment.automatic_points,
    )
    if round(
        total - files.assignment.automatic_points, 6
    ):  # sums of 0.1 and 0.2 differ in their last digit
        asked = f", with {questions:g} for questions {total + questions:g}" if questions else ""
        message = (
            f"{files.checks}: the checks' points (bonus aside) add up to {total:g}{asked}, but"
            f" assignment.toml says {files.assignment.points:g}"
        )
        raise AssignmentError(message)
    for spec in specs:
        if files.assignment.part_of(spec.function) is None:
            message = (
                f"{files.checks}: {spec.id} is about {spec.function!r}, which no part in"
                " assignment.toml lists among its functions"
            )
            raise AssignmentError(message)


def reference_evidence(
    files: AssignmentFiles, specs: Sequence[CheckSpec], store: Store, executor: Executor | None
) -> Evidence:
    """Evidence of the reference, run unless it is stored.

    Raises:
        AssignmentError: if it does not run to its end without an error, or a check names a cell
            that does not exist.
    """
    return _evidence_of(reference_cells(files, specs), files, specs, store, executor)


def _evidence_of(
    cells: Sequence[tuple[str, str]],
    files: AssignmentFiles,
    specs: Sequence[CheckSpec],
    store: Store,
    executor: Executor | None,
) -> Evidence:
    unknown = {spec.cell.id for spec in specs if spec.cell} - {name for name, _ in cells}
    if unknown:
        message = (
            f"{files.checks}: @cell names {sorted(unknown)}, but {files.template} has no such code"
            " cell"
        )
        raise AssignmentError(message)
    plan = plan_execution(files, specs, cells, {})
    evidence = store.get(plan.key)
    if evidence is None:
        if executor is None:
            message = (
                "the reference has changed, or its evidence is gone, and it has to be run: use"
                " `autograder grade`, which runs only what changed"
            )
            raise AssignmentError(message)
        evidence = executor.run(plan.key, plan.request, plan.calls)
        _check_reference(files, evidence)
        store.put(evidence)
    return evidence


def stored_reference(
    files: AssignmentFiles, specs: Sequence[CheckSpec], store: Store
) -> Evidence | None:
    """Evidence of the reference if it is stored."""
    return store.get(plan_execution(files, specs, reference_cells(files, specs), {}).key)


def reference_cells(files: AssignmentFiles, specs: Sequence[CheckSpec]) -> list[tuple[str, str]]:
    """Id and source of each code cell of the reference notebook."""
    notebook = render_notebook(files, Mode.REFERENCE, Facts(point_table(files, specs), None))
    return [
        (grade_id_of(cell) or f"cell-{number}", cell.source)
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "code"
    ]


def _check_reference(files: AssignmentFiles, evidence: Evidence) -> None:
    if evidence.ending.reason is not Ended.FINISHED:
        message = (
            f"the reference of {files.slug} did not run to its end: {evidence.ending.reason}"
            f" {evidence.ending.detail}"
        )
        raise AssignmentError(message)
    for run in (*(cell.run for cell in evidence.cells), *evidence.calls):
        if run.error is not None:
            message = (
                f"the reference of {files.slug} raises in {run.id}: {describe_error(run.error)}"
            )
            raise AssignmentError(message)


def require_sound(prepared: Prepared) -> None:
    """That the reference passes its own checks.

    Raises:
        AssignmentError: naming those that it fails.
    """
    if broken := broken_checks(prepared):
        message = "the reference does not pass its own checks:\n" + "\n".join(broken)
        raise AssignmentError(message)


def broken_checks(prepared: Prepared) -> tuple[str, ...]:
    """One line for each check that the reference itself does not pass."""
    return tuple(f"{check}: {message}" for check, message in prepared.judge.broken.items())


def reference_points(prepared: Prepared) -> float:
    """Points of the reference under its own checks; answers, which a person marks, are no part of
    it.
    """
    return sum(
        result.points
        for result in prepared.judge.results(prepared.judge.reference)
        if result.outcome is Outcome.PASSED
    )
