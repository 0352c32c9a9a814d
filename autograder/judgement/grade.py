"""Outcomes, the one table that maps causes to them, and the grade of a submission."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from autograder.evidence.trace import Ended, RunStatus
from autograder.judgement.findings.finding import Finding


class Outcome(StrEnum):
    """End of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NEEDS_REVIEW = "needs review"
    UNGRADABLE = "ungradable"


class Visibility(StrEnum):
    """Time from which students see a check's details; Gradescope's words."""

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    HIDDEN = "hidden"


class Cause(StrEnum):
    """Reason why a check ended as it did, when its body did not simply pass."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    RAISED = "raised"
    UNDEFINED = "undefined"
    CELL_MISSING = "cell missing"
    WRONG_SIGNATURE = "wrong signature"
    PACKAGE_MISSING = "package missing"
    CPU_LIMIT = "CPU limit"
    WALL_LIMIT = "wall limit"
    MEMORY_LIMIT = "memory limit"
    DISK_LIMIT = "disk limit"
    EVIDENCE_LIMIT = "evidence limit"
    EXITED = "exited"
    SIGNALLED = "killed by a signal"
    KILLED = "killed"
    CORRUPT_FRAMES = "corrupt frames"
    CHECK_RAISED = "check raised on this run"
    CHECK_BROKEN = "check raises on the reference too"
    UNDECIDED = "check can't decide"
    UNREADABLE = "unreadable submission"
    SEVERAL_NOTEBOOKS = "several notebooks"
    NO_NOTEBOOK = "no notebook"
    TO_BE_MARKED = "to be marked"
    TO_BE_MARKED_AGAIN = "to be marked again"
    UNANSWERED = "unanswered"
    ANSWER_MISSING = "answer missing"
    MARKED_FULL = "marked, all points"
    MARKED = "marked"
    WRONG_KERNEL = "wrong kernel"
    OTHER_VARIANT = "another's variant"
    SANDBOX_FAILED = "sandbox failed"
    MACHINE_FAILED = "machine failed"
    NO_DEVICE = "no GPU"


class Ruling(msgspec.Struct, frozen=True):
    """Consequence of a cause.

    `retry`: the next grading runs the submission again, since evidence of it says nothing about the
    student.
    """

    outcome: Outcome
    retry: bool
    message: str
    """To the student; one sentence, what and what to do."""


RULINGS: dict[Cause, Ruling] = {
    Cause.AGREES: Ruling(Outcome.PASSED, False, ""),
    Cause.DISAGREES: Ruling(Outcome.FAILED, False, ""),
    Cause.RAISED: Ruling(Outcome.FAILED, False, "Your code raised an error here."),
    Cause.UNDEFINED: Ruling(
        Outcome.NOT_REACHED,
        False,
        "This function is not defined after your notebook has run. Keep its name, and check that"
        " its cell runs without an error.",
    ),
    Cause.CELL_MISSING: Ruling(
        Outcome.NOT_REACHED,
        False,
        "The cell of this check is not in your notebook. Start again from the released notebook and"
        " copy your code into it.",
    ),
    Cause.WRONG_SIGNATURE: Ruling(
        Outcome.FAILED,
        False,
        "Your function does not take the arguments that the assignment gives it. Keep the signature"
        " as released.",
    ),
    Cause.PACKAGE_MISSING: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "Your notebook imports a package that is not installed where it was graded. A person will"
        " look at it.",
    ),
    Cause.CPU_LIMIT: Ruling(
        Outcome.FAILED,
        False,
        "Your code used all its computing time before this was done. Look for a loop that does not"
        " end.",
    ),
    Cause.WALL_LIMIT: Ruling(
        Outcome.UNGRADABLE,
        True,
        "The grading machine waited too long, with little computing done. This costs no points; it"
        " is run again, or marked by a person.",
    ),
    Cause.MEMORY_LIMIT: Ruling(
        Outcome.FAILED, False, "Your code asked for more memory than the assignment allows."
    ),
    Cause.DISK_LIMIT: Ruling(
        Outcome.FAILED, False, "Your code wrote more to disk than the assignment allows."
    ),
    Cause.EVIDENCE_LIMIT: Ruling(
        Outcome.FAILED, False, "Your notebook sent back more data than the assignment allows."
    ),
    Cause.EXITED: Ruling(
        Outcome.FAILED,
        False,
        "Your code ended Python itself (exit, os._exit) before this was done. Remove that call.",
    ),
    Cause.KILLED: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "Python was killed while your code ran, twice, and not by a limit. A person will look"
        " at it.",
    ),
    Cause.SIGNALLED: Ruling(
        Outcome.FAILED, False, "Python was killed while your code ran, before this was done."
    ),
    Cause.CORRUPT_FRAMES: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "What your notebook sent back could not be read. A person will look at it.",
    ),
    Cause.CHECK_RAISED: Ruling(
        Outcome.FAILED, False, "The check could not make sense of what your code returned."
    ),
    Cause.CHECK_BROKEN: Ruling(
        Outcome.UNGRADABLE,
        True,
        "The check itself is broken. This costs no points; your instructor has been told.",
    ),
    Cause.UNDECIDED: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "The check can't tell whether this is right. A person will look at it.",
    ),
    Cause.UNREADABLE: Ruling(
        Outcome.NOT_REACHED,
        False,
        "Your file is not a notebook that can be read. Download it again from Jupyter (File,"
        " Download) and hand it in anew.",
    ),
    Cause.SEVERAL_NOTEBOOKS: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "You handed in several notebooks, and none has the assignment's name. A person will look"
        " at it.",
    ),
    Cause.NO_NOTEBOOK: Ruling(
        Outcome.NOT_REACHED, False, "There is no notebook in your submission."
    ),
    Cause.TO_BE_MARKED: Ruling(Outcome.NEEDS_REVIEW, False, ""),
    Cause.TO_BE_MARKED_AGAIN: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "Your answer has changed since it was marked. A person will look at it again.",
    ),
    Cause.UNANSWERED: Ruling(Outcome.NOT_REACHED, False, "There is no answer in this cell."),
    Cause.ANSWER_MISSING: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "The cell of this answer was not found in your notebook. A person will look for it.",
    ),
    Cause.MARKED_FULL: Ruling(Outcome.PASSED, False, ""),
    Cause.MARKED: Ruling(Outcome.FAILED, False, ""),
    Cause.WRONG_KERNEL: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "Your notebook was saved for another language than Python. Choose the Python 3 kernel and"
        " hand it in anew.",
    ),
    Cause.OTHER_VARIANT: Ruling(
        Outcome.NEEDS_REVIEW,
        False,
        "Your notebook was made with other data than yours, so this says little about your work. A"
        " person will look at it.",
    ),
    Cause.SANDBOX_FAILED: Ruling(
        Outcome.UNGRADABLE,
        True,
        "The grading machine could not isolate your code, so it did not run it. This costs no"
        " points.",
    ),
    Cause.MACHINE_FAILED: Ruling(
        Outcome.UNGRADABLE,
        True,
        "The grading machine failed. This costs no points; it is run again.",
    ),
    Cause.NO_DEVICE: Ruling(
        Outcome.UNGRADABLE,
        True,
        "This assignment runs on a GPU, and there was none to run your code on. This costs no"
        " points; it is run again where there is one.",
    ),
}

ENDINGS: dict[Ended, Cause] = {
    # a run that is missing although all went well is ours to explain
    Ended.FINISHED: Cause.MACHINE_FAILED,
    Ended.CPU_LIMIT: Cause.CPU_LIMIT,
    Ended.WALL_LIMIT: Cause.WALL_LIMIT,
    Ended.MEMORY_LIMIT: Cause.MEMORY_LIMIT,
    Ended.DISK_LIMIT: Cause.DISK_LIMIT,
    Ended.EVIDENCE_LIMIT: Cause.EVIDENCE_LIMIT,
    Ended.EXITED: Cause.EXITED,
    Ended.SIGNALLED: Cause.SIGNALLED,
    Ended.KILLED: Cause.KILLED,
    Ended.CORRUPT_FRAMES: Cause.CORRUPT_FRAMES,
    Ended.SANDBOX_FAILED: Cause.SANDBOX_FAILED,
    Ended.FORKSERVER_DIED: Cause.MACHINE_FAILED,
    Ended.NO_DEVICE: Cause.NO_DEVICE,
}

STATUSES: dict[RunStatus, Cause] = {
    RunStatus.RAISED: Cause.RAISED,
    RunStatus.UNDEFINED: Cause.UNDEFINED,
    RunStatus.TIMED_OUT: Cause.CPU_LIMIT,
    RunStatus.DIED: Cause.EXITED,
    RunStatus.KILLED: Cause.KILLED,
}


class ByHand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score typed over a check in formgrader.

    `score` is None where `extra` credit comes on top of the check's own points. `automatic` is the
    check as it is by itself now; `seen` its outcome, points and maximum when the person decided.
    """

    automatic: CheckResult
    seen: tuple[Outcome, float, float]
    score: float | None
    extra: float = 0.0

    @property
    def points(self) -> float:
        """Points of the check by the person's decision."""
        return (self.automatic.points if self.score is None else self.score) + self.extra


class CheckResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outcome of one check.

    `run` is the id of the call or cell it was judged on; `given` the definitions put in place of
    the student's; `message` is plain text to the student (observed, expected, what was allowed);
    `findings` are what a diagnosis of the failed run says.
    """

    id: str
    title: str
    part: str
    outcome: Outcome
    cause: Cause
    points: float
    max_points: float
    visibility: Visibility
    run: str = ""
    on_cell: bool = False
    message: str = ""
    given: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    note: str = ""
    """To the instructor, never to the student: the evidence contradicts itself."""
    bonus: float = 0.0
    """What the check can add beyond `max_points`, which are 0 for it."""
    question: bool = False
    """No check but a question, which a person marks; `run` is a digest of the answer then."""
    comment: str = ""
    """What the person who marked it wrote to the student."""
    readable: bool = False
    """A test that ran beside the student's code, which could read it."""
    by_hand: ByHand | None = None
    """Of a check that a person decided otherwise: `outcome`, `cause` and `points` are theirs
    then.
    """

    @property
    def automatic(self) -> CheckResult:
        """The result without a person's decision."""
        return self.by_hand.automatic if self.by_hand else self

    @property
    def retry(self) -> bool:
        """True if the next grading runs the submission again for this check."""
        return RULINGS[self.automatic.cause].retry

    @property
    def lost(self) -> bool:
        """True if it is decided, and against the student, if only in part."""
        return self.outcome in (Outcome.FAILED, Outcome.NOT_REACHED)

    @property
    def pending(self) -> bool:
        """True if a person, or another run, has yet to decide it."""
        return self.outcome in (Outcome.NEEDS_REVIEW, Outcome.UNGRADABLE)

    @property
    def marked(self) -> bool:
        """True if a person gave its points, even if a changed answer must be marked again."""
        return self.cause in (Cause.MARKED_FULL, Cause.MARKED, Cause.TO_BE_MARKED_AGAIN)


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Origin of a grade.

    Two grades with equal `evidence_key`, `judging_key` and `gallery` are equal.
    """

    gradstep: str
    submission_sha256: str
    evidence_key: str
    judging_key: str
    environment: dict[str, str] = {}
    gallery: str = ""
    """SHA-256 of the known mistakes' runs with which this one was compared; empty where there were
    none.
    """


class JudgedVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The student's own variant, on which everything was judged.

    It has its tag, and the number of the attempt at which it was drawn.
    """

    tag: str
    attempt: int
    note: str = ""
    """To the instructor, never to the student: whose variant the notebook held instead."""


class GradeStatus(StrEnum):
    """Next thing that has to happen to a grade, if any."""

    GRADED = "graded"
    NEEDS_REVIEW = "needs review"
    UNGRADABLE = "ungradable"


class Grade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """grade.json: the truth of one submission's marks; everything else is a projection of it."""

    student: str
    assignment: str
    checks: tuple[CheckResult, ...]
    notices: tuple[str, ...]
    """What was mended or noticed, to the student, no points lost: restored locked cells, stale
    kernel state, offline no-ops.
    """
    problem: str
    """The submission's own ending in a few words ("CPU limit", "SyntaxError in cell 4"), empty when
    it ran to its end.
    """
    provenance: Provenance
    submitted_at: str = ""
    """ISO 8601, from nbgrader's timestamp.txt, else empty."""
    resembles: tuple[str, ...] = ()
    """Known mistakes that do exactly the same on every call; told after the due date."""
    variant: JudgedVariant | None = None
    """Of an assignment with variants, where there was a notebook to judge."""
    late: bool | None = None
    """What the system that it was handed in to says, or its time; None where nothing does.

    Costs no points here.
    """

    @property
    def points(self) -> float:
        """Sum over all checks; review and ungradable ones count what they have so far, 0."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Sum of what could be had, bonus points aside: `points` may exceed it."""
        return sum(check.max_points for check in self.checks)

    @property
    def status(self) -> GradeStatus:
        """Ungradable or in need of review if any check is, the first winning.

        In need of review also if the notebook holds another's variant.
        """
        outcomes = {check.outcome for check in self.checks}
        if Outcome.UNGRADABLE in outcomes:
            return GradeStatus.UNGRADABLE
        strange = self.variant is not None and self.variant.note
        return (
            GradeStatus.NEEDS_REVIEW
            if strange or Outcome.NEEDS_REVIEW in outcomes
            else GradeStatus.GRADED
        )

    @property
    def pending_points(self) -> float:
        """Points that a person, or another run, has yet to decide."""
        return sum(check.max_points for check in self.checks if check.pending)

    @property
    def decided_points(self) -> float:
        """Points of what is decided: what stands before "of" while something is pending."""
        return sum(check.points for check in self.checks if not check.pending)

    @property
    def decided_max_points(self) -> float:
        """Points that could be had of what is decided; pending checks don't count at all."""
        return sum(check.max_points for check in self.checks if not check.pending)


def encode_grade(grade: Grade) -> bytes:
    """Indented JSON, ending in a line feed.

    `totals` stands in it for readers and is left out when it is read back.
    """
    totals = {
        "points": grade.decided_points,
        "of": grade.decided_max_points,
        "pending": grade.pending_points,
    }
    content = msgspec.to_builtins(grade)
    if grade.variant is None:
        del content["variant"]
    for check in content["checks"]:
        _without_nothing(check)
    return msgspec.json.format(msgspec.json.encode({**content, "totals": totals}), indent=2) + b"\n"


def _without_nothing(check: dict[str, Any]) -> None:
    """Most checks nobody touches: their bytes stay as they were before there was `by_hand`."""
    if check["by_hand"] is None:
        del check["by_hand"]
    else:
        _without_nothing(check["by_hand"]["automatic"])


def decode_grade(data: bytes) -> Grade:
    """Inverse of `encode_grade`.

    Raises:
        msgspec.DecodeError: for anything else.
    """
    content = msgspec.json.decode(data)
    if isinstance(content, dict):
        content.pop("totals", None)
    return msgspec.convert(content, Grade)
