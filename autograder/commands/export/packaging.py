"""This package as it is installed here, for a container: it comes from no registry."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import autograder
from autograder.errors import ExchangeError
from autograder.templates import templates_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")


def package() -> Iterator[tuple[str, bytes]]:
    """Every file of this package with its templates, by its path from the folder that is to be on
    Python's path.
    """
    own = Path(autograder.__file__).resolve().parent
    yield from (
        (f"autograder/{name}", data)
        for name, data in tree(own)
        if not name.startswith("_templates/")
    )
    yield from ((f"autograder/_templates/{name}", data) for name, data in tree(templates_folder()))


def tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder`, by its path from there; no links, hidden files and what Python
    makes by itself.
    """
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if (
            path.is_file()
            and not path.is_symlink()
            and not any(part in _LEFT_OUT or part.startswith(".") for part in parts)
        ):
            yield "/".join(parts), path.read_bytes()


def needed(packages: Sequence[str]) -> tuple[bytes, bytes]:
    """requirements.txt, what this package and the assignment ask for, and constraints.txt, the
    installed version of all that this leads to.

    What another system's torch leads to as well does no harm: a constraint installs nothing.

    Raises:
        ExchangeError: if this package is not installed.
    """
    own = [line for line in _requires("gradstep") if not re.search(r";.*\bextra\b", line)]
    wanted = [
        *own,
        *(
            name
            for name in (*packages, "matplotlib")
            if _canonical(name) not in {_canonical(line) for line in own}
        ),
    ]
    found: dict[str, str] = {}
    waiting = [_canonical(line) for line in wanted]
    while waiting:
        name = waiting.pop()
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another system, or of an extra
        if (
            name not in found and "_vendor" not in Path(str(one.locate_file(""))).parts
        ):  # setuptools puts its own copies on the path once it is imported
            found[name] = one.version.partition("+")[0]
            waiting += [
                _canonical(line) for line in _requires(name) if not re.search(r";.*\bextra\b", line)
            ]
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return ("\n".join(dict.fromkeys(wanted)) + "\n").encode(), ("\n".join(lines) + "\n").encode()


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError as error:
        message = (
            f"{name} is not installed here, so it can't be told what it needs: install it with pip,"
            " from its wheel or its folder"
        )
        raise ExchangeError(message) from error


def _canonical(requirement: str) -> str:
    """The name in a requirement, as registries compare it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def installed(name: str) -> str:
    """The installed version of a package, without what only tells builds apart.

    Raises:
        ExchangeError: if it is not installed.
    """
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError as error:
        message = f"{name} is not installed here, so there is no version to ask for in a container"
        raise ExchangeError(message) from error
