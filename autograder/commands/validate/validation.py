"""Testing the checks: the reference passes them all, the blank stub none, and every known mistake
loses points.

Reference, stub and mistakes are programs that the same executor runs on the same calls. A mistake
is tried on the checks' calls first, without the cells that train for long; only one that survives
those is run in full.
"""

from __future__ import annotations

import ast
import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.commands.validate.record import (
    Validated,
    equivalents_path,
    mistakes_path,
    record_path,
)
from autograder.course.graded_tests import with_tests
from autograder.course.judging import find_run, repeats
from autograder.course.keys import validation_key
from autograder.course.plan import plan_execution
from autograder.course.prepare import (
    broken_checks,
    point_table,
    prepare,
    prepare_for,
    reference_points,
)
from autograder.diagnosis.gallery import write_gallery
from autograder.execution.retry import run_again
from autograder.judgement.comparing.likeness import Exhibit
from autograder.judgement.grade import Cause, Outcome
from autograder.mistakes.mutants import Mutant, mutants
from autograder.mistakes.written import Mistakes, read_equivalents, read_mistakes
from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.program_cells import written_whole
from autograder.notebooks.writing.source import Mode, render_notebook
from autograder.notebooks.writing.stub import is_written
from autograder.syntax import syntax_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.course.prepare import Prepared
    from autograder.course.progress import Progress
    from autograder.course.results import ResultsFolder
    from autograder.evidence.store import Store
    from autograder.evidence.trace import Evidence, Run
    from autograder.execution.executor import Executor
    from autograder.judgement.grade import CheckResult

SHORT_CPU_S = 10
"""CPU seconds of a mistake without its long cells: some never end, and the calls of a reference
take a second.
"""


class Fate(StrEnum):
    """Verdict of one check on one mistake."""

    KILLED = "killed"
    RAISED = "raised"
    """It lost its points by an error or a limit: killed, but the check had nothing to compare."""
    SURVIVED = "survived"
    """Passed, although its run was another than the reference's."""
    UNAFFECTED = "unaffected"
    """The run was the reference's, number for number: no check could tell."""
    NOT_RUN = "not run"
    """The check's cell was skipped: another check had killed the mistake already."""
    UNKNOWN = "unknown"
    """It could not be judged, for a reason that is not the program's."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mistake and its fate under each check, in file order."""

    mistake: Mutant
    fates: tuple[Fate, ...]
    runs: dict[str, Run] = dataclasses.field(default_factory=dict)
    """Of the checks' calls, by id."""

    @property
    def killed(self) -> bool:
        """True if any check took points."""
        return Fate.KILLED in self.fates or Fate.RAISED in self.fates

    @property
    def inert(self) -> bool:
        """True if every run was the reference's, so that no check of these calls can tell."""
        return set(self.fates) == {Fate.UNAFFECTED}


@dataclass(frozen=True, slots=True)
class Validation:
    """Worth of an assignment's checks.

    `points` are those of the checks, bonus included; `asked` those of questions, which a person
    marks and nothing here can test. `broken` names checks that fail the reference, and why.
    """

    checks: tuple[str, ...]
    points: float
    reference: float
    broken: tuple[str, ...]
    stub: float
    trials: tuple[Trial, ...]
    seconds: float
    equivalents: tuple[Trial, ...] = ()
    """Right programs of equivalents.py, tried in the same way."""
    asked: float = 0.0
    stub_passes: tuple[str, ...] = ()
    """Checks that give the blank stub points."""

    @property
    def survivors(self) -> tuple[Trial, ...]:
        """Mistakes that lose nothing and have no excuse.

        Inert ones belong to them: another call could tell them.
        """
        return tuple(
            trial for trial in self.trials if not trial.killed and not trial.mistake.survives
        )

    @property
    def excused(self) -> tuple[Trial, ...]:
        """Mistakes that lose nothing, with a reason."""
        return tuple(trial for trial in self.trials if not trial.killed and trial.mistake.survives)

    @property
    def accused(self) -> tuple[Trial, ...]:
        """Right programs that lose points."""
        return tuple(trial for trial in self.equivalents if trial.killed)

    @property
    def passed(self) -> bool:
        """True if the assignment may be released."""
        return (
            not (self.broken or self.survivors or self.accused)
            and self.reference == self.points
            and self.stub == 0
        )


def validate_assignment(
    files: AssignmentFiles, results: ResultsFolder, executor: Executor, progress: Progress
) -> Validation:
    """Try the checks of `files` on right and wrong programs, and record the result.

    These are the reference, the stub, every known mistake and every right program of
    equivalents.py.

    On the reference, the stub, every known mistake and every right program of equivalents.py.

    Raises:
        AssignmentError: if the assignment itself, or its mistakes.py, is wrong.
        SandboxError: if the machine can't isolate programs as the assignment requires.
    """
    begun = time.perf_counter()
    context = validation_key(files)

    def body(docket: Docket) -> Validation:
        prepared = _forgetful(prepare(files, docket, results.evidence, executor))
        bench = _Bench(prepared, executor, _reference_cells(prepared))
        known = [one for one in known_mistakes(files) if bench.concerns(one)]
        right = known_equivalents(files)
        progress.started(len(known) + len(right))
        stub = prepared.judge.results(bench.run_stub())
        return Validation(
            checks=tuple(spec.id for spec in docket.specs),
            points=sum(spec.worth.points for spec in docket.specs),
            asked=files.assignment.points - files.assignment.automatic_points,
            reference=reference_points(prepared),
            broken=(
                *broken_checks(prepared),
                *_broken_elsewhere(prepared, results.evidence, executor),
            ),
            stub=sum(result.points for result in stub),
            stub_passes=tuple(result.id for result in stub if result.points),
            trials=bench.try_all(known, progress),
            equivalents=bench.try_all(right, progress),
            seconds=time.perf_counter() - begun,
        )

    validation = open_docket(files, body)
    write_gallery(
        results,
        (
            Exhibit(trial.mistake.name, trial.mistake.function, trial.runs)
            for trial in validation.trials
            if trial.killed
        ),
    )
    write_atomic(
        record_path(files, results),
        msgspec.json.format(msgspec.json.encode(_record(validation, context)), indent=2),
    )
    return validation


def known_mistakes(files: AssignmentFiles) -> tuple[Mutant, ...]:
    """Return the operators' changes of functions that students write, then those of mistakes.py.

    Raises:
        AssignmentError: if mistakes.py is not as it should be.
    """
    solution, path = files.solution.read_text(encoding="utf-8-sig"), mistakes_path(files)
    written = (
        read_mistakes(path.read_text(encoding="utf-8-sig"), path, solution, files.solution)
        if path.is_file()
        else Mistakes((), {})
    )
    whole = written_whole(solution)
    made = (
        one
        for one in mutants(solution, files.solution)
        if one.function in whole or is_written(solution, one.function, files.solution)
    )
    return written.excuse(tuple(made))


def known_equivalents(files: AssignmentFiles) -> tuple[Mutant, ...]:
    """Return the right programs that stand in equivalents.py, if there is one.

    Raises:
        AssignmentError: if it is not as it should be.
    """
    path = equivalents_path(files)
    if not path.is_file():
        return ()
    return read_equivalents(
        path.read_text(encoding="utf-8-sig"),
        path,
        files.solution.read_text(encoding="utf-8-sig"),
        files.solution,
    )


def _broken_elsewhere(prepared: Prepared, store: Store, executor: Executor) -> tuple[str, ...]:
    """Return checks that the reference does not pass on another drawn variant.

    That variant's notebook may differ in cells of role variant only.
    """
    drawer = prepared.files.drawer
    if drawer is None:
        return ()
    other = prepare_for(
        prepared, dataclasses.replace(prepared.files, draw=drawer.sample(1)), store, executor
    )
    return tuple(f"on another drawn variant, {line}" for line in broken_checks(other))


def _forgetful(prepared: Prepared) -> Prepared:
    """Return the same, but with replays of mistakes not stored.

    There are many, and nobody asks for them again.
    """
    replayer = prepared.judge.replayer
    assert replayer is not None
    judge = dataclasses.replace(prepared.judge, replayer=dataclasses.replace(replayer, keep=False))
    return dataclasses.replace(prepared, judge=judge)


def _record(validation: Validation, context: str) -> Validated:
    return Validated(
        context=context,
        passed=validation.passed,
        reference=validation.reference,
        stub=validation.stub,
        mistakes=len(validation.trials),
        killed=sum(trial.killed for trial in validation.trials),
        survivors=tuple(trial.mistake.id for trial in validation.survivors),
        inert=tuple(trial.mistake.id for trial in validation.trials if trial.inert),
        excused={trial.mistake.id: trial.mistake.survives for trial in validation.excused},
    )


def _reference_cells(prepared: Prepared) -> tuple[NotebookNode, ...]:
    """Code cells of the notebook with the solution in it."""
    notebook = render_notebook(
        prepared.files,
        Mode.REFERENCE,
        Facts(point_table(prepared.files, prepared.judge.specs), None),
    )
    return tuple(cell for cell in notebook.cells if cell.cell_type == "code")


@dataclass(frozen=True, slots=True)
class _Bench:
    """Runs programs made from the reference's cells, and judges them."""

    prepared: Prepared
    executor: Executor
    cells: tuple[NotebookNode, ...]

    def concerns(self, mistake: Mutant) -> bool:
        """Tell whether the notebook holds the definition that has the mistake."""
        return any(_place_of(mistake.function, cell.source) for cell in self.cells)

    def try_all(self, known: Sequence[Mutant], progress: Progress) -> tuple[Trial, ...]:
        """Try `known`, as many at once as the executor has slots; in their order."""
        with ThreadPoolExecutor(self.executor.jobs, thread_name_prefix="validate") as pool:
            futures = {pool.submit(self._try, mistake): mistake.id for mistake in known}
            try:
                trials = {}
                for future in as_completed(futures):
                    trials[futures[future]] = future.result()
                    progress.done(trials[futures[future]])
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
        return tuple(trials[mistake.id] for mistake in known)

    def _try(self, mistake: Mutant) -> Trial:
        wanted = {spec.cell.id for spec in self.prepared.judge.specs if spec.cell is not None}
        program = [_with_definition(cell, mistake) for cell in self.cells]
        short = [cell for cell in program if grade_id_of(cell) not in wanted and _defines(cell)]
        evidence = self.run(_numbered(short), cpu_s=SHORT_CPU_S)
        # batches are random: nothing is ever identical to another
        runs = {run.id: run for run in evidence.calls if run.batches is None}
        trial = Trial(mistake, self._fates(evidence, skipped=wanted), runs)
        return (
            trial
            if trial.killed or not wanted
            else Trial(mistake, self._fates(self.run(_numbered(program)), skipped=set()))
        )

    def run_stub(self) -> Evidence:
        """Run the released notebook as it would be graded.

        Later parts run with the given definitions.
        """
        judge, files = self.prepared.judge, self.prepared.files
        cells = with_tests(
            _numbered([cell for cell in self.prepared.release.cells if cell.cell_type == "code"]),
            self.prepared.tests,
        )
        plan = plan_execution(files, judge.specs, cells, {})
        return self.executor.run(plan.key, plan.request, plan.calls, repeats(files, judge, {}))

    def run(self, cells: Sequence[tuple[str, str]], cpu_s: int | None = None) -> Evidence:
        """Run a program on the checks' calls, once more if the machine failed."""
        files = self.prepared.files
        if cpu_s is not None:
            limits = msgspec.structs.replace(
                files.assignment.limits, cpu_s=min(cpu_s, files.assignment.limits.cpu_s)
            )
            files = dataclasses.replace(
                files, assignment=msgspec.structs.replace(files.assignment, limits=limits)
            )
        plan = plan_execution(files, self.prepared.judge.specs, cells, {})
        return run_again(lambda: self.executor.run(plan.key, plan.request, plan.calls), ours=True)

    def _fates(self, evidence: Evidence, skipped: set[str]) -> tuple[Fate, ...]:
        judge = self.prepared.judge
        fates = []
        for spec, result in zip(judge.specs, judge.results(evidence), strict=True):
            if spec.cell is not None and spec.cell.id in skipped:
                fates.append(Fate.NOT_RUN)
            else:
                fates.append(
                    _fate(result, find_run(evidence, spec), find_run(judge.reference, spec))
                )
        return tuple(fates)


def _fate(result: CheckResult, run: Run | None, model: Run | None) -> Fate:
    match result.outcome:
        case Outcome.FAILED | Outcome.NOT_REACHED:
            return Fate.KILLED if result.cause is Cause.DISAGREES else Fate.RAISED
        case Outcome.PASSED:
            return (
                Fate.UNAFFECTED
                if run is not None and model is not None and _content(run) == _content(model)
                else Fate.SURVIVED
            )
        case _:
            return Fate.UNKNOWN


def _content(run: Run) -> bytes:
    """Encode what a run left behind, bit for bit, without times and text."""
    return msgspec.msgpack.encode(
        [run.status, run.returned, run.arguments, run.variables, run.traces], order="deterministic"
    )


def _numbered(cells: Sequence[NotebookNode]) -> list[tuple[str, str]]:
    return [
        (grade_id_of(cell) or f"cell-{number}", cell.source) for number, cell in enumerate(cells, 1)
    ]


def _place_of(name: str, source: str) -> ast.stmt | None:
    """The last top-level definition of `name` in a cell; None where there is none."""
    try:
        body = syntax_tree(source).body
    except SyntaxError:  # a cell with magics
        return None
    named = [
        node
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    return named[-1] if named else None


def _with_definition(cell: NotebookNode, mistake: Mutant) -> NotebookNode:
    """The cell with the mistake's definition in place of the reference's."""
    node = _place_of(mistake.function, cell.source)
    if node is None:
        return cell
    first = min(
        [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]
    )
    lines = cell.source.splitlines()
    changed = cell.copy()
    changed["source"] = "\n".join(
        [*lines[: first - 1], mistake.definition, *lines[node.end_lineno :]]
    )
    return changed


def _defines(cell: NotebookNode) -> bool:
    """Tell whether a cell only prepares.

    It was given, holds a variant, or it defines or imports something.
    """
    if role_of(cell) in (Role.GIVEN, Role.VARIANT):
        return True
    try:
        body = syntax_tree(cell.source).body
    except SyntaxError:
        return True
    return any(
        isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
        for node in body
    )
