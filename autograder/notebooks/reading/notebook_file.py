"""A file that a student handed in, taken apart without trusting it: a notebook's JSON or a percent
script.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.notebooks.cells import nbgrader_marks, variant_marks
from autograder.notebooks.libraries import import_jupytext, nbformat
from autograder.notebooks.reading.archive import notebook_in_archive
from autograder.notebooks.reading.conflicts import (
    conflicted_cells,
    first_conflict,
    without_conflicts,
)
from autograder.notebooks.reading.unreadable import Unreadable, UnreadableNotebook
from autograder.syntax import undisturbed

__all__ = ["FileCell", "NotebookFile", "Unreadable", "UnreadableNotebook", "read_notebook_file"]

MAX_BYTES = 20_000_000
MAX_CELLS = 2_000
MAX_SCRIPT_BYTES = 250_000
"""A script holds code only, no outputs; jupytext needs seconds for a megabyte, and more than that
for many cells.
"""
MAX_SOURCE_CHARS = 500_000
"""Of all cells together: reading their syntax trees takes seconds per megabyte."""
MAX_JSON_PARTS = 1_000_000
"""Objects, lists and keys: Python needs a hundred bytes and more for one of three bytes, as in
`{},`.
"""
SUFFIXES = (".ipynb", ".py")


@dataclass(frozen=True, slots=True)
class FileCell:
    """A cell as handed in.

    `number` is its 1-based position; `grade_id` what its metadata claims to be, `variant` and
    `secret` whose variant and made with which secret; empty if nothing.
    """

    number: int
    cell_type: str
    source: str
    grade_id: str = ""
    outputs: tuple[dict[str, Any], ...] = ()
    execution_count: int | None = None
    variant: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """Content of a notebook's file.

    `sha256` is of its bytes, in hex; `notices` are sentences to the student about what was mended.
    """

    sha256: str
    cells: tuple[FileCell, ...]
    notices: tuple[str, ...] = ()


def read_notebook_file(path: Path, max_bytes: int = MAX_BYTES, preferred: str = "") -> NotebookFile:
    """Read an .ipynb (nbformat 1 to 4), a .py percent script, or a .zip with one of them.

    `preferred` names it if there are several.

    Raises:
        UnreadableNotebook: if it is none of them, saying what to do.
        OSError: if the disk fails; that is not the student's fault.
    """
    digest, name, data = _read(path, max_bytes, preferred)
    script = name.lower().endswith(".py")
    text, notices = _decoded(data, path)
    if not text.strip():
        raise _empty(path)
    try:
        if not script and first_conflict(text):
            cells, mended = _merged_cells(text, path)
            notices += mended
        else:
            cells = tuple(_script_cells(text, path) if script else _notebook_cells(text, path))
    except RecursionError as error:
        problem = (
            "is nested too deeply to be a notebook. Download it again from Jupyter or Colab and"
            " hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.TOO_DEEP, problem) from error
    if not any(cell.source.strip() for cell in cells):
        raise _empty(path)
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE_CHARS:
        problem = (
            f"holds more than {MAX_SOURCE_CHARS} characters of code and text. Put data into files,"
            " and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.TOO_LARGE, problem)
    return NotebookFile(
        digest,
        cells,
        notices
        + conflicted_cells(
            [(cell.number, cell.source) for cell in cells if cell.cell_type == "code"]
        ),
    )


def _read(path: Path, max_bytes: int, preferred: str) -> tuple[str, str, bytes]:
    """The file's digest, and name and bytes of the notebook that it is or holds."""
    if path.exists() and not path.is_file():  # a directory, or a pipe that would wait for ever
        raise _no_notebook(path, "is not a file")
    if path.suffix.lower() == ".zip":
        packed = notebook_in_archive(path, SUFFIXES, preferred or path.stem, max_bytes)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if packed.name.lower().endswith(".py"):
            _check_size(packed.data, path, MAX_SCRIPT_BYTES)
        return digest, packed.name, packed.data
    limit = min(max_bytes, MAX_SCRIPT_BYTES) if path.suffix.lower() == ".py" else max_bytes
    with path.open("rb") as file:
        data = file.read(limit + 1)
    _check_size(data, path, limit)
    return hashlib.sha256(data).hexdigest(), path.name, data


def _check_size(data: bytes, path: Path, limit: int) -> None:
    if len(data) > limit:
        problem = (
            f"is larger than {limit / 1e6:g} MB. Clear its outputs (Kernel, Restart & Clear"
            " Output), run it again with less printing, and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.TOO_LARGE, problem)


def _decoded(data: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    """The text, and what to say of its encoding.

    UTF-16, which editors on Windows write, is told by its mark or by NULs beside the first sign.
    """
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = (
        "utf-16" if wide else {b"{\0": "utf-16-le", b"\0{": "utf-16-be"}.get(data[:2], "utf-8-sig")
    )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        problem = (
            f"is not UTF-8 text (byte {error.start}). Download the notebook again from Jupyter or"
            " Colab; don't open and save it in an editor on the way"
        )
        raise UnreadableNotebook(path, Unreadable.NOT_UTF8, problem) from error
    return text, (
        ()
        if encoding == "utf-8-sig"
        else ("The file was saved as UTF-16 by an editor; it was read all the same.",)
    )


def _empty(path: Path) -> UnreadableNotebook:
    return UnreadableNotebook(
        path,
        Unreadable.EMPTY,
        "is empty. Did you save before handing it in? Save, and hand it in anew",
    )


def _no_notebook(path: Path, problem: str) -> UnreadableNotebook:
    return UnreadableNotebook(
        path,
        Unreadable.NOT_A_NOTEBOOK,
        f"{problem}. Hand in the .ipynb file as Jupyter or Colab downloads it",
    )


def _merged_cells(text: str, path: Path) -> tuple[tuple[FileCell, ...], tuple[str, ...]]:
    """Return cells of a notebook in which git left conflicts.

    Both sides of the conflicts must have the same code and text.
    """
    sides = without_conflicts(text)
    read: list[tuple[FileCell, ...]] = []
    for side in sides:
        try:
            read.append(tuple(_notebook_cells(side, path)))
        except UnreadableNotebook:
            break
    if (
        len(read) < len(sides)
        or len(
            {
                tuple((cell.cell_type, cell.source, cell.grade_id) for cell in cells)
                for cells in read
            }
        )
        > 1
    ):
        problem = (
            "holds two versions at once, as git leaves them when a merge fails (line"
            f" {first_conflict(text)}). Decide for one, and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.MERGE_CONFLICT, problem)
    return read[0], (
        (
            "The file held a merge conflict of git's, but both versions had the same code and text,"
            " so it was read all the same."
        ),
    )


def _notebook_cells(text: str, path: Path) -> Iterator[FileCell]:
    if sum(map(text.count, "[{:")) > MAX_JSON_PARTS:
        problem = (
            f"has more than {MAX_JSON_PARTS} parts. Clear its outputs (Kernel, Restart & Clear"
            " Output), and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.TOO_LARGE, problem)
    try:
        content = json.loads(text)
    except ValueError as error:  # JSONDecodeError, and numbers of too many digits
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        problem = (
            f"is not a notebook: no valid JSON{where}. Download it again from Jupyter or Colab"
            " (File, Download) and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.NOT_JSON, problem) from error
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise _no_notebook(path, "is JSON, but not a notebook's: it has no `nbformat`")
    _check_language(content, path)
    content = _upgraded(content, path)
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise _no_notebook(path, "has no list of cells")
    _check_count(len(cells), path)
    for number, cell in enumerate(cells, 1):
        yield _file_cell(cell, number, path)


def _check_count(cells: int, path: Path) -> None:
    if cells > MAX_CELLS:
        problem = (
            f"has {cells} cells, more than {MAX_CELLS}. Delete the empty ones and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.TOO_LARGE, problem)


def _check_language(content: Mapping[str, Any], path: Path) -> None:
    metadata = _mapping(content.get("metadata"))
    names = (
        _mapping(metadata.get("kernelspec")).get("language"),
        _mapping(metadata.get("language_info")).get("name"),
    )
    language = next((name for name in names if isinstance(name, str) and name), "python")
    if not language.lower().startswith(("python", "ipython")):
        problem = (
            f"was saved for {_clean(language)[:40]}, not for Python. Choose the Python 3 kernel"
            " (Kernel, Change kernel), run all, save, and hand it in anew"
        )
        raise UnreadableNotebook(path, Unreadable.WRONG_KERNEL, problem)


def _upgraded(content: dict[str, Any], path: Path) -> Mapping[str, Any]:
    """Convert a notebook to nbformat 4.

    The minor version does not matter here, since cell ids are made anew.
    """
    version = content["nbformat"]
    if version == 4:
        return content
    if not 1 <= version < 4:
        raise _no_notebook(path, f"is in notebook format {version}, and the newest known is 4")
    try:
        upgraded: Mapping[str, Any] = nbformat.convert(nbformat.from_dict(content), 4)
    except RecursionError:
        raise
    except Exception as error:  # the converter trusts its input and fails in its own ways
        raise _no_notebook(
            path, f"says it is in notebook format {version}, but can't be read as that"
        ) from error
    return upgraded


def _file_cell(cell: Any, number: int, path: Path) -> FileCell:
    if not isinstance(cell, Mapping) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise _no_notebook(
            path, f"has a cell (number {number}) that is none of code, markdown and raw"
        )
    source = _text(cell.get("source"))
    if source is None:
        raise _no_notebook(path, f"has a cell (number {number}) whose source is not text")
    marks = variant_marks(cell)
    grade_id, variant, secret = (
        nbgrader_marks(cell).get("grade_id") or marks.get("id"),
        marks.get("variant"),
        marks.get("secret"),
    )
    outputs, count = cell.get("outputs"), cell.get("execution_count")
    return FileCell(
        number=number,
        cell_type=cell["cell_type"],
        source=source,
        grade_id=grade_id if isinstance(grade_id, str) else "",
        outputs=tuple(filter(None, map(_output, outputs))) if isinstance(outputs, list) else (),
        execution_count=count if isinstance(count, int) and not isinstance(count, bool) else None,
        variant=variant if isinstance(variant, str) else "",
        secret=secret if isinstance(secret, str) else "",
    )


def _output(output: Any) -> dict[str, Any] | None:
    """An output's known fields, as nbformat 4 has them; None if it is no output."""
    match output:
        case {"output_type": "stream", "text": content}:
            name = output.get("name")
            return {
                "output_type": "stream",
                "name": name if name in ("stdout", "stderr") else "stdout",
                "text": _text(content) or "",
            }
        case {"output_type": "execute_result" | "display_data" as kind, "data": Mapping() as data}:
            texts = {
                _clean(key): text
                for key, value in data.items()
                if (text := _text(value)) is not None
            }
            return {"output_type": kind, "data": texts, "metadata": {}} | (
                {"execution_count": None} if kind == "execute_result" else {}
            )
        case {"output_type": "error"}:
            return {
                "output_type": "error",
                "ename": _text(output.get("ename")) or "",
                "evalue": _text(output.get("evalue")) or "",
                "traceback": [],
            }
    return None


def _script_cells(text: str, path: Path) -> Iterator[FileCell]:
    _check_count(text.count("# %%"), path)
    jupytext = import_jupytext()
    try:
        with undisturbed():  # values in cells' headers are parsed
            notebook = jupytext.reads(text, fmt="py:percent")
    except RecursionError:
        raise
    except Exception as error:  # YAML headers and cell metadata fail in many ways
        raise _no_notebook(path, "can't be read as a script with `# %%` cells") from error
    for number, cell in enumerate(notebook["cells"], 1):
        plain = _file_cell(cell, number, path)
        grade_id = plain.grade_id or cell["metadata"].get("id", "")
        yield FileCell(
            number,
            plain.cell_type,
            plain.source,
            grade_id if isinstance(grade_id, str) else "",
            variant=plain.variant,
            secret=plain.secret,
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    """Text that may come as a list of lines, with line feeds only; None for anything else."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return _clean(value).replace("\r\n", "\n") if isinstance(value, str) else None


def _clean(text: str) -> str:
    """JSON can hold half a surrogate pair, which no file can."""
    return text.encode("utf-8", "replace").decode("utf-8")
