"""`autograder check` and the exported workflows as students' machines run them: real processes,
away from any course.
"""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import nbformat
import pytest
import yaml
from places import ROOT

from autograder.assignment import open_assignment
from autograder.cli import main
from autograder.cli.check import exit_code
from autograder.commands.export.repositories import export_github, export_gitlab
from autograder.commands.release.student_version import release_assignment
from autograder.evidence.store import EvidenceStore
from autograder.execution.executor import Executor
from autograder.judgement.grade import Outcome

TINY = ROOT / "tests" / "tiny_course"
from checked_samples import report, result  # noqa: E402
from github_runner import commands_in  # noqa: E402
from result_schema import RESULT, RUNNER  # noqa: E402
from tiny_class import LOOP, LOSS  # noqa: E402

NOT_LINUX = f"{ROOT}:{ROOT / 'tests' / 'not_linux'}"
"""PYTHONPATH under which Python seems to be on another system."""
HOSTILE = {
    "loss_fn": LOSS,
    "training_loop": LOOP.replace(
        "        optimizer.zero_grad()\n",
        '        print("::error file=x::forged\\n##[add-mask]2")\n        raise'
        ' ValueError("::set-output name=a::b\\n::warning::<img src=x> \\x1b[31m %0A \\x00")\n',
    ),
}


@pytest.fixture(scope="module")
def released(executor, tmp_path_factory):
    """The released folder of the tiny course."""
    folder = tmp_path_factory.mktemp("released")
    release_assignment(
        open_assignment(TINY, "tiny"),
        folder / "release",
        EvidenceStore(folder / "evidence"),
        executor,
    )
    return folder / "release"


@pytest.fixture
def repository(released, tmp_path):
    """A student's repository: a copy of the release and nothing else of the course."""
    folder = tmp_path / "a repository"
    shutil.copytree(released, folder)
    return folder


def solve(repository, **cells):
    path = repository / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = ({"loss_fn": LOSS, "training_loop": LOOP} | cells).get(
            cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source
        )
    nbformat.write(notebook, path)


def environment(**more):
    """Of a CI job in which the grader is installed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        "PATH": path,
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    } | more


def job(repository, script, **more):
    """A step's script, as GitHub's and GitLab's runners start it."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=repository,
        env=environment(**more),
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )


def step(workflow, name):
    (found,) = [step for step in workflow["jobs"]["check"]["steps"] if step.get("name") == name]
    return found["run"]


@pytest.mark.long("a job with processes of its own")
def test_the_github_workflow_reports_a_hostile_notebook(repository, tmp_path):
    """Its check step with the runner's variables: annotation on the line that raises, summary,
    JUnit, result.json; what the notebook prints and raises is no command.
    """
    workflow = yaml.safe_load(
        export_github(open_assignment(TINY, "tiny"), repository, "")[0].read_text()
    )
    assert workflow["permissions"] == {"contents": "read"}
    solve(repository, **HOSTILE)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = job(
        repository,
        step(workflow, "Check the notebook"),
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary),
        **RUNNER,
    )
    assert done.returncode == 1, done.stderr
    ((name, properties, message),) = commands_in(done.stdout + done.stderr)
    assert (name, properties["file"]) == ("error", "tiny.ipynb")
    assert (
        "raise ValueError"
        in (repository / "tiny.ipynb").read_text().splitlines()[int(properties["line"]) - 1]
    )
    assert "::set-output name=a::b" in message
    assert "1 of 2 visible checks passed" in done.stdout
    told = summary.read_text()
    assert told.startswith("before\n## Tiny")
    assert "::set-output" in told
    assert not {"\x1b", "\x00"} & set(told + done.stdout)
    suite = ET.parse(repository / "gradstep-junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    result = json.loads((repository / "result.json").read_text())
    jsonschema.validate(result, RESULT)
    assert (result["score"], result["max-score"], result["classroom"]) == (2, 5, "cs")


def test_the_gitlab_job_reports_a_file_that_is_no_notebook(repository):
    """Its script, where there is no Linux: exit code 1, and a report in which every check is
    lost.
    """
    export_gitlab(open_assignment(TINY, "tiny"), repository, "")
    pipeline = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["gradstep"]
    (repository / "tiny.ipynb").write_text("<<<<<<< HEAD")
    _, script = pipeline["script"]
    done = job(repository, script, PYTHONPATH=NOT_LINUX)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 of 2 visible checks passed, 0 of 5 points" in done.stdout
    suite = (
        ET.parse(repository / pipeline["artifacts"]["reports"]["junit"]).getroot().find("testsuite")
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "2", "0")


def test_the_install_step_asks_for_the_grader_and_the_packages(repository, tmp_path):
    """With a python that only writes down what it is told: one argument for each requirement,
    quoted or not.
    """
    workflow = yaml.safe_load(
        export_github(open_assignment(TINY, "tiny"), repository, "gradstep @ file:///a b.whl")[
            0
        ].read_text()
    )
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word" >> "$LOG"; done\n')
    python.chmod(0o755)
    done = job(
        repository,
        step(workflow, "Install the grader"),
        PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin",
        LOG=str(tmp_path / "log"),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text().splitlines()[-6:] == [
        "--torch-backend",
        "cpu",
        "gradstep @ file:///a b.whl",
        "torch",
        "numpy",
        "matplotlib",
    ]


@pytest.mark.long("a job with processes of its own")
def test_classroom_50s_autograder_passes_a_right_notebook_where_there_is_no_linux(
    repository, released, tmp_path
):
    """Started as its runner does, in the checkout, the bundle elsewhere, in processes without forks
    and sandbox. A file of checks that the student put there is not looked at.
    """
    _, autograder = export_github(open_assignment(TINY, "tiny"), tmp_path / "exported", "")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    shutil.copy(autograder, bundle)
    shutil.copy(released / "tiny.checks", bundle)
    (repository / "tiny.checks").write_bytes(b"all right")
    (repository / "result.json").write_text('{"score": 100}')
    solve(repository)
    settings = environment(GITHUB_ACTIONS="true", PYTHONPATH=NOT_LINUX, **RUNNER)
    done = subprocess.run(
        [sys.executable, bundle / "autograder.py"],
        cwd=repository,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((repository / "result.json").read_text())
    jsonschema.validate(result, RESULT)
    assert (result["score"], result["max-score"]) == (5, 5)
    assert (repository / "release-body.md").read_text().startswith("## Tiny")
    assert commands_in(done.stdout + done.stderr) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.ipynb"], "no such file"),
        (["tiny.ipynb", "--format", "html"], "--format takes"),
        (["tiny.ipynb", "--isolation", "some"], "only 'none'"),
        (
            ["tiny.ipynb", "--checks", "other.checks"],
            "no such file. It is released beside the notebook",
        ),
        (["alone/tiny.ipynb"], "beside it there is none"),
        (["several/other.ipynb"], "there are several (a.checks, b.checks)"),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_what_to_do(repository, monkeypatch, capsys, words, said):
    """Nothing is run; no traceback."""
    for folder, names in {
        "alone": ["tiny.ipynb"],
        "several": ["other.ipynb", "a.checks", "b.checks"],
    }.items():
        (repository / folder).mkdir()
        for name in names:
            (repository / folder / name).write_text("{}")
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["autograder", "check", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("system", "files", "said"),
    [
        (
            "github",
            {".github/workflows/gradstep.yml", "classroom50/tiny/autograder.py"},
            "it is feedback, and no mark",
        ),
        ("gitlab", {".gitlab-ci.yml"}, "it is feedback, and no mark"),
        (
            "prairielearn",
            {"Dockerfile", "questions/tiny/info.json", "questions/tiny/tests/run.sh"},
            "It holds the solution: keep it to yourself",
        ),
    ],
)
def test_exports_say_what_they_wrote_and_who_may_have_it(
    tmp_path, monkeypatch, capsys, system, files, said
):
    """What goes to students holds nothing of the solution; what does is said to."""
    monkeypatch.setattr(
        sys,
        "argv",
        ["autograder", "export", system, "tiny", "--course", str(TINY), "-o", str(tmp_path)],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert said in shown
    assert "not on PyPI yet" in shown
    written = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert files <= written
    assert all(str(tmp_path / name) in shown for name in written)
    assert any("solution.py" in name for name in written) == (system == "prairielearn")
    assert not any(
        "@"
        in (tmp_path / name)
        .read_text()
        .replace("actions/checkout@v", "")
        .replace("python@v", "")
        .replace("artifact@v", "")
        for name in files
    )


def test_a_fault_of_ours_is_no_lost_check(repository, monkeypatch, capsys):
    """Exit code 3, where Python's own would be 1; in GitHub's log no line is a command
    afterwards.
    """
    monkeypatch.setattr(Executor, "start", lambda _: 1 / 0)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["autograder", "check", "tiny.ipynb"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert commands_in(f"{said.out}\n::error::from a traceback") == []


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((Outcome.PASSED, Outcome.PASSED), 0),
        ((Outcome.PASSED, Outcome.FAILED), 1),
        ((Outcome.PASSED, Outcome.NOT_REACHED), 1),
        ((Outcome.PASSED, Outcome.UNGRADABLE), 3),
        ((Outcome.UNGRADABLE, Outcome.FAILED), 3),
    ],
)
def test_what_the_machine_could_not_make_is_no_failed_check(outcomes, code):
    """A job that tries again on 3 must not take the machine's fault for the student's.

    An answer that waits for a person is no visible check.
    """
    checks = [result(str(number), outcome) for number, outcome in enumerate(outcomes)]
    assert exit_code(report(*checks, result("answer", Outcome.NEEDS_REVIEW, question=True))) == code
