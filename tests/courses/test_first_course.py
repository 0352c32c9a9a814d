"""docs/first-course.md is followed: its commands, in an environment of their own into which the
wheel was installed, outside of the repository.
"""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import pytest
from places import ROOT

from autograder.notebooks.cells import grade_id_of

PAGE = (ROOT / "docs" / "first-course.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,First (77)
    Points Possible,,,,,{points}
"Lee, Ann",1234,s1,alee,A,
"Ortiz, Bo",1235,s2,bortiz,A,
"Chen, Cy",1236,s3,cchen,A,
"""


class Environment:
    """A fresh virtual environment with the wheel; what the wheel needs is that of the tests' own,
    file by file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "env"
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT],
            check=True,
        )
        subprocess.run([sys.executable, "-m", "venv", self.home], check=True)
        (self.wheel,) = folder.glob("gradstep-*.whl")
        python = self.home / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", self.wheel], check=True)
        (site,) = self.home.glob("lib/python*/site-packages")
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if (
                not (site / entry.name).exists() and "gradstep" not in entry.name
                # linked, not on a path beside it: the sandbox shows students' code the environment
                # alone
            ):
                subprocess.run(["cp", "-al", entry, site], check=True)

    def run(self, command: str, folder: Path) -> str:
        """What a shell in the activated environment prints."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        environment |= {"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}", "COLUMNS": "200"}
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Made once."""
    return Environment(tmp_path_factory.mktemp("fresh"))


def steps() -> list[tuple[str, list[str]]]:
    """Commands with the lines that they are said to print."""
    parts = [part.splitlines() for block in BLOCKS for part in block.split("$ ")[1:]]
    return [(lines[0], [line for line in lines[1:] if line]) for lines in parts]


def hand_in(course: Path) -> None:
    """Three students on Canvas: a right one, one who never clears gradients and was late, one who
    handed in the blank notebook.
    """
    solution = (course / "solutions" / "first" / "solution.py").read_text()
    written = {
        name: text
        for text in re.split(r"(?m)^(?=def )", solution)
        if (name := text.partition("(")[0].removeprefix("def ").strip())
    }
    release = (course / "release" / "first" / "first.ipynb").read_text()
    with zipfile.ZipFile(course / "submissions.zip", "w") as archive:
        for name, number, change in (
            ("leeann", 1234, None),
            ("ortizbo_LATE", 1235, ("optimizer.zero_grad()", "pass")),
            ("chency", 1236, ""),
        ):
            notebook = nbformat.reads(release, as_version=4)
            for cell in notebook.cells if change != "" else ():
                source = written.get(grade_id_of(cell))
                if source is not None:
                    cell.source = source.replace(*change) if change else source
            archive.writestr(f"{name}_{number}_9{number}_first.ipynb", nbformat.writes(notebook))
    (course / "gradebook.csv").write_text(GRADEBOOK.format(points=10))


def test_the_page_has_at_most_ten_commands() -> None:
    """And they go all the way."""
    assert len(steps()) <= 10
    assert [" ".join(command.split()[1:3]) for command, _ in steps()][-3:] == [
        "grade first",
        "export canvas",
        "export gradescope",
    ]


@pytest.mark.long("installs a wheel and runs ten commands")
def test_the_commands_lead_from_nothing_to_exported_grades(
    environment: Environment, tmp_path: Path
) -> None:
    """Run one after another, printing what the page says."""
    folder = tmp_path
    for command, expected in steps():
        if command.startswith("python -m pip install"):
            assert "gradstep[course]" in command  # done by `environment`, from the wheel
            continue
        if command.startswith("cd "):
            folder /= command.split()[1]
            continue
        if command.startswith("autograder collect"):
            hand_in(folder)
        printed = environment.run(command, folder).replace(f"{folder}/", "")
        for line in expected:
            assert line in printed, (command, printed)
    with (folder / "import.csv").open(newline="") as file:
        scores = {
            row["SIS Login ID"]: row["First (77)"] for row in csv.DictReader(file) if row["ID"]
        }
    assert float(scores["alee"]) == 10
    assert 0 < float(scores["bortiz"]) < 10
    assert float(scores["cchen"]) == 0
    assert (folder / "results" / "gradebook.db").is_file()
    assert (folder / "results" / "export" / "first-gradescope.zip").is_file()


@pytest.mark.long("installs a wheel and runs ten commands")
def test_the_wheel_holds_no_solution_of_the_sample_course(environment: Environment) -> None:
    """Students install it, and their code can read it."""
    with zipfile.ZipFile(environment.wheel) as wheel:
        names = wheel.namelist()
        text = b"".join(wheel.read(name) for name in names).decode(errors="replace")
    assert {name.split("/")[0] for name in names} == {
        "autograder",
        *(name.split("/")[0] for name in names if ".dist-info" in name),
    }
    checks = (ROOT / "assignments" / "optimizers" / "test_optimizers.py").read_text()
    hidden = set(
        re.findall(r"^@points\([^\n]*visibility=(?:.|\n)*?^def (test_\w+)", checks, re.MULTILINE)
    )
    assert len(hidden) > 3
    assert not any(name in text for name in hidden)
