"""The file of visible checks that is released beside the notebook: what `autograder check` needs
where there is no course.

A .zip of plain data and source text::

    manifest.json       `Manifest`
    release.ipynb       the released notebook, to restore locked cells from
    reference.msgpack   the reference's runs of the visible calls and cells, frozen (`autograder.evidence.trace`)
    assignment/         checks, drivers, bars and data files, each cut down to what visible checks need

Nothing of the solution and of other checks is in it.
"""

from __future__ import annotations

import io
import logging
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec
import numpy as np

import autograder
from autograder.assignment import Assignment, AssignmentFiles
from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.course.judging import find_run, make_judge
from autograder.course.prepare import prepare
from autograder.diagnosis.probing import blind_contracts
from autograder.errors import AssignmentError, AutograderError, ExchangeError
from autograder.evidence.protocol import ArgumentList, Leaf
from autograder.evidence.trace import (
    Array,
    CellRun,
    Ended,
    Ending,
    Evidence,
    Run,
    decode_evidence,
    encode_evidence,
)
from autograder.judgement.calibration import calibration_path, calibration_text, read_calibration
from autograder.judgement.findings.finding import Contract
from autograder.judgement.grade import Outcome, Visibility
from autograder.notebooks.libraries import nbformat
from autograder.notebooks.names import bound_names
from autograder.notebooks.writing.cutting import cut, number_lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbformat import NotebookNode

    from autograder.checks.docket import CheckSpec, Docket
    from autograder.course.prepare import Prepared
    from autograder.evidence.protocol import Argument
    from autograder.evidence.store import Store
    from autograder.execution.executor import Executor

_LOG = logging.getLogger(__name__)

SUFFIX = ".checks"
FORMAT = 1
MAX_BYTES = 256 << 20
"""Of all that the file unpacks to."""
_MANIFEST, _RELEASE, _REFERENCE, _ASSIGNMENT = (
    "manifest.json",
    "release.ipynb",
    "reference.msgpack",
    "assignment/",
)
_SECRET_NUMBERS = 3
"""So many numbers in a row are somebody's data; fewer may stand anywhere."""


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visible check that is only made when the notebook is graded, and why."""

    title: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says of itself.

    `assignment` is cut down as the rest is. `owners`: for each function its last check cell;
    `blind`: contracts that say nothing of a check's call.
    """

    format: int
    slug: str
    gradstep: str
    assignment: Assignment
    owners: dict[str, str]
    blind: dict[str, tuple[Contract, ...]] = {}
    given: tuple[str, ...] = ()
    """Functions of which a right one takes the place of a wrong one when later parts are graded.

    Here they stay the student's.
    """
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """An opened file of checks.

    `files` lie in a folder that the opener gave; they have no solution.
    """

    manifest: Manifest
    files: AssignmentFiles
    release: NotebookNode
    reference: Evidence


class _CannotCutError(Exception):
    """The visible checks can't be had without the others; says why."""


def write_checks(
    files: AssignmentFiles, folder: Path, store: Store, executor: Executor
) -> Path | None:
    """Write `folder`/<slug>.checks.

    Where the visible checks can't be had by themselves no file is written, and a warning says why.

    Raises:
        AssignmentError: as `prepare`.
    """
    path = folder / f"{files.slug}{SUFFIX}"
    try:
        packed, specs = open_docket(files, lambda docket: _pack(files, docket, store, executor))
        _prove(packed, specs)
    except _CannotCutError as error:
        path.unlink(missing_ok=True)
        _LOG.warning(
            "no %s is written, so `autograder check` can't be used with this release: %s",
            path.name,
            error,
        )
        return None
    write_atomic(path, packed)
    path.chmod(0o644)
    return path


def open_checks(path: Path, folder: Path) -> Checks:
    """Unpack the file of checks at `path` into `folder`, which should be empty.

    Raises:
        ExchangeError: if there is none, or it is not as `write_checks` writes it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                message = (
                    f"{path}: unpacks to more than {MAX_BYTES >> 20} MB, which no file of checks"
                    " does"
                )
                raise ExchangeError(message)
            members = {member.filename: archive.read(member) for member in archive.infolist()}
    except FileNotFoundError as error:
        message = (
            f"{path}: no such file. It is released beside the notebook: put it there, or name it"
            " with --checks"
        )
        raise ExchangeError(message) from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        message = f"{path}: can't be read as a file of checks ({error}). Download it again"
        raise ExchangeError(message) from error
    try:
        manifest = _manifest(members.get(_MANIFEST, b""), path)
        reference = decode_evidence(members[_REFERENCE])
        release = nbformat.reads(members[_RELEASE].decode(), as_version=nbformat.NO_CONVERT)
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        message = f"{path}: is damaged, or no file of checks ({error}). Download it again"
        raise ExchangeError(message) from error
    files = AssignmentFiles(folder, manifest.slug, manifest.assignment)
    for name, content in members.items():
        inside = PurePosixPath(name.removeprefix(_ASSIGNMENT))
        if (
            name.startswith(_ASSIGNMENT)
            and not inside.is_absolute()
            and ".." not in inside.parts
            and "\\" not in name
        ):
            write_atomic(files.folder / inside, content)
    return Checks(manifest, files, release, reference)


def _manifest(data: bytes, path: Path) -> Manifest:
    class Version(msgspec.Struct):
        format: int
        gradstep: str = ""

    version = msgspec.json.decode(data, type=Version)
    if version.format != FORMAT:
        message = (
            f"{path}: was written by GradStep {version.gradstep}, and this is"
            f" {autograder.__version__}: install that version"
        )
        raise ExchangeError(message)
    manifest = msgspec.json.decode(data, type=Manifest)
    if PurePosixPath(manifest.slug).name != manifest.slug or "\\" in manifest.slug:
        message = f"{manifest.slug!r} names no assignment"
        raise ValueError(message)
    return manifest


def _pack(
    files: AssignmentFiles, docket: Docket, store: Store, executor: Executor
) -> tuple[bytes, tuple[CheckSpec, ...]]:
    if files.drawer is not None:
        message = "its data differ from student to student"
        raise _CannotCutError(message)
    prepared = prepare(files, docket, store, executor)
    source = files.checks.read_text(encoding="utf-8-sig")
    specs, left_out = _sorted_out(docket.specs, source)
    if not specs:
        message = "it has no visible check that can be made without the grader"
        raise _CannotCutError(message)
    checks = _cut(source, {_base(spec) for spec in specs}, files.checks)
    drivers = _cut(
        files.drivers_source(),
        {spec.call.driver for spec in specs if spec.call is not None and spec.call.driver},
        files.drivers,
    )
    _refuse_secrets(docket.specs, f"{checks}\n{drivers}")
    manifest = Manifest(
        format=FORMAT,
        slug=files.slug,
        gradstep=autograder.__version__,
        assignment=_assignment(files.assignment, specs),
        owners=dict(prepared.owners),
        blind={
            spec.id: found
            for spec in specs
            if _may_be_blind(prepared, spec)
            and (found := tuple(sorted(blind_contracts(prepared, spec, store, executor))))
        },
        given=files.assignment.given,
        left_out=left_out,
    )
    members = {
        _MANIFEST: msgspec.json.format(msgspec.json.encode(manifest)),
        _RELEASE: nbformat.writes(prepared.release, version=nbformat.NO_CONVERT).encode(),
        _REFERENCE: encode_evidence(_frozen(prepared, specs)),
        f"{_ASSIGNMENT}{files.checks.name}": (
            f'"""The visible checks of {files.slug}, cut out by `autograder'
            f' release`."""\n\n{checks}'.encode()
        ),
        f"{_ASSIGNMENT}{files.drivers.name}": drivers.encode(),
        f"{_ASSIGNMENT}{calibration_path(files.folder).name}": _bars(files, specs).encode(),
        **{
            f"{_ASSIGNMENT}{name}": (files.folder / name).read_bytes()
            for name in files.assignment.files
        },
    }
    return _zipped({name: content for name, content in members.items() if content}), specs


def _sorted_out(
    specs: Sequence[CheckSpec], source: str
) -> tuple[tuple[CheckSpec, ...], tuple[LeftOut, ...]]:
    """The checks that can be made without the course, and those visible ones that can't, with the
    reason.
    """
    hidden = {_base(spec) for spec in specs if spec.worth.visibility is not Visibility.VISIBLE}
    named = bound_names(source)
    chosen, left_out = [], []
    for spec in specs:
        if spec.worth.visibility is not Visibility.VISIBLE:
            continue
        if spec.call is not None and spec.call.batches:
            left_out.append(
                LeftOut(
                    spec.title,
                    "it is judged by running the reference solution from your own states, which"
                    " only the grader can",
                )
            )
        elif spec.graded:
            left_out.append(
                LeftOut(spec.title, "it is a test cell of the notebook: running the cell tells")
            )
        elif _base(spec) in hidden or _base(spec) not in named:
            left_out.append(
                LeftOut(spec.title, "it can't be taken apart from checks that are not shown")
            )
        else:
            chosen.append(spec)
    return tuple(chosen), tuple(left_out)


def _may_be_blind(prepared: Prepared, spec: CheckSpec) -> bool:
    """Whether a driver trains in the check's call; only of those does a diagnosis speak."""
    if spec.call is None or spec.call.driver is None or not spec.call.trains:
        return False
    model = find_run(prepared.judge.reference, spec)
    return model is not None and bool(model.traces)


def _base(spec: CheckSpec) -> str:
    """The name of the test function."""
    return spec.id.partition("[")[0]


def _cut(source: str, names: set[str], path: Path) -> str:
    try:
        return cut(source, names)
    except SyntaxError as error:
        message = f"{path}:{error.lineno}: not valid Python: {error.msg}"
        raise AssignmentError(message) from error


def _assignment(assignment: Assignment, specs: Sequence[CheckSpec]) -> Assignment:
    """With the points that can be had here, and no given definitions, which are the solution's."""
    points = sum(spec.worth.counted for spec in specs) + sum(
        question.points for question in assignment.questions
    )
    return msgspec.structs.replace(
        assignment,
        points=points,
        parts=tuple(msgspec.structs.replace(part, given=()) for part in assignment.parts),
    )


def _frozen(prepared: Prepared, specs: Sequence[CheckSpec]) -> Evidence:
    """The reference's runs that `specs` are judged against, without what changes from run to
    run.
    """
    captured: dict[str, set[str]] = {}
    for spec in specs:
        if spec.cell is not None:
            captured.setdefault(spec.cell.id, set()).update(spec.cell.capture)
    reference = prepared.judge.reference
    cells = []
    for cell in reference.cells:
        if (names := captured.get(cell.run.id)) is not None:
            variables = {name: value for name, value in cell.run.variables.items() if name in names}
            cells.append(CellRun(_bare(msgspec.structs.replace(cell.run, variables=variables))))
    calls = {
        spec.run_id: run
        for spec in specs
        if spec.call is not None and (run := find_run(reference, spec)) is not None
    }
    return Evidence(
        "reference", tuple(cells), tuple(map(_bare, calls.values())), Ending(Ended.FINISHED)
    )


def _bare(run: Run) -> Run:
    return msgspec.structs.replace(run, recording=None, batches=None, cpu_s=0.0, wall_s=0.0)


def _bars(files: AssignmentFiles, specs: Sequence[CheckSpec]) -> str:
    """The bars of `specs`, without the names of mistakes."""
    found = read_calibration(calibration_path(files.folder))
    if found is None:
        return ""
    names = {spec.id for spec in specs}
    checks = {
        name: msgspec.structs.replace(one, nearest_mistake="")
        for name, one in found.checks.items()
        if name in names
    }
    return calibration_text(msgspec.structs.replace(found, machine="", checks=checks))


def _refuse_secrets(specs: Sequence[CheckSpec], source: str) -> None:
    """Data of hidden calls, and of no visible one, must not have come along with what visible
    checks use.

    Raises:
        _CannotCutError: naming the check whose data would be told.
    """
    shown = {
        row for spec in specs if spec.worth.visibility is Visibility.VISIBLE for row in _rows(spec)
    }
    written = {_rounded(row) for row in number_lists(source) if len(row) >= _SECRET_NUMBERS}
    for spec in specs:
        if spec.worth.visibility is not Visibility.VISIBLE and (set(_rows(spec)) - shown) & written:
            message = (
                f"visible checks use a definition that holds the data of {_base(spec)}, which is"
                " hidden: put hidden data where only hidden checks use it"
            )
            raise _CannotCutError(message)


def _rows(spec: CheckSpec) -> Iterator[tuple[float, ...]]:
    values: list[Argument] = list(spec.call.arguments.values()) if spec.call is not None else []
    while values:
        match values.pop():
            case ArgumentList(inner):
                values += inner
            case Array() as array if (
                array.numpy().dtype.kind in "biuf" and array.numpy().size >= _SECRET_NUMBERS
            ):
                yield _rounded(array.numpy().reshape(-1).tolist())
            case Leaf(inner) if inner.numpy().size >= _SECRET_NUMBERS:
                yield _rounded(inner.numpy().reshape(-1).tolist())


def _rounded(row: Iterable[float]) -> tuple[float, ...]:
    """As float32, as which numbers of checks travel."""
    with np.errstate(over="ignore"):
        return tuple(np.asarray(tuple(row), np.float32).tolist())


def _prove(packed: bytes, specs: Sequence[CheckSpec]) -> None:
    """The cut checks are the same checks, and the frozen reference passes them.

    Raises:
        _CannotCutError: if they are not, or it does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"trial{SUFFIX}"
        path.write_bytes(packed)
        checks = open_checks(path, Path(folder) / "unpacked")

        def body(docket: Docket) -> None:
            found, wanted = ({spec.id: spec for spec in each} for each in (docket.specs, specs))
            if other := [
                name for name in {**wanted, **found} if found.get(name) != wanted.get(name)
            ]:
                message = (
                    f"cut out of the file, {', '.join(other)} would make other calls; does their"
                    " data depend on what stands around them?"
                )
                raise _CannotCutError(message)
            judge = make_judge(docket, checks.manifest.assignment, checks.reference)
            if failed := [
                result.id
                for result in judge.results(checks.reference)
                if result.outcome is not Outcome.PASSED
            ]:
                message = (
                    f"cut out of the file, {', '.join(failed)} would not pass on the reference"
                )
                raise _CannotCutError(message)

        try:
            open_docket(checks.files, body)
        except AutograderError as error:
            raise _CannotCutError(str(error)) from error


def _zipped(members: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same members: no times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def left_out_lines(path: Path) -> tuple[str, ...]:
    """One line for each visible check that the file at `path` leaves to the grader.

    Raises:
        ExchangeError: as `open_checks`.
    """
    with tempfile.TemporaryDirectory() as folder:
        checks = open_checks(path, Path(folder))
    return tuple(f"{one.title}: {one.reason}" for one in checks.manifest.left_out)
