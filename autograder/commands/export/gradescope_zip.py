"""The zip that Gradescope builds an autograder from.

::

    setup.sh, run_autograder          what Gradescope calls
    gradstep/course/                  the assignment and its solution, in a course of its own
    gradstep/package/                 this package as it is installed here: it comes from no registry
    gradstep/requirements.txt         what it needs
    gradstep/constraints.txt          in the versions that are installed here
    gradstep/*.json                   results for the cases in which no other can be written
"""

from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.commands.container.gradescope_run import RESERVE_S, wall_needed_s
from autograder.commands.export.packaging import installed, needed, package, tree
from autograder.course.draws import refuse_variants
from autograder.course.hardware import refuse_gpu
from autograder.errors import AssignmentError
from autograder.exchange.gradescope.preview import preview
from autograder.exchange.gradescope.results_json import encode_results, not_graded, shown_when
from autograder.execution.processes import TREE_CPU_FACTOR
from autograder.judgement.calibration import calibration_path, doubt
from autograder.judgement.grade import Visibility
from autograder.reports.rendering import filled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import CheckSpec

UV = "0.13.9"
"""The uv that setup.sh was tried with."""
_MOMENT = (2020, 1, 1, 0, 0, 0)
"""Of every file in the zip: the same assignment makes the same zip."""

_UNFINISHED = (
    "Grading was cut off before it could say anything. Please ask your instructor to run the"
    " autograder again"
)
_OUT_OF_TIME = (
    "Grading took longer than the {minutes} minutes that it may take, and was stopped. If your"
    " notebook trains for very long, shorten it and hand it in again; else ask your instructor to"
    " run the autograder again"
)
_CRASHED = (
    "The grader itself was ended, perhaps for want of memory. Please ask your instructor to run the"
    " autograder again"
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The zip and what its author should know.

    `warnings` are about limits, versions and isolation; `seen` says what students will see.
    """

    path: Path
    size_bytes: int
    seen: tuple[str, ...]
    warnings: tuple[str, ...]


def export_gradescope(files: AssignmentFiles, path: Path) -> Exported:
    """Write the zip to `path`, readable by its owner only: it holds the solution.

    Raises:
        AssignmentError: if the assignment has variants, the checks can't be collected, or the
            leaderboard names a check that there is not, or that students don't see at once.
        ExchangeError: if this package is not installed, so that nothing is known of what it needs.
    """
    refuse_variants(files, "Gradescope")
    refuse_gpu(files, "Gradescope")
    specs = open_docket(files, lambda docket: docket.specs)
    _check_leaderboard(files, specs)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in sorted(_entries(files)):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.external_attr = (0o100000 | mode) << 16
            entry.create_system = 3  # Unix: else the modes mean nothing
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    write_atomic(path, content.getvalue())
    return Exported(
        path, content.tell(), tuple(preview(files.assignment, specs)), tuple(_warnings(files))
    )


def _entries(files: AssignmentFiles) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and mode of each file."""
    timeout_s = 60 * files.assignment.gradescope.timeout_minutes - RESERVE_S
    words = {
        "timeout_s": str(timeout_s),
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "torch": installed("torch"),
        "uv": UV,
    }
    for name in ("setup.sh", "run_autograder"):
        yield name, filled(f"gradescope/{name}", words).encode(), 0o755
    requirements, constraints = needed(files.assignment.packages)
    own = {"requirements.txt": requirements, "constraints.txt": constraints} | _prepared(files)
    yield from ((f"gradstep/{name}", data, 0o644) for name, data in own.items())
    course = f"gradstep/course/assignments/{files.slug}"
    yield from ((f"{course}/{name}", data, 0o644) for name, data in tree(files.folder))
    yield (
        f"gradstep/course/solutions/{files.slug}/{files.solution.name}",
        files.solution.read_bytes(),
        0o644,
    )
    yield from ((f"gradstep/package/{name}", data, 0o644) for name, data in package())


def _prepared(files: AssignmentFiles) -> dict[str, bytes]:
    minutes = f"{files.assignment.gradescope.timeout_minutes}"
    texts = {
        "unfinished": _UNFINISHED,
        "out_of_time": _OUT_OF_TIME.format(minutes=minutes),
        "crashed": _CRASHED,
    }
    return {f"{name}.json": encode_results(not_graded(f"{text}.")) for name, text in texts.items()}


def _check_leaderboard(files: AssignmentFiles, specs: Sequence[CheckSpec]) -> None:
    by_id = {spec.id: spec for spec in specs}
    for entry in files.assignment.gradescope.leaderboard:
        spec = by_id.get(entry.check)
        if spec is None:
            message = (
                f"{files.folder / 'assignment.toml'}: the leaderboard {entry.name!r} is about"
                f" {entry.check!r}, but no check has that name; there are: {', '.join(by_id)}"
            )
            raise AssignmentError(message)
        if shown_when(files.assignment, spec.worth.visibility) is not Visibility.VISIBLE:
            message = (
                f"{files.folder / 'assignment.toml'}: the leaderboard {entry.name!r} would tell"
                f" everybody who passed {entry.check!r}, which students don't see at once: choose a"
                " visible check"
            )
            raise AssignmentError(message)


def _warnings(files: AssignmentFiles) -> Iterator[str]:
    settings, limits = files.assignment.gradescope, files.assignment.limits
    budget, needed = 60 * settings.timeout_minutes - RESERVE_S, wall_needed_s(limits)
    if needed > budget:
        yield (
            f"a submission that uses up its computing time ({TREE_CPU_FACTOR} x {limits.cpu_s} s,"
            f" cpu_s in assignment.toml) takes {needed} s on Gradescope's half CPU, but there are"
            f" {budget} s: choose a longer timeout there and say so ([gradescope] timeout_minutes,"
            " at most 40), or lower cpu_s"
        )
    if said := doubt(calibration_path(files.folder), metadata.version("torch")):
        yield said
    if settings.isolation is not None and settings.isolation.rank < files.assignment.isolation.rank:
        yield (
            f"[gradescope] accepts isolation {settings.isolation}, less than the"
            f" {files.assignment.isolation} that the assignment asks for elsewhere"
        )
