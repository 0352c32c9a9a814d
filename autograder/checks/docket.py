"""An assignment's checks as pytest collected them, and one warm pytest session that judges runs
with them.

`open_docket` starts pytest once and hands the collected checks to a function, which judges as many
runs as it likes; an item costs about a millisecond that way, a session of its own 80.
"""

from __future__ import annotations

import copy
import gc
import hashlib
import inspect
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import msgspec
import pytest

# the one private import: pytest offers no public way to run a collected item again
from _pytest.runner import (
    runtestprotocol,
)

from autograder.checks.declaring import CellWanted, Worth
from autograder.checks.later import Later, resolve
from autograder.checks.verdicts import CheckFailed, NeedsReview, PartialCredit
from autograder.errors import AssignmentError
from autograder.evidence.protocol import Call
from autograder.judgement.calibration import calibration_path, read_bars
from autograder.judgement.grade import Cause
from autograder.judgement.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.draw import Values

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check as its author declared it: exactly one of `call` and `cell` is set.

    `run_id` names the run that it is judged on; `varies`: its call depends on the student's
    variant.
    """

    id: str
    title: str
    worth: Worth
    call: Call | None
    cell: CellWanted | None
    varies: bool = False

    @property
    def graded(self) -> bool:
        """Whether it is a test cell whose own run, beside student code, gives the points."""
        return self.cell is not None and self.cell.graded

    @property
    def function(self) -> str:
        """The student's function that the check is about."""
        if self.call is not None:
            return self.call.function
        assert self.cell is not None
        return self.cell.of

    @property
    def run_id(self) -> str:
        """Id of the call (with a digest of its content, so that a changed call is another run) or
        of the cell.
        """
        if self.call is not None:
            return self.call.id
        assert self.cell is not None
        return self.cell.id


class Runs(Protocol):
    """Where the fixtures `run` and `reference` come from."""

    def run(self, spec: CheckSpec) -> Observation:
        """The run to judge."""

    def reference(self, spec: CheckSpec) -> Observation:
        """The reference's run."""


RUNS: pytest.StashKey[Runs] = pytest.StashKey()
VALUES: pytest.StashKey[Values | None] = pytest.StashKey()
"""Of the variant that is judged."""
_FAILURE: pytest.StashKey[BaseException | None] = pytest.StashKey()


def specify(item: pytest.Function, values: Values | None) -> CheckSpec:
    """Read an item's marks.

    `values` are those of the variant; None where the assignment has no variants.

    Raises:
        AssignmentError: naming file and test, if marks are missing, doubled or contradict each
            other.
    """
    where = f"{item.path}: {item.name}"
    calls, cells, worth = (list(item.iter_markers(name)) for name in ("call", "cell", "points"))
    if len(calls) + len(cells) != 1 or len(worth) != 1:
        message = f"{where}: a check needs one @points and either one @call or one @cell"
        raise AssignmentError(message)
    title = (inspect.getdoc(item.function) or "").split("\n")[0].strip()
    if not title:
        message = (
            f"{where}: a check needs a docstring; its first line is the title that students read"
        )
        raise AssignmentError(message)
    if cells:
        wanted: CellWanted = cells[0].args[0]
        return CheckSpec(
            wanted.id if wanted.graded else item.name, title, worth[0].args[0], None, wanted
        )
    cases: dict[str, Call | Later] = calls[0].args[0]
    case = (
        cases[str(item.callspec.params["case"])]
        if hasattr(item, "callspec") and "case" in item.callspec.params
        else cases[""]
    )
    call = _resolved(case, where, values) if isinstance(case, Later) else case
    digest = hashlib.sha256(msgspec.msgpack.encode(call)).hexdigest()[:12]
    call = msgspec.structs.replace(call, id=f"{item.name}@{digest}")
    return CheckSpec(item.name, title, worth[0].args[0], call, None, varies=isinstance(case, Later))


def _resolved(case: Later, where: str, values: Values | None) -> Call:
    if values is None:
        message = (
            f"{where}: the call asks for values of a variant, and the assignment has no variant.py"
            " that draws them"
        )
        raise AssignmentError(message)
    try:
        call = resolve(case, values)
    except AssignmentError as error:
        message = f"{where}: {error}"
        raise AssignmentError(message) from error
    except (TypeError, ValueError, LookupError) as error:
        message = f"{where}: the variant's values don't fit: {type(error).__name__}: {error}"
        raise AssignmentError(message) from error
    assert isinstance(call, Call)
    return call


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check's body said about one run: AGREES, DISAGREES with a message for the student, or
    CHECK_RAISED with one for the instructor. `points` of a run that is right in part.
    """

    cause: Cause
    message: str = ""
    points: float = 0.0


class Docket:
    """The collected checks of one assignment, in file order, and a judge for them.

    Safe to share between threads.

    Of an assignment with variants it holds the checks as the first sample has them; `of` makes the
    docket of another variant.
    """

    def __init__(self, session: pytest.Session, files: AssignmentFiles) -> None:
        items = [item for item in session.items if isinstance(item, pytest.Function)]
        self._config = session.config
        self._lock = threading.Lock()
        self.values = files.draw.values if files.draw else None
        self.specs: tuple[CheckSpec, ...] = tuple(specify(item, self.values) for item in items)
        self._items = {spec.id: item for spec, item in zip(self.specs, items, strict=True)}
        if len(self._items) != len(items):
            message = f"{items[0].path}: two checks have the same name"
            raise AssignmentError(message)
        calls = measured_calls(
            files, lambda values: self.of(values).specs if values else self.specs
        )
        self._bars = read_bars(calibration_path(files.folder), calls)

    def of(self, values: Values) -> Self:
        """The same checks as they are for the variant with these values; what has been measured
        holds for all variants.

        Raises:
            AssignmentError: if the values don't fit a check's call.
        """
        other = copy.copy(self)
        other.values = values
        other.specs = tuple(
            specify(item, values) if spec.varies else spec
            for item, spec in zip(self._items.values(), self.specs, strict=True)
        )
        return other

    def bar(self, spec: CheckSpec) -> float | None:
        """What calibration has measured for a check; None if it has not."""
        return self._bars.get(spec.id)

    def judge(self, spec: CheckSpec, run: Observation, reference: Observation) -> Verdict:
        """Run the check's body on (`run`, `reference`), the latter with the bar that calibration
        has measured for the check.
        """
        with self._lock:
            item = self._items[spec.id]
            self._config.stash[VALUES] = self.values
            self._config.stash[RUNS] = _Pair(
                run, replace(reference, bar=self._bars.get(spec.id), worth=spec.worth.points)
            )
            item.stash[_FAILURE] = None
            following = next((other for other in self._items.values() if other is not item), None)
            # naming another item of the module keeps the module set up
            runtestprotocol(item, log=False, nextitem=following)
            failure = item.stash[_FAILURE]
        match failure:
            case None:
                return Verdict(Cause.AGREES)
            case PartialCredit(points=points):
                return _partly(failure, points, spec)
            case NeedsReview():
                return Verdict(Cause.UNDECIDED, str(failure))
            case CheckFailed() | AssertionError():
                return Verdict(Cause.DISAGREES, str(failure))
            case _:
                return Verdict(Cause.CHECK_RAISED, f"{type(failure).__name__}: {failure}")


def measured_calls(
    files: AssignmentFiles, specs_of: Callable[[Values | None], Sequence[CheckSpec]]
) -> dict[str, tuple[Call, ...]]:
    """The calls that calibration measures for each check: one, or one for each sample of what
    varies. `specs_of` gives the checks for a variant's values.
    """
    samples = files.samples()
    first = specs_of(samples[0].values if samples else None)
    varying = any(spec.varies for spec in first)
    found: dict[str, tuple[Call, ...]] = {}
    for spec, *others in zip(
        first, *(specs_of(draw.values) for draw in samples[1:] if varying), strict=True
    ):
        if spec.call is not None:
            found[spec.id] = (
                spec.call,
                *(other.call for other in others if spec.varies and other.call is not None),
            )
    return found


def _partly(credit: PartialCredit, points: float, spec: CheckSpec) -> Verdict:
    if not 0 <= points <= spec.worth.points:  # NaN is neither
        return Verdict(
            Cause.CHECK_RAISED,
            f"PartialCredit: {points} is no number from 0 to {spec.worth.points:g}",
        )
    return Verdict(
        Cause.DISAGREES if points < spec.worth.points else Cause.AGREES, str(credit), float(points)
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """`Runs` of a single check."""

    observed: Observation
    model: Observation

    # one pair serves the one check being judged
    def run(self, spec: CheckSpec) -> Observation:  # noqa: ARG002
        return self.observed

    def reference(self, spec: CheckSpec) -> Observation:  # noqa: ARG002
        return self.model


class _Session:
    """A pytest plugin that hands the collected session to `body` instead of running the tests."""

    def __init__(self, body: Callable[[Docket], object], files: AssignmentFiles) -> None:
        self.body = body
        self.files = files
        self.result: object = None
        self.error: BaseException | None = None
        self.collection_errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self.collection_errors:
            # a full collection would look at all that was ever imported: 90 ms, in the middle of
            # judging somebody
            gc.freeze()
            try:
                self.result = self.body(Docket(session, self.files))
            # re-raised by open_docket; pytest would swallow Ctrl-C and our own errors
            except BaseException as error:  # noqa: BLE001
                self.error = error
            finally:
                gc.unfreeze()
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.collection_errors.append(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        # A report of our own: pytest's renders the traceback, which costs 35 ms for each failing
        # check
        if call.excinfo is not None:
            item.stash[_FAILURE] = call.excinfo.value
        assert call.when != "collect"
        return pytest.TestReport(
            item.nodeid,
            item.location,
            {},
            "passed" if call.excinfo is None else "failed",
            None,
            call.when,
        )


def open_docket(files: AssignmentFiles, body: Callable[[Docket], T]) -> T:
    """Collect the checks of `files` once and return ``body(docket)``.

    Raises:
        AssignmentError: with pytest's own words, if the checks can't be imported or collected.
    """
    plugin = _Session(body, files)
    # pytest would take a module of that name that is there already: of another course, or from
    # before an edit
    name = files.checks.stem
    namesake = sys.modules.pop(name, None)
    with _without_settings_of_pytest():
        code = pytest.main(
            [*_arguments(files.checks), f"--rootdir={files.folder}", str(files.checks)],
            plugins=[plugin],
        )
    sys.modules.pop(name, None)
    if namesake is not None:
        sys.modules[name] = namesake
    if plugin.error is not None:
        raise plugin.error
    if plugin.collection_errors:
        message = f"{files.checks} can't be collected:\n" + "\n".join(plugin.collection_errors)
        raise AssignmentError(message)
    if code is pytest.ExitCode.USAGE_ERROR or code is pytest.ExitCode.INTERNAL_ERROR:
        message = f"{files.checks}: pytest could not start ({code.name})"
        raise AssignmentError(message)
    return plugin.result  # type: ignore[return-value]


@contextmanager
def _without_settings_of_pytest() -> Iterator[None]:
    """What an instructor's shell or CI sets for other sessions would be added to ours: no argument
    of pytest's turns it off.
    """
    kept = {
        name: os.environ.pop(name)
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
        if name in os.environ
    }
    try:
        yield
    finally:
        os.environ.update(kept)


_LEFT_OUT = (
    *(
        "terminal",
        "cacheprovider",
        "warnings",
        "logging",
        "faulthandler",
        "junitxml",
        "doctest",
        "unittest",
    ),
    *("unraisableexception", "threadexception"),
)
"""Plugins of pytest's own that the judge's session does without."""


def _arguments(checks: Path) -> Sequence[str]:
    # The judge's session depends on nothing but the checks: no plugins of the environment, no ini
    # file of the folder around, no output, no cache folder. Those that wait for what nobody catches
    # collect garbage ten times over at the end: half a second in a grown process.
    silent = [word for name in _LEFT_OUT for word in ("-p", f"no:{name}")]
    apart = [
        "-c",
        os.devnull,
        f"--confcutdir={checks.parent}",
        "--import-mode=importlib",
        "--capture=no",
    ]
    return ["--disable-plugin-autoload", "-p", "autograder.pytest_plugin", *silent, *apart]
