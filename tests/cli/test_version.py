import re
import tomllib
from importlib import metadata

from places import ROOT
from typer.testing import CliRunner

import autograder
from autograder.cli import app
from autograder.reports.terminal.doctor import versions_line


def test_version_is_printed():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"autograder (GradStep) {autograder.__version__}\n")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", autograder.__version__)


def test_help_begins_with_what_the_program_is_for():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "GradStep: release and grade" in shown
    assert "--version" in shown


def test_the_version_stands_in_one_place():
    """Packages get theirs from the module, so that the two can't disagree."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in pyproject["project"]
    assert "version" in pyproject["project"]["dynamic"]
    assert pyproject["tool"]["hatch"]["version"]["path"] == "autograder/__init__.py"
    assert metadata.version("gradstep") == autograder.__version__


def test_doctor_names_what_it_runs_on():
    environment = {"python": "3.11.7", "torch": "2.13.0+cpu", "isolation": "good"}
    assert (
        versions_line("autograder (GradStep) 0.1.0", environment, "6.18.1")
        == "autograder (GradStep) 0.1.0 on Python 3.11.7, torch 2.13.0+cpu, Linux 6.18.1"
    )


def test_the_licence_is_the_one_that_packages_name():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("BSD-3-Clause", ["LICENSE"])
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith(
        "BSD 3-Clause License\n\nCopyright (c) 2026, The GradStep contributors\n"
    )
    assert project["authors"] == [{"name": "The GradStep contributors"}]
