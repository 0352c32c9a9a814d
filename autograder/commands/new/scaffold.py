"""New courses and new assignments: folders with a small example that works as it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autograder.errors import AssignmentError
from autograder.reports.rendering import filled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""It names folders, a notebook and a Python module."""


def new_assignment(course: Path, slug: str, title: str = "") -> tuple[Path, ...]:
    """Write assignment `slug` into the course at `course`: metadata, notebook, checks, solution and
    mistakes of an example. Returns their paths.

    `title` defaults to the slug in words.

    Raises:
        AssignmentError: for a slug that can't name a module, a folder that is no course, or a file
            that is there already; nothing is written then.
    """
    if not SLUG.fullmatch(slug):
        message = (
            f"{slug!r} can't name an assignment: use small letters, digits, - and _, a letter first"
        )
        raise AssignmentError(message)
    if not (course / "assignments").is_dir():
        message = (
            f"{course} is no course folder, it has no assignments/: `autograder init FOLDER`"
            " makes one"
        )
        raise AssignmentError(message)
    folder, solution = course / "assignments" / slug, course / "solutions" / slug
    places = {
        "assignment.toml": folder / "assignment.toml",
        "notebook.py.j2": folder / "notebook.py.j2",
        "checks.py": folder / f"test_{slug.replace('-', '_')}.py",
        "solution.py": solution / "solution.py",
        "mistakes.py": solution / "mistakes.py",
    }
    title = title or re.sub(r"[-_]+", " ", slug).strip().capitalize()
    if '"' in title or "\\" in title or not title.isprintable():
        message = (
            f"the title {title!r} would need escapes: leave out quotation marks and backslashes"
        )
        raise AssignmentError(message)
    return _write("new", places, {"slug": slug, "title": title})


def new_course(folder: Path) -> tuple[Path, ...]:
    """Make an empty course in `folder`, which may exist. Returns the paths of its files.

    Raises:
        AssignmentError: if there is a course already, or a file in the way; nothing is written
            then.
    """
    if (folder / "assignments").exists():
        message = f"{folder} is a course already: `autograder new SLUG` adds an assignment"
        raise AssignmentError(message)
    places = {"README.md": folder / "README.md", "gitignore": folder / ".gitignore"}
    written = _write("course", places, {"title": folder.resolve().name})
    for name in ("assignments", "solutions"):
        (folder / name).mkdir(exist_ok=True)
    return written


def _write(folder: str, places: Mapping[str, Path], words: Mapping[str, str]) -> tuple[Path, ...]:
    """Write each template of `folder` to its place, with `words` filled in; all of them or none."""
    if taken := [str(path) for path in places.values() if path.exists()]:
        message = f"there already, and never overwritten: {', '.join(taken)}"
        raise AssignmentError(message)
    for name, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(f"{folder}/{name}", words), encoding="utf-8")
    return tuple(places.values())
