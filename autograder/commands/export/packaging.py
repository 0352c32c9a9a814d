"""This package as it is installed here, for a container: it comes from no registry."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autograder
from autograder.errors import ExchangeError
from autograder.templates import templates_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")


def package() -> Iterator[tuple[str, bytes]]:
    """Read every file of this package with its templates.

    Each has its path from the folder that is to be on Python's path.
    """
    own = Path(autograder.__file__).resolve().parent
    yield from (
        (f"autograder/{name}", data)
        for name, data in tree(own)
        if not name.startswith("_templates/")
    )
    yield from ((f"autograder/_templates/{name}", data) for name, data in tree(templates_folder()))


def tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read every file below `folder`, by its path from there.

    Links, hidden files and what Python makes by itself are left out.
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
    """Return requirements.txt and constraints.txt.

    The first lists what this package and the assignment ask for, the second the installed version
    of all that this leads to.

    What this package and the assignment ask for, and the installed version of all that this leads
    to.

    What another system's torch leads to as well does no harm: a constraint installs nothing.

    Raises:
        ExchangeError: if this package is not installed.
    """
    own = _requires("gradstep")
    wanted = {canonicalize_name(one.name): one for one in own}
    for name in (*packages, "matplotlib"):
        wanted.setdefault(canonicalize_name(name), Requirement(name))
    found: dict[str, str] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another system, or of an extra
        # setuptools puts its own copies on the path once it is imported
        if name not in found and "_vendor" not in Path(str(one.locate_file(""))).parts:
            found[name] = one.version.partition("+")[0]
            waiting += [canonicalize_name(other.name) for other in _requires(name)]
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return ("\n".join(map(str, wanted.values())) + "\n").encode(), (
        "\n".join(lines) + "\n"
    ).encode()


def _requires(name: str) -> list[Requirement]:
    """Requirements of the installed package without its extras.

    Those of all systems: the container need not be of this one.
    """
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError as error:
        message = (
            f"{name} is not installed here, so it can't be told what it needs: install it with pip,"
            " from its wheel or its folder"
        )
        raise ExchangeError(message) from error
    found = map(Requirement, lines)
    return [one for one in found if one.marker is None or "extra" not in str(one.marker)]


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
