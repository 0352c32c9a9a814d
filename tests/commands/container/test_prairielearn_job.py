"""A job of PrairieLearn's external grader, in a scratch folder with the layout of /grade."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from autograder.assignment import open_assignment
from autograder.commands.container.prairielearn_job import main
from autograder.commands.export.repositories import export_gitlab, export_prairielearn
from autograder.errors import ExchangeError

pytestmark = pytest.mark.long("a job with a forkserver of its own")

TINY = ROOT / "tests" / "tiny_course"


@pytest.fixture
def job(tmp_path):
    """What PrairieLearn puts into the container: the question's tests/, no submission yet."""
    export_prairielearn(
        open_assignment(TINY, "tiny"), tmp_path / "export", "", "registry/gradstep:1"
    )
    folder = tmp_path / "grade"
    shutil.copytree(tmp_path / "export" / "questions" / "tiny" / "tests", folder / "tests")
    (folder / "student").mkdir()
    return folder


def test_the_question_names_image_entrypoint_and_time(job, tmp_path):
    """info.json as PrairieLearn asks for it; the identity stays when it is exported again."""
    info = json.loads((tmp_path / "export" / "questions" / "tiny" / "info.json").read_text())
    assert info["gradingMethod"] == "External"
    options = info["externalGradingOptions"]
    assert (options["enabled"], options["image"], options["entrypoint"]) == (
        True,
        "registry/gradstep:1",
        "/grade/tests/run.sh",
    )
    assert 30 < options["timeout"] <= 600
    assert (job / "tests" / "run.sh").stat().st_mode & stat.S_IXUSR
    export_prairielearn(
        open_assignment(TINY, "tiny"), tmp_path / "export", "", "registry/gradstep:1"
    )
    assert (
        json.loads((tmp_path / "export" / "questions" / "tiny" / "info.json").read_text()) == info
    )


def test_run_sh_grades_with_all_checks_and_closes_the_course(course, job):
    """The entrypoint as a process: the share of all points, visible checks told, hidden ones only
    counted; others than root can't read what lies there.
    """
    path = course.submit(
        "ann", training_loop="def training_loop(n_epochs, optimizer, params):\n    return params\n"
    )
    shutil.copy(path, job / "student" / "tiny.ipynb")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [job / "tests" / "run.sh", job],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((job / "results" / "results.json").read_text())
    assert results["gradable"] is True, done.stderr
    assert results["score"] == 0.2  # 2 of 10 points
    assert [(test["name"], test["points"], test["max_points"]) for test in results["tests"]] == [
        ("The mean of the squares", 2.0, 2.0),
        ("Thirty epochs", 0.0, 3.0),
    ]
    assert "1 checks are counted and not shown yet" in results["message"]
    assert "Any optimizer" not in json.dumps(results)
    assert [found for found in (job / "tests").rglob("*") if found.stat().st_mode & 0o077] == []


def test_whatever_goes_wrong_there_are_results_and_no_attempt_is_lost(job, caplog):
    """A course that is no course: the log has the reason, the student does not."""
    shutil.rmtree(job / "tests" / "course" / "solutions")
    main(str(job))
    results = json.loads((job / "results" / "results.json").read_text())
    assert results["gradable"] is False
    assert "solution" not in json.dumps(results)
    assert "solution.py" in caplog.text


def test_nothing_of_the_instructors_is_overwritten(tmp_path):
    """A .gitlab-ci.yml of his own stays; the same one again is fine; odd requirements are
    refused.
    """
    files = open_assignment(TINY, "tiny")
    (path,) = export_gitlab(files, tmp_path, "")
    assert export_gitlab(files, tmp_path, "") == (path,)
    path.write_text("mine")
    with pytest.raises(ExchangeError, match="never overwritten"):
        export_gitlab(files, tmp_path, "")
    assert path.read_text() == "mine"
    with pytest.raises(ExchangeError, match="nothing that can be installed"):
        export_gitlab(files, tmp_path / "other", "a\nb")
