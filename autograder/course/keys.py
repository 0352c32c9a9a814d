"""The keys of evidence, grades, pages and validations: what each is made from, as one hash.

Everything counts. What does not stands in a table here, with its reason, so that a file which is
new or has moved is in the keys until somebody takes it out.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import platform
import re
from enum import IntEnum
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

import autograder
from autograder.evidence.limits import Device
from autograder.notebooks.writing.stub import definitions
from autograder.syntax import syntax_tree
from autograder.templates import INSTALLED, templates_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from autograder.assignment import AssignmentFiles

PACKAGE = Path(autograder.__file__).parent


class Use(IntEnum):
    """What code of ours has a hand in.

    Who runs code has one in all that follows: evidence is judged, grades are told.
    """

    NOTHING = 0
    PAGES = 1
    GRADES = 2
    RUNS = 3


PARTS: Mapping[str, tuple[Use, str]] = {
    "__init__.py": (Use.GRADES, "its version stands in every grade"),
    "assignment.py": (Use.GRADES, "reads fields; what of them has a hand in runs is an input"),
    "atomic.py": (Use.NOTHING, "how a file is written, not what is in it"),
    "checks": (Use.GRADES, "judge what has run; calls are keyed as they are in the end"),
    "cli": (Use.NOTHING, "reads words and shows results: what it passes on is an input"),
    "commands": (Use.GRADES, "no part in running: what they ask for is in cells and calls"),
    "course": (Use.GRADES, "no part in running: what it asks for is in cells and calls"),
    "diagnosis": (
        Use.GRADES,
        "what is told of failed runs; the reference's own runs are keyed as they are made",
    ),
    "draw.py": (Use.GRADES, "no part in running: what was drawn is in cells and calls"),
    "errors.py": (Use.NOTHING, "the names of errors"),
    "evidence": (Use.RUNS, "what is sent and recorded, and limits"),
    "evidence/store.py": (Use.NOTHING, "where evidence lies, not what is in it"),
    "exchange": (
        Use.PAGES,
        "what it reads of a submission, times and marks, is compared by itself",
    ),
    "execution": (Use.RUNS, "runs"),
    "judgement": (Use.GRADES, "judges what has run; which calls are made is in the calls"),
    "mistakes": (Use.GRADES, "known mistakes and what is told of them"),
    "notebooks": (Use.GRADES, "no part in running: cells are keyed as they run"),
    "people": (Use.GRADES, "whose a submission is, which a grade says"),
    "pytest_plugin.py": (Use.GRADES, "judges what has run"),
    "reports": (Use.PAGES, "made from grades"),
    "sandboxed": (Use.RUNS, "runs"),
    "standalone.py": (Use.NOTHING, "judges by itself, and keeps nothing"),
    "syntax.py": (Use.RUNS, "cells are read with it, too"),
    "templates.py": (Use.NOTHING, "where templates lie; they count by what is in them"),
}
"""Files and folders of the package, each with what it has a hand in, and why no more; the nearest
counts. What is not listed has one in everything.
"""

RUNNING_LIBRARIES = ("torch", "numpy", "ipython")
JUDGING_LIBRARIES = ("nbformat", "jupytext", "jinja2", "pytest")

NOT_GRADED_BY = {
    "gradescope": "how Gradescope shows a grade that it has just had made",
}
"""Fields of assignment.toml that are in no grade."""

NOT_TESTED_BY = {
    **NOT_GRADED_BY,
    "title": "text",
    "due": "when pages tell more",
    "disclosure": "how much pages tell",
    "isolation": "compared with that of each run",
    "submitted_as": "names of files",
}
"""Fields of assignment.toml that the test of the checks does not depend on, besides the titles of
parts and questions.
"""

BESIDE_THE_SOLUTION = {
    "mistakes.py": (
        "tries the checks; what is told of it reaches a grade with the gallery, which has a digest"
    ),
    "equivalents.py": "tries the checks",
}
"""Files in a solution's folder that are in no grade."""

_MARKER = re.compile(r"^([ \t]*)#.*\b(BEGIN|END) ([A-Z][A-Z ]+)", re.MULTILINE)
_MARKDOWN_CELL = re.compile(r"^# %% \[markdown\].*\n(?:(?!# %%).*\n?)*", re.MULTILINE)


def run_inputs(files: AssignmentFiles) -> dict[str, str]:
    """What all runs of an assignment depend on besides cells and calls, by what it is called to an
    instructor: a version or number, or a digest.

    Raises:
        AssignmentError: if a given definition is not in the solution.
    """
    assignment = files.assignment
    return {
        "seed": str(assignment.seed),
        "limits": digest(msgspec.msgpack.encode(assignment.limits)),
        **{name: digest((files.folder / name).read_bytes()) for name in assignment.files},
        "drivers.py": digest(files.drivers_source().encode()),
        "given definitions": digest(given_source(files, assignment.given).encode()),
        "device": files.hardware or str(Device.CPU),
        "Python": platform.python_version(),
        **{name: _version(name) for name in (*RUNNING_LIBRARIES, *assignment.packages)},
        "GradStep's way of running": package_digest(Use.RUNS),
    }


def given_source(files: AssignmentFiles, names: tuple[str, ...]) -> str:
    """Return the solution's definitions of `names`.

    Raises:
        AssignmentError: if the solution lacks one.
    """
    return (
        definitions(files.solution.read_text(encoding="utf-8"), names, files.solution)
        if names
        else ""
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Name what differs between two sets of inputs, with the values where they are short; empty
    where nothing does.
    """
    names = [
        name
        for name in dict.fromkeys((*before, *after))
        if before.get(name, "none") != after.get(name, "none")
    ]
    return ", ".join(
        _change(name, before.get(name, "none"), after.get(name, "none")) for name in names
    )


def _change(name: str, before: str, after: str) -> str:
    return (
        name
        if any(len(value) == _DIGITS for value in (before, after))
        else f"{name} {before} -> {after}"
    )


def judging_key(files: AssignmentFiles) -> str:
    """Hash of everything but the submission that a grade depends on, made without importing torch
    or collecting a check.
    """
    fields = msgspec.structs.asdict(files.assignment)
    inputs = {
        **run_inputs(files),
        **{
            f"assignment.toml {name}": _encoded(value)
            for name, value in fields.items()
            if name not in NOT_GRADED_BY
        },
        **_contents(files.folder, except_for={"assignment.toml"}),
        **{
            f"solution {name}": content
            for name, content in _contents(
                files.solution.parent, except_for=BESIDE_THE_SOLUTION
            ).items()
        },
        **({"variant": f"{files.draw.tag} {files.draw.digest}"} if files.draw is not None else {}),
        **{name: _version(name) for name in JUDGING_LIBRARIES},
        "GradStep": package_digest(Use.GRADES),
    }
    return digest(_encoded(inputs).encode())


def validation_key(files: AssignmentFiles) -> str:
    """Hash of everything that the test of the checks depends on: of code what it does, not its
    text; of a notebook its code, not its prose.
    """
    fields = msgspec.structs.asdict(files.assignment)
    others = _contents(files.folder, except_for={"assignment.toml", files.template.name})
    inputs = {
        **run_inputs(files),
        "given definitions": "",  # of the solution, which counts by what it does
        **{
            f"assignment.toml {name}": _encoded(_untitled(value))
            for name, value in fields.items()
            if name not in NOT_TESTED_BY
        },
        "notebook": _MARKDOWN_CELL.sub(_kept_prose, files.template.read_text(encoding="utf-8")),
        **{name: content for name, content in others.items() if not name.endswith((".py", ".md"))},
        **_meanings(files.folder),
        **{
            f"solution {name}": meaning
            for name, meaning in _meanings(files.solution.parent).items()
        },
        **{name: _version(name) for name in JUDGING_LIBRARIES},
        "GradStep": package_digest(Use.GRADES),
    }
    return digest(_encoded(inputs).encode())


@functools.cache
def package_digest(least: Use) -> str:
    """Hash of our own code that has a hand in `least`: a change of the grader makes old evidence,
    grades or pages stale.
    """
    return files_digest(name for name in package_files() if use_of(name) >= least)


@functools.cache
def pages_digest() -> str:
    """Hash of our own code and templates that pages and gradebooks are made with; templates in
    folders are what exports write.
    """
    templates = sorted(path for path in templates_folder().iterdir() if path.is_file())
    return digest(
        package_digest(Use.PAGES).encode(),
        *(part for path in templates for part in (path.name.encode(), path.read_bytes())),
    )


def files_digest(names: Iterable[str]) -> str:
    """Hash of files of the package, by their paths in it."""
    return digest(
        *(part for name in names for part in (name.encode(), (PACKAGE / name).read_bytes()))
    )


def package_files() -> Iterator[str]:
    """Yield the paths of all modules in the package, sorted.

    A wheel's templates are none of them: in a checkout they lie elsewhere, and keys are the same in
    both.
    """
    names = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    yield from sorted(name for name in names if not name.startswith(f"{INSTALLED}/"))


def use_of(name: str) -> Use:
    """What the module at that path in the package has a hand in."""
    path = PurePosixPath(name)
    listed = (PARTS[str(place)] for place in (path, *path.parents) if str(place) in PARTS)
    return next(listed, (Use.RUNS, ""))[0]


def _contents(folder: Path, except_for: Iterable[str] = ()) -> dict[str, str]:
    """Digests of all files below `folder`, by path, but of hidden ones, Python's caches and those
    named.
    """
    left_out = {"__pycache__", *except_for}
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (
            not any(part in left_out or part.startswith(".") for part in name.split("/"))
            and path.is_file()
        ):
            found[name] = digest(path.read_bytes())
    return found


def _meanings(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): meaning(
            path.read_text(encoding="utf-8-sig", errors="replace")
        )
        for path in sorted(folder.rglob("*.py"))
    }


def _untitled(value: object) -> object:
    """Return `value` without the titles in it, which are text."""
    if isinstance(value, tuple):
        return [_untitled(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return {
            name: item
            for name, item in msgspec.structs.asdict(value).items()
            if name not in ("title", "part")
        }
    return value


def _kept_prose(cell: re.Match[str]) -> str:
    """Prose counts where it holds Jinja2's statements, which code after it may depend on."""
    return cell[0] if "{%" in cell[0] else ""


def meaning(source: str) -> str:
    """Return what Python code does, without docstrings, comments and layout, but with the markers
    of solutions; the text itself where it can't be parsed.
    """
    try:
        tree = syntax_tree(_MARKER.sub(r"\1__marker__('\2 \3')", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


@functools.cache
def _version(package: str) -> str:
    """The version of an installed package, whose name may carry bounds.

    Read once: torch's metadata take 4 ms.
    """
    try:
        return metadata.version(re.split(r"[^\w.-]", package, maxsplit=1)[0])
    except (metadata.PackageNotFoundError, ValueError):
        return "not installed"


def _encoded(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


_DIGITS = 64
"""Of a digest."""


def digest(*parts: bytes) -> str:
    """Hash `parts`; 64 hexadecimal digits."""
    whole = hashlib.sha256()
    for part in parts:
        # lengths first, so that two lists of parts never run together
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()
