"""An nbgrader assignment as its author wrote it: source/<assignment>/ with its notebooks and other
files, checked as nbgrader would, each fault with file and cell.

nbgrader's own modules read the metadata (schema versions 1 to 3, and what came before) and cut what
students don't get; nbgrader_config.py is run, as nbgrader runs it, for regions, stubs and headers
of the course's own.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError
from autograder.notebooks.cells import GRADE_ID, Role, nbgrader_marks
from autograder.notebooks.libraries import NotebookNode, nbformat
from autograder.notebooks.writing.regions import Region, region_lines
from autograder.notebooks.writing.stub import STUB_LINES

if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTOTEST = re.compile(r"^\s*#+\s*(?:HASHED\s+)?AUTOTEST\b", re.MULTILINE)
_SAFE_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class SourceCell:
    """A cell of the source: `source` as its author wrote it, `released` as students get it (None:
    without their stub, see `cell` in a template). `id` is nbgrader's, or made up.
    """

    id: str
    role: Role
    cell_type: str
    source: str
    released: str
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceNotebook:
    """One notebook.

    `attachments` are images that stood in its cells, by the name of the file that they become.
    """

    path: Path
    cells: tuple[SourceCell, ...]
    attachments: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class SourceAssignment:
    """A folder of source/: its notebooks, and all other files, by their path in it.

    `cell_s` is how long nbgrader lets a cell run (None: for ever), `ignore_stderr` a pattern of
    what it passes over on stderr.
    """

    name: str
    notebooks: tuple[SourceNotebook, ...]
    files: dict[str, bytes]
    cell_s: int | None
    ignore_stderr: str


def read_source(folder: Path) -> SourceAssignment:
    """Read the assignment in `folder`.

    Raises:
        ExchangeError: naming file and cell, for what nbgrader would refuse and for what can't be
            taken over; if nbgrader is not installed, or there is no notebook.
    """
    folder = folder.resolve()
    paths = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
    if not paths:
        there = sorted(
            {
                path.parent.name
                for depth in ("*/*.ipynb", "source/*/*.ipynb")
                for path in folder.glob(depth)
            }
        )
        advice = (
            f"; add a NAME: {', '.join(there)}"
            if there
            else "; name a folder such as source/ps1 of an nbgrader course"
        )
        message = f"{folder}: no notebook (*.ipynb) in there{advice}"
        raise ExchangeError(message)
    reader = _Reader.of(folder)
    return SourceAssignment(
        folder.name,
        tuple(reader.notebook(path) for path in paths),
        reader.files(folder),
        reader.cell_s,
        reader.ignore_stderr,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """nbgrader's classes with the course's configuration.

    `root` is the folder of nbgrader_config.py.
    """

    root: Path
    config: Any
    tools: Any

    @classmethod
    def of(cls, folder: Path) -> _Reader:
        try:
            # heavy, optional: pulls in JupyterLab
            from nbgrader import (
                coursedir,
                nbgraderformat,
                preprocessors,
                utils,
            )
            from traitlets.config import Config, PyFileConfigLoader
        except ImportError as error:
            message = (
                'importing needs nbgrader, which is not installed: pip install "gradstep[course]"'
            )
            raise ExchangeError(message) from error
        root = next(
            (above for above in folder.parents if (above / "nbgrader_config.py").is_file()),
            folder.parent.parent,
        )
        path = root / "nbgrader_config.py"
        try:
            with contextlib.chdir(root):
                config = (
                    PyFileConfigLoader(path.name, str(root)).load_config()
                    if path.is_file()
                    else Config()
                )
        except Exception as error:  # it may hold any Python
            message = f"{path} fails: {type(error).__name__}: {error}"
            raise ExchangeError(message) from error
        # "extra keys detected": they are removed, as by nbgrader
        logging.getLogger("traitlets").setLevel(logging.ERROR)
        return cls(
            root,
            config,
            {
                "coursedir": coursedir,
                "format": nbgraderformat,
                "cut": preprocessors,
                "utils": utils,
            },
        )

    @property
    def cell_s(self) -> int | None:
        """Seconds; nbgrader's own 30 unless nbgrader_config.py says otherwise."""
        timeout = self.tools["cut"].Execute(config=self.config).timeout
        return timeout if timeout and timeout > 0 else None

    @property
    def ignore_stderr(self) -> str:
        """A regular expression, empty unless nbgrader_config.py switches it on."""
        ignore = self.tools["cut"].IgnorePattern(config=self.config)
        return str(ignore.pattern) if ignore.enabled else ""

    def files(self, folder: Path) -> dict[str, bytes]:
        """All files but notebooks that nbgrader would give to students, sorted."""
        ignored = [*self.tools["coursedir"].CourseDirectory(config=self.config).ignore, "*.ipynb"]
        found = sorted(
            Path(name) for name in self.tools["utils"].find_all_files(str(folder), ignored)
        )
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    def notebook(self, path: Path) -> SourceNotebook:
        """Read and check one notebook."""
        notebook = _read(path)
        header = self.tools["cut"].IncludeHeaderFooter(config=self.config)
        try:
            with contextlib.chdir(self.root):
                notebook, _ = header.preprocess(notebook, {})
        except (OSError, ValueError) as error:
            message = (
                f"{path}: the header or footer that nbgrader_config.py names can't be read: {error}"
            )
            raise ExchangeError(message) from error
        self._check_metadata(path, notebook)
        attachments = _attachments_as_files(path, notebook)
        roles = [_role(cell) for cell in notebook.cells]
        self._standard_regions(path, notebook)
        released = self._cut(path, notebook, roles)
        cells: list[SourceCell] = []
        taken = {str(nbgrader_marks(cell).get("grade_id")) for cell in notebook.cells}
        for number, (cell, role, shown) in enumerate(
            zip(notebook.cells, roles, released.cells, strict=True), 1
        ):
            marks = nbgrader_marks(cell)
            name = str(marks["grade_id"]) if role is not Role.FREE else _free_id(number, taken)
            points = (
                float(marks.get("points", 0))
                if role in (Role.TESTS, Role.ANSWER, Role.TASK)
                else 0.0
            )
            cells.append(
                SourceCell(name, role, cell.cell_type, _lf(cell.source), _lf(shown.source), points)
            )
        return SourceNotebook(path, tuple(cells), attachments)

    def _check_metadata(self, path: Path, notebook: NotebookNode) -> None:
        """Bring nbgrader's metadata up to version 3, in place, or say which cell's is wrong."""
        tools = self.tools["format"]
        seen: dict[str, int] = {}
        for number, cell in enumerate(notebook.cells, 1):
            marks = cell.metadata.get("nbgrader")
            if marks is None:
                continue
            name = marks.get("grade_id", "") if isinstance(marks, dict) else ""
            validator = tools.MetadataValidator()
            try:
                validator.upgrade_cell_metadata(cell)
                validator.validate_cell(cell)
            except (
                tools.ValidationError,
                tools.SchemaTooOldError,
                tools.SchemaTooNewError,
                KeyError,
                TypeError,
                ValueError,
                AttributeError,
            ) as error:
                reason = str(getattr(error, "message", error)).split("\n", maxsplit=1)[0]
                raise _fault(
                    path, number, name, f"nbgrader's metadata is not valid: {reason}"
                ) from error
            if not any(
                nbgrader_marks(cell).get(key) for key in ("grade", "solution", "locked", "task")
            ):
                cell.metadata.pop("nbgrader", None)
                continue
            name = nbgrader_marks(cell)["grade_id"]
            if name in seen:
                raise _fault(path, number, name, f"the grade_id is taken by cell {seen[name]}")
            if not GRADE_ID.fullmatch(name):
                raise _fault(
                    path,
                    number,
                    name,
                    "the grade_id can't be a cell's name here: use 1 to 64 letters, digits, - or _",
                )
            seen[name] = number

    def _standard_regions(self, path: Path, notebook: NotebookNode) -> None:
        """Write the regions' marker lines in nbgrader's usual words, and check where they stand.

        nbgrader_config.py may have changed them.
        """
        for number, cell in enumerate(notebook.cells, 1):
            name = str(nbgrader_marks(cell).get("grade_id", ""))
            marks = nbgrader_marks(cell)
            where = {
                Region.SOLUTION: "solution",
                Region.HIDDEN_TESTS: "grade",
                Region.MARK_SCHEME: "task",
            }
            for region, (begin, end) in self._delimiters().items():
                cell.source = _with_words(cell.source, begin, region.begin)
                cell.source = _with_words(cell.source, end, region.end)
                try:
                    found = region_lines(cell.source, region)
                except ValueError as error:
                    raise _fault(path, number, name, str(error)) from error
                if found and not marks.get(where[region]):
                    raise _fault(
                        path,
                        number,
                        name,
                        f"`{region.begin}` in a cell that is not marked as {where[region]};"
                        " nbgrader refuses it too",
                    )
            if marks.get("grade") and _AUTOTEST.search(cell.source):
                problem = (
                    "`### AUTOTEST` makes its tests when nbgrader releases the notebook: put the"
                    " tests that stand in release/ in its place"
                )
                raise _fault(path, number, name, problem)

    def _delimiters(self) -> dict[Region, tuple[str, str]]:
        cut = self.tools["cut"]
        solution, hidden, scheme = (
            cut.ClearSolutions(config=self.config),
            cut.ClearHiddenTests(config=self.config),
            cut.ClearMarkScheme(config=self.config),
        )
        return {
            Region.SOLUTION: (solution.begin_solution_delimeter, solution.end_solution_delimeter),
            Region.HIDDEN_TESTS: (hidden.begin_test_delimeter, hidden.end_test_delimeter),
            Region.MARK_SCHEME: (
                scheme.begin_mark_scheme_delimeter,
                scheme.end_mark_scheme_delimeter,
            ),
        }

    def _cut(self, path: Path, notebook: NotebookNode, roles: Sequence[Role]) -> NotebookNode:
        """The notebook as nbgrader itself would release it, with stubs in our words."""
        cut = self.tools["cut"]
        released = copy.deepcopy(notebook)
        own = cut.ClearSolutions(config=self.config)
        solutions = cut.ClearSolutions(
            code_stub={"python": "\n".join(STUB_LINES)}, text_stub=own.text_stub
        )
        language = notebook.metadata.get("kernelspec", {}).get("language", "python")
        released.metadata["kernelspec"] = {
            "language": "python",
            "name": "python3",
            "display_name": "Python 3",
        }
        try:
            for preprocessor in (solutions, cut.ClearHiddenTests(), cut.ClearMarkScheme()):
                released, _ = preprocessor.preprocess(released, {"language": language})
        except (RuntimeError, ValueError) as error:
            message = f"{path}: nbgrader can't release it: {error}"
            raise ExchangeError(message) from error
        assert len(released.cells) == len(roles)
        return released


def _read(path: Path) -> NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat fails in its own ways on a file that is no notebook
        message = f"{path}: not a notebook that can be read: {error}"
        raise ExchangeError(message) from error
    metadata = notebook.metadata
    language = (
        metadata.get("kernelspec", {}).get("language")
        or metadata.get("language_info", {}).get("name")
        or "python"
    )
    if not str(language).lower().startswith("python"):
        message = f"{path}: its kernel is for {language}; only Python notebooks can be imported"
        raise ExchangeError(message)
    return notebook


def _role(cell: NotebookNode) -> Role:
    """Return a cell's role by nbgrader's (valid) metadata."""
    marks = nbgrader_marks(cell)
    points = float(marks.get("points", 0))
    if marks.get("task"):
        return Role.TASK if points else Role.TEXT
    if marks.get("grade") and marks.get("solution"):
        # nobody marks what gives no points
        return Role.ANSWER if points else Role.SOLUTION if cell.cell_type == "code" else Role.FREE
    if marks.get("grade"):
        return Role.TESTS
    if marks.get("solution"):
        return Role.SOLUTION
    if marks.get("locked") and cell.cell_type != "raw":
        return Role.GIVEN if cell.cell_type == "code" else Role.TEXT
    return Role.FREE


def _with_words(source: str, own: str, usual: str) -> str:
    if own == usual:
        return source
    lines = source.split("\n")
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}### {usual}" if own in line else line
        for line in lines
    )


def _attachments_as_files(path: Path, notebook: NotebookNode) -> dict[str, bytes]:
    """Turn images that stand in cells into files beside the notebook, in place.

    A script can't hold them.
    """
    import base64
    import binascii

    found: dict[str, bytes] = {}
    for number, cell in enumerate(notebook.cells, 1):
        for name, data in (cell.pop("attachments", None) or {}).items():
            safe = "".join(_SAFE_NAME.findall(name)) or "image"
            try:
                content = base64.b64decode(next(iter(data.values())))
            except (StopIteration, AttributeError, TypeError, binascii.Error) as error:
                raise _fault(path, number, "", f"its attachment {name!r} can't be read") from error
            found[f"cell-{number}-{safe}"] = content
            cell.source = cell.source.replace(f"attachment:{name}", f"cell-{number}-{safe}")
    return found


def _free_id(number: int, taken: set[str]) -> str:
    name = f"cell-{number}"
    while name in taken:
        name += "-own"
    return name


def _lf(text: str) -> str:
    return str(text).replace("\r\n", "\n").replace("\r", "\n")


def _fault(path: Path, number: int, name: object, problem: str) -> ExchangeError:
    called = f" ({name!r})" if name else ""
    return ExchangeError(f"{path}: cell {number}{called}: {problem}")
