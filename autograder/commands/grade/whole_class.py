"""Grading a class: which grades still hold, and grading the others.

Where all of them hold, nothing is imported that grading needs: 1,000 grades are looked through in
less time than that would take.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.commands.grade.marking import take_in_marks
from autograder.course.draws import open_variants
from autograder.course.hardware import as_graded
from autograder.course.keys import judging_key
from autograder.errors import SandboxError
from autograder.reports.isolation import level_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.commands.grade.submissions import Candidate
    from autograder.course.draws import Variants
    from autograder.course.progress import Progress
    from autograder.course.results import ResultsFolder
    from autograder.evidence.limits import Isolation
    from autograder.execution.executor import Executor
    from autograder.judgement.grade import Grade

_LOG = logging.getLogger(__name__)


def grade_class(
    files: AssignmentFiles,
    candidates: Sequence[Candidate],
    results: ResultsFolder,
    executor: Executor,
    progress: Progress,
    *,
    force: bool = False,
) -> tuple[Grade, ...]:
    """Grade `candidates`, skipping those whose grade is on disk and still true (unless `force`).

    Returns all grades, in the order of `candidates`.

    Where there is no GPU for an assignment that asks for one, nothing is run: those that are not
    kept become ungradable.

    Raises:
        AssignmentError: if the assignment itself is wrong, or the secret that its variants come
            from is lost.
        ExchangeError: if the gradebook of the assignment's questions can't be read.
        SandboxError: if the machine can't isolate student code as the assignment requires; or if
            all are to be judged anew (`force`) without the GPU for it.
    """
    missing = executor.device.missing
    if force and missing:
        message = (
            f"--force would leave nobody a grade: {files.slug!r} asks for a GPU, and {missing}"
        )
        raise SandboxError(message)
    context, variants = judging_key(files), open_variants(files)
    for grade in take_in_marks(files, results, results.students()).values():
        results.write_grade(grade)
    if variants:
        variants.meet(candidate.student for candidate in candidates)
    contexts = Contexts(files, context, variants, missing=bool(missing))
    kept = {} if force else _kept(candidates, results, contexts, executor.required)
    waiting = [candidate for candidate in candidates if candidate.student not in kept]
    if waiting:
        # pytest and what judges: half a second that is not spent where every grade holds
        from autograder.checks.docket import open_docket
        from autograder.commands.grade.one_submission import Grader
        from autograder.commands.grade.unrun import Unrun, judge_of_nothing
        from autograder.course.prepare import prepare
        from autograder.diagnosis.gallery import read_gallery

        if any(candidate.path is not None for candidate in waiting) and not missing:
            executor.warm(len(waiting))

        def body(docket: Docket) -> dict[str, Grade]:
            if missing:
                unrun = Unrun(files, judge_of_nothing(files, docket), results, context)
                return _told(unrun.all_without_device(waiting, missing), len(waiting), progress)
            prepared = prepare(files, docket, results.evidence, executor)
            grader = Grader(prepared, results, executor, context, read_gallery(results), variants)
            graded = _told(grader.run(waiting), len(waiting), progress)
            if grader.repeated:
                _LOG.warning(
                    "run again, since their stored runs were isolated less than %s: %s",
                    executor.required,
                    ", ".join(sorted(grader.repeated)),
                )
            return graded

        kept |= open_docket(files, body)
    return tuple(kept[candidate.student] for candidate in candidates)


def _told(grades: Iterator[Grade], count: int, progress: Progress) -> dict[str, Grade]:
    """Return `grades` by student; tell `progress` of each of these `count` as it comes."""
    progress.started(count)
    graded = {}
    for grade in grades:
        graded[grade.student] = grade
        progress.done(grade)
    return graded


@dataclass(frozen=True, slots=True)
class Contexts:
    """Digests of what grades depend on besides the submission: `shared` by all, or one's own.

    Where the GPU is `missing`, grades that were made on one stay true.
    """

    files: AssignmentFiles
    shared: str
    variants: Variants | None
    missing: bool = False

    def of(self, grade: Grade) -> str:
        """Return the judging key that this stored grade would get today."""
        own = self.variants is not None and grade.variant is not None
        if not own and not self.missing:
            return self.shared
        files = self.files
        if self.variants is not None and grade.variant is not None:
            on_record = grade.student in self.variants.record.students
            files = self.variants.of(grade.student, None if on_record else grade.variant.attempt)
        return judging_key(as_graded(files, [grade]) if self.missing else files)


def _kept(
    candidates: Sequence[Candidate], results: ResultsFolder, contexts: Contexts, required: Isolation
) -> dict[str, Grade]:
    """Return grades on disk that the same submission would get again.

    Those of runs that were isolated less than `required` are not kept.
    """
    kept, gallery = {}, results.gallery_digest
    for candidate in candidates:
        grade = results.read_grade(candidate.student)
        if (
            grade is None
            or grade.provenance.submission_sha256 != candidate.digest()
            or grade.provenance.judging_key != contexts.of(grade)
        ):
            continue
        ran = bool(grade.provenance.evidence_key)
        if ran and (
            level_of(grade.provenance.environment).rank < required.rank
            or grade.provenance.gallery != gallery
        ):
            continue
        same_times = (grade.submitted_at, grade.late) == (candidate.submitted_at, candidate.late)
        if same_times and not any(check.retry for check in grade.checks):
            kept[candidate.student] = grade
    return kept
