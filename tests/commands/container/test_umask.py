"""Commands of a root whose umask is 077 and whose GradStep lies under a closed home, without
bubblewrap: real processes. And what a release leaves there.
"""

import csv
import os
import shutil
import subprocess
import sys

import pytest
from places import ROOT
from tiny_class import LOOP

from autograder.commands.release.student_version import release_assignment
from tests.surroundings import refused, with_folder_at, without_bubblewrap

pytestmark = pytest.mark.skipif(bool(refused()), reason=refused())


@pytest.fixture
def autograder(tmp_path):
    """Run a command with this environment under a closed home."""
    place = tmp_path / "home" / "deep" / "environment"
    place.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)

    def run(folder, *words):
        before = [*without_bubblewrap(), *with_folder_at(sys.prefix, str(place))]
        command = [*before, str(place / "bin" / "python"), "-m", "autograder.cli", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.mark.seconds("a command with a forkserver of its own")
def test_a_class_is_graded(course, autograder):
    """With all that the level needs, and nobody but root may read what it wrote."""
    course.submit("ada")
    done = autograder(course.root, "grade", "tiny", "submitted", "--results", "there")
    assert done.returncode == 0, done.stdout + done.stderr
    with (course.root / "there" / "grades-tiny.csv").open() as file:
        assert {row["student_id"]: float(row["points"]) for row in csv.DictReader(file)} == {
            "ada": 10
        }
    assert [
        path for path in (course.root / "there").rglob("*") if path.stat().st_mode & 0o077
    ] == []


@pytest.mark.long("commands with forkservers of their own")
def test_doctor_finds_what_isolates(tmp_path, autograder):
    """No attack that it tries gets through."""
    done = autograder(tmp_path, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OPEN" not in done.stdout
    assert any("mount namespace" in line and " yes " in line for line in done.stdout.splitlines())


@pytest.mark.long("commands with forkservers of their own")
def test_one_notebook_is_checked(course, autograder):
    """By a user of its own, not in the plain processes that it takes where there can be no
    sandbox.
    """
    loop = LOOP.replace("    for", "    import os\n    assert os.getuid() >= 60000\n    for", 1)
    folder = course.submit("ada", training_loop=loop).parent
    shutil.copy(course.root / "release" / "tiny.checks", folder)
    done = autograder(folder, "check", "tiny.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_can_be_read_by_those_who_get_it(course):
    """Notebook, checks and data files alike, whatever is done with them next."""
    folder = course.files.folder
    (folder / "files").mkdir()
    (folder / "files" / "data.csv").write_text("1\n")
    toml = folder / "assignment.toml"
    toml.write_text('files = ["files/data.csv"]\n' + toml.read_text())
    before = os.umask(0o077)
    try:
        release_assignment(
            course.files, course.root / "out", course.results.evidence, course.executor
        )
    finally:
        os.umask(before)
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (course.root / "out").rglob("*")
        if path.is_file()
    }
    assert modes == {"tiny.ipynb": 0o644, "tiny.checks": 0o644, "data.csv": 0o644}
