"""The field's graders, as shipped, over folders of notebooks: nbgrader, which constraints.txt pins,
and otter-grader, pinned in peers.txt, in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

PEERS = Path(__file__).parent.parent / ".venv-peers"
PINNED = Path(__file__).with_name("peers.txt")

_TEST = """OK_FORMAT = True
test = {{"name": {name!r}, "points": 1, "suites": [{{"cases": [{{"code": {code!r}, "hidden": False, "locked": False}}],
    "scored": True, "setup": "", "teardown": "", "type": "doctest"}}]}}
"""


def environment_with_otter() -> Path:
    """The folder of its programs; made when first asked for. torch is ours: a second one would say
    nothing.
    """
    wanted, marker = PINNED.read_text(encoding="utf-8"), PEERS / "installed.txt"
    if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(PEERS, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        subprocess.run(
            [PEERS / "bin" / "python", "-m", "pip", "install", "--quiet", "--requirement", PINNED],
            check=True,
        )
        (site,) = PEERS.glob("lib/python*/site-packages")
        (site / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
        marker.write_text(wanted, encoding="utf-8")
    return PEERS / "bin"


def time_nbgrader(slug: str, release: Path, notebooks: Sequence[Path], folder: Path) -> float:
    """Wall seconds of `nbgrader autograde`, which takes one notebook after another."""
    source = folder / "source" / slug / f"{slug}.ipynb"
    source.parent.mkdir(parents=True)
    shutil.copyfile(release, source)
    for number, path in enumerate(notebooks):
        target = folder / "submitted" / f"student{number:02}" / slug / f"{slug}.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copyfile(path, target)
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.ClearSolutions.enabled = False\n", encoding="utf-8"
    )
    # nbgrader starts alembic by name
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    nbgrader = [sys.executable, "-m", "nbgrader"]
    subprocess.run(
        [*nbgrader, "generate_assignment", slug],
        cwd=folder,
        check=True,
        capture_output=True,
        env=environment,
    )
    start = time.perf_counter()
    subprocess.run(
        [*nbgrader, "autograde", slug], cwd=folder, check=True, capture_output=True, env=environment
    )
    return time.perf_counter() - start


def time_otter(release: Path, notebooks: Sequence[Path], folder: Path) -> float:
    """Wall seconds of `otter run` for each notebook, one after another; `otter grade` does the same
    inside of Docker. The tests are the release's visible check cells.
    """
    programs = environment_with_otter()
    tests = folder / "tests"
    tests.mkdir(parents=True)
    for cell in nbformat.read(release, as_version=4).cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and marks.get("grade") and not marks.get("solution"):
            name = marks["grade_id"]
            (tests / f"{name}.py").write_text(
                _TEST.format(name=name, code=f">>> exec({cell.source!r})"), encoding="utf-8"
            )
    otter = str(programs / "otter")
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    command = [otter, "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    start = time.perf_counter()
    for number, path in enumerate(notebooks):
        target = folder / f"{number}" / "notebook.ipynb"
        target.parent.mkdir()
        shutil.copyfile(path, target)
        command = [
            otter,
            "run",
            "-a",
            str(folder / "autograder.zip"),
            "-o",
            str(target.parent),
            str(target),
        ]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start
