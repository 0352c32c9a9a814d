"""The table of machines: ``python -m tests.machines --folder DIR [--only NAME] [-- pytest's
arguments]`` runs pytest in each configuration, into docs/machines.md.

Each has a clone of the committed state and an environment of its own below DIR, made with its own
user and umask by `make`, and kept for the next time. Needs root, git, make and the standard library
alone. What this machine can't offer stands in the table with its reason; a configuration that is
run replaces its own row.
"""

from __future__ import annotations

import argparse
import datetime
import fcntl
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.surroundings import PLACES, in_namespace, kernel_version, refused, without_bubblewrap

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "machines.md"
ORDINARY_UID = 12345
SYSTEM, HOME = "/usr", "closed home"
"""Where an interpreter stands: Debian's, in a folder that everybody can read; or below one that
nobody else may enter, where clone and environment stand too.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One configuration.

    `python` is the version; `place` where its interpreter stands, empty: wherever there is one.
    """

    name: str
    user: str = "root"
    bubblewrap: bool = True
    umask: int = 0o022
    place: str = ""
    python: str = "3.11"

    @property
    def installed_at(self) -> str:
        """The folder of its clone; those that differ in bubblewrap alone share one."""
        place = {SYSTEM: "usr", HOME: "home"}.get(self.place, "any")
        return f"{self.user}-{self.umask:03o}-{place}-{self.python}"


def _all_machines() -> Iterator[Machine]:
    for place, short in ((HOME, "home"), (SYSTEM, "usr")):
        for umask in (0o022, 0o077):
            for bubblewrap in (True, False):
                yield Machine(
                    f"root-{short}-{umask:03o}-{'bwrap' if bubblewrap else 'bare'}",
                    "root",
                    bubblewrap,
                    umask,
                    place,
                )
    for bubblewrap in (True, False):
        yield Machine(
            f"ordinary-{'bwrap' if bubblewrap else 'bare'}", "ordinary", bubblewrap, place=SYSTEM
        )
    for version in ("3.12", "3.13", "3.14"):
        yield Machine(f"python-{version}", python=version)


MACHINES = tuple(_all_machines())
HEADS = (
    "configuration",
    "user",
    "bubblewrap",
    "umask",
    "interpreter",
    "Python",
    "torch",
    "tests",
    "passed",
    "failed",
    "skipped",
    "wall s",
    "CPU s",
    "Linux, date",
    "why skipped",
)


class NotHereError(Exception):
    """This machine does not offer the configuration; says why."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the user of this script has given: the folder for clones, a bwrap that is not installed,
    interpreters by version, pytest's arguments.
    """

    folder: Path
    bwrap: Path | None
    pythons: dict[str, Path]
    tests: Sequence[str]


def main() -> None:
    """Run, write each row as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="for clones and environments; everybody must be able to enter it",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[one.name for one in MACHINES],
        help="a configuration by name; may be repeated",
    )
    parser.add_argument("--bwrap", type=Path, help="a bwrap to use where none is installed")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="X.Y=PATH",
        help="an interpreter to use for a version",
    )
    parser.add_argument("tests", nargs="*", default=[], help="pytest's arguments, after --")
    given = parser.parse_args()
    if why := refused():
        sys.exit(f"needs a mount namespace: {why}")
    given.folder.mkdir(parents=True, exist_ok=True)
    given.folder.chmod(0o755)
    named = dict(text.split("=", 1) for text in given.python)
    means = Means(
        given.folder.resolve(),
        given.bwrap,
        {version: Path(path) for version, path in named.items()},
        given.tests,
    )
    bundle = means.folder / "head.bundle"
    made = bundle.with_suffix(f".{os.getpid()}")
    subprocess.run(["git", "-C", ROOT, "bundle", "create", "--quiet", made, "HEAD"], check=True)
    made.chmod(0o644)
    made.replace(bundle)
    for machine in MACHINES:
        if given.only is None or machine.name in given.only:
            try:
                cells = run(machine, means)
            except NotHereError as error:
                cells = [
                    machine.name,
                    *_described(machine),
                    machine.place,
                    "",
                    "",
                    "",
                    "not run",
                    "",
                    "",
                    "",
                    "",
                    _today(),
                    str(error),
                ]
            print("\t".join(cells), flush=True)
            write_row(PAGE, cells)


def run(machine: Machine, means: Means) -> list[str]:
    """Install where needed and run pytest; the row.

    Raises:
        NotHereError: if this machine does not offer the configuration.
    """
    python = interpreter(machine, means)
    before = [*surroundings(machine, means), *_as_user(machine)]
    clone = installed(machine, means, python)
    report = clone.parent / f"{machine.name}.xml"
    report.unlink(missing_ok=True)
    words = [
        *before,
        clone / ".venv" / "bin" / "python",
        "-m",
        "pytest",
        "-q",
        f"--junitxml={report}",
        *means.tests,
    ]
    spent, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        words, cwd=clone, env=_environment(machine, clone), umask=machine.umask, check=False
    )
    wall_s, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - spent.ru_utime - spent.ru_stime
    asked = "import platform, torch; print(platform.python_version(), torch.__version__)"
    words = [*_as_user(machine), clone / ".venv" / "bin" / "python", "-c", asked]
    versions = subprocess.run(
        words,
        cwd=clone,
        env=_environment(machine, clone),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    found = counted(report) if report.exists() else ["0", "pytest gave no report", "0", ""]
    tests = shlex.join(means.tests) or "all"
    return [
        machine.name,
        *_described(machine),
        _place(python, clone),
        *versions,
        tests,
        *found[:3],
        f"{wall_s:.0f}",
        f"{cpu_s:.0f}",
        _today(),
        found[3],
    ]


def counted(report: Path) -> list[str]:
    """Passed, failed and skipped tests of pytest's JUnit XML, and the reasons of the last,
    counted.
    """
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = sum(
        case.find("failure") is not None or case.find("error") is not None for case in cases
    )
    skipped = [
        found.get("message") or "no reason"
        for case in cases
        if (found := case.find("skipped")) is not None
    ]
    reasons = Counter(skipped).most_common()
    return [
        str(len(cases) - failed - len(skipped)),
        str(failed),
        str(len(skipped)),
        "; ".join(f"{n}: {why}" for why, n in reasons),
    ]


def surroundings(machine: Machine, means: Means) -> list[str]:
    """Words that put bubblewrap there or away.

    Raises:
        NotHereError: if there is none.
    """
    if not machine.bubblewrap:
        return without_bubblewrap()
    if any(os.access(place, os.X_OK) for place in PLACES):
        return []
    if means.bwrap is None:
        message = "bubblewrap is not installed"
        raise NotHereError(message)
    beside = means.folder / "bin"
    beside.mkdir(exist_ok=True)
    shutil.copy(means.bwrap, beside / "bwrap")
    (beside / "bwrap").chmod(0o755)
    over = str(Path(PLACES[0]).parent)
    return in_namespace(
        'mount -t overlay none -o "lowerdir=$1:$2" "$2" && shift 2 && ', str(beside), over
    )


def interpreter(machine: Machine, means: Means) -> Path:
    """The interpreter to make the environment with.

    Raises:
        NotHereError: if there is none of that version.
    """
    named = means.pythons.get(machine.python)
    on_path = [Path(folder) / f"python{machine.python}" for folder in os.get_exec_path()]
    of_pyenv = sorted(
        Path("~/.pyenv/versions")
        .expanduser()
        .glob(f"{machine.python}.*/bin/python{machine.python}"),
        reverse=True,
    )
    found = [
        path
        for path in (*([named] if named else ()), *of_pyenv, *on_path)
        if path.is_file() and _works(path)
    ]
    wanted = [
        path
        for path in found
        if (_closed(path) or machine.place != HOME)
        and (path.is_relative_to("/usr") or machine.place != SYSTEM)
    ]
    if machine.place == HOME and not wanted:
        # then environment and clone alone stand there
        return interpreter(Machine(machine.name, python=machine.python), means)
    if not wanted:
        message = (
            f"no Python {machine.python} was"
            f" found{' below /usr' if machine.place == SYSTEM else ''}"
        )
        raise NotHereError(message)
    return wanted[0]


def installed(machine: Machine, means: Means, python: Path) -> Path:
    """A clone of the committed state with its environment, as its user would make them.

    Raises:
        NotHereError: if that fails, as where a dependency can't be had for this Python.
    """
    folder = means.folder / machine.installed_at
    if not folder.exists():
        folder.mkdir()
        if machine.user == "ordinary":
            os.chown(folder, ORDINARY_UID, ORDINARY_UID)
    folder.chmod(0o700 if machine.place == HOME else 0o755)
    clone, bundle = folder / "clone", means.folder / "head.bundle"
    steps = (
        ["git", "-c", "init.defaultBranch=main", "init", "--quiet", clone],
        ["git", "-C", clone, "fetch", "--quiet", bundle, "HEAD"],
        ["git", "-C", clone, "reset", "--quiet", "--hard", "FETCH_HEAD"],
        ["make", "--silent", "-C", clone, f"PYTHON={python}", ".venv/.installed"],
    )
    for step in steps:
        words = [*_as_user(machine), *step]
        if subprocess.run(
            words, cwd=folder, env=_environment(machine, clone), umask=machine.umask, check=False
        ).returncode:
            message = f"`{step[0]}` failed where clone and environment are made"
            raise NotHereError(message)
    return clone


def write_row(page: Path, cells: Sequence[str]) -> None:
    """Put a row into the table, in the place of the configuration's earlier one.

    Several of this script may run at a time.
    """
    row = f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
    names = [machine.name for machine in MACHINES]
    with page.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines()
        rows = {
            name: line
            for line in lines
            if (name := line.split(" | ")[0].removeprefix("| ")) in names
        } | {cells[0]: row}
        top = lines[
            : next(
                (number for number, line in enumerate(lines) if line.startswith(f"| {HEADS[0]}")),
                len(lines),
            )
        ]
        table = [
            f"| {' | '.join(HEADS)} |",
            "|" + "---|" * len(HEADS),
            *(rows[name] for name in names if name in rows),
        ]
        file.seek(0)
        file.truncate()
        file.write("\n".join([*top, *table]) + "\n")


def _described(machine: Machine) -> list[str]:
    return [machine.user, "yes" if machine.bubblewrap else "no", f"{machine.umask:03o}"]


def _place(python: Path, clone: Path) -> str:
    """Where it stands, in words that name no path of this machine."""
    if _closed(python) or _closed(clone.parent / "here"):
        return HOME
    return SYSTEM if python.is_relative_to(SYSTEM) else "elsewhere"


def _as_user(machine: Machine) -> list[str]:
    ids = ["--reuid", str(ORDINARY_UID), "--regid", str(ORDINARY_UID), "--clear-groups"]
    return ["setpriv", *ids] if machine.user == "ordinary" else []


def _environment(machine: Machine, clone: Path) -> dict[str, str]:
    """This one's; the ordinary user has no account, so its home is named here."""
    return dict(os.environ) | (
        {"HOME": str(clone.parent), "USER": "ordinary", "LOGNAME": "ordinary"}
        if machine.user == "ordinary"
        else {}
    )


def _works(python: Path) -> bool:
    """Whether it starts, with venv: pyenv's shims are there for versions that are not."""
    return (
        subprocess.run(
            [python, "-c", "import ensurepip, venv"], capture_output=True, check=False
        ).returncode
        == 0
    )


def _closed(path: Path) -> bool:
    return any(not folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def _today() -> str:
    return f"{kernel_version()}, {datetime.datetime.now(datetime.UTC).date()}"


if __name__ == "__main__":
    main()
