"""nbgrader's own courses: their configuration, late penalties and extensions, and a gradebook on a
real PostgreSQL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("nbgrader")

from gradebook_samples import assignment, executed, grade
from nbgrader.api import Gradebook

from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.course_folder import course_above, open_course
from autograder.exchange.nbgrader.gradebook import GradebookEntry, write_gradebook
from autograder.exchange.nbgrader.marks import read_marks

ON_TIME, HOUR_LATE = "2026-12-06T23:00:00Z", "2026-12-07T00:59:00Z"
PER_HOUR = """
from nbgrader.plugins import BasePlugin

class PerHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 3 * total_seconds_late / 3600
"""


def configure(folder: Path, *lines: str) -> None:
    (folder / "nbgrader_config.py").write_text("\n".join(("c = get_config()", *lines)))


def write(folder: Path, **submitted_at: str) -> None:
    """Each student with 46 points."""
    rows = [
        GradebookEntry(grade(student, 10, 20, 8, 8, submitted_at=moment), executed())
        for student, moment in submitted_at.items()
    ]
    write_gradebook(open_course(folder), assignment(), rows)


def scores(folder: Path) -> dict[str, tuple[float, float | None]]:
    """Score and penalty of each student, as `nbgrader export` prints them."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        rows = gradebook.assignment_submissions("optimizers")
        return {row.student.id: (row.score, row.late_submission_penalty) for row in rows}


def test_the_configuration_says_where_things_are(tmp_path: Path) -> None:
    """Folders, gradebook and course; nbgrader's defaults where it is silent."""
    plain = open_course(tmp_path)
    assert (plain.submitted, plain.autograded) == (tmp_path / "submitted", tmp_path / "autograded")
    assert (plain.gradebook_file, plain.course_id, plain.penalises) == (
        tmp_path / "gradebook.db",
        "default_course",
        False,
    )
    configure(
        tmp_path,
        "c.CourseDirectory.submitted_directory = 'in'",
        "c.CourseDirectory.autograded_directory = 'out'",
        "c.CourseDirectory.course_id = 'dl'",
        "c.CourseDirectory.db_url = 'sqlite:///sub/grades.db'",
    )
    own = open_course(tmp_path)
    assert (own.submitted, own.autograded) == (tmp_path / "in", tmp_path / "out")
    assert (own.gradebook_file, own.course_id) == (tmp_path / "sub/grades.db", "dl")
    assert (
        open_course(tmp_path, "postgresql+psycopg://me:secret@host/grades").place
        == "postgresql+psycopg://me:***@host/grades"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        (
            "c.CourseDirectory.directory_structure = '{assignment_id}/{student_id}'",
            "directory_structure",
        ),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_refused(
    tmp_path: Path, line: str, said: str
) -> None:
    """Naming the file."""
    configure(tmp_path, line)
    with pytest.raises(ExchangeError, match=said) as caught:
        open_course(tmp_path)
    assert "nbgrader_config.py" in str(caught.value)


def test_a_url_that_is_none_is_said(tmp_path: Path) -> None:
    """With an example of one."""
    with pytest.raises(ExchangeError, match=r"postgresql\+psycopg://user@host/grades"):
        write_gradebook(open_course(tmp_path, "grades"), assignment(), [])


def test_a_course_is_found_from_itself_and_from_submitted(tmp_path: Path) -> None:
    """And nothing else is taken for one: a folder of notebooks, a results folder."""
    submitted = tmp_path / "course" / "submitted"
    submitted.mkdir(parents=True)
    assert course_above(tmp_path / "course") is None
    configure(tmp_path / "course")
    assert course_above(tmp_path / "course") == course_above(submitted) == tmp_path / "course"
    assert course_above(tmp_path) is None
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "gradebook.db").touch()
    assert course_above(tmp_path / "results") is None


def test_without_a_plugin_nobody_has_a_penalty(tmp_path: Path) -> None:
    """nbgrader's default."""
    write(tmp_path, ada=ON_TIME, bob=HOUR_LATE)
    assert scores(tmp_path) == {"ada": (46, 0), "bob": (46, 0)}


def test_penalties_are_those_of_the_courses_own_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From due date and timestamp, at most the score, none for who is on time."""
    (tmp_path / "per_hour.py").write_text(PER_HOUR)
    monkeypatch.syspath_prepend(str(tmp_path))
    configure(tmp_path, "c.AssignLatePenalties.plugin_class = 'per_hour.PerHour'")
    write(tmp_path, ada=ON_TIME, bob=HOUR_LATE, cyd="2026-12-09T00:00:00Z")
    assert scores(tmp_path) == {"ada": (46, 0), "bob": (46, 3), "cyd": (46, 46)}


@pytest.mark.parametrize(("answer", "penalty"), [("None", 0), ("-5", 0), ("1.5", 1.5), ("'2'", 2)])
def test_what_a_plugin_answers_is_brought_into_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, penalty: float
) -> None:
    """Nothing, less than nothing, a number as text."""
    name = f"answers_{abs(hash(answer))}"
    (tmp_path / f"{name}.py").write_text(PER_HOUR.replace("3 * total_seconds_late / 3600", answer))
    monkeypatch.syspath_prepend(str(tmp_path))
    configure(tmp_path, f"c.AssignLatePenalties.plugin_class = '{name}.PerHour'")
    write(tmp_path, bob=HOUR_LATE)
    assert scores(tmp_path) == {"bob": (46, penalty)}


def test_an_extension_lifts_a_penalty_at_the_next_writing(tmp_path: Path) -> None:
    """Also if that student's grade has not changed."""
    configure(tmp_path, "c.LateSubmissionPlugin.penalty_method = 'zero'")
    write(tmp_path, ada=ON_TIME, bob=HOUR_LATE)
    assert scores(tmp_path)["bob"] == (46, 46)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.grant_extension("optimizers", "bob", hours=2)
    write(tmp_path)
    assert scores(tmp_path)["bob"] == (46, 0)


def test_a_plugin_that_raises_leaves_the_gradebook_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the error names it."""
    (tmp_path / "broken_plugin.py").write_text(PER_HOUR.replace("3 * total", "undefined * total"))
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, ada=ON_TIME)
    configure(tmp_path, "c.AssignLatePenalties.plugin_class = 'broken_plugin.PerHour'")
    with pytest.raises(ExchangeError, match=r"raised for bob: NameError"):
        write(tmp_path, bob=HOUR_LATE)
    assert scores(tmp_path) == {"ada": (46, 0)}


BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A server of our own, on a port of its own; postgres refuses to run as root.

    Not below pytest's folder, which another pytest of root's closes when it starts.
    """
    if not BINARIES and not shutil.which("initdb"):
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg")
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        pytest.skip("PostgreSQL's server refuses users without an account")
    binaries = BINARIES[-1] if BINARIES else Path(shutil.which("initdb") or "").parent
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="gradstep-postgresql-") as made:
        folder = Path(made)
        if user:
            shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = folder / "data"
        subprocess.run(
            [*user, binaries / "initdb", "-D", data, "-U", "grader", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c"
            " fsync=off"
        )
        command = [
            *user,
            binaries / "pg_ctl",
            "-D",
            data,
            "-w",
            "-o",
            options,
            "-l",
            folder / "log",
        ]
        subprocess.run([*command, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/postgres"
        subprocess.run(
            [*command, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )


def test_the_gradebook_may_stand_in_postgresql(tmp_path: Path, postgresql: str) -> None:
    """Written, written again, a person's mark kept and read back; nothing on disk but the
    notebooks.
    """
    course = open_course(tmp_path, postgresql)
    assert read_marks(course, "optimizers", "optimizers") == {}
    rows = [
        GradebookEntry(grade("ada", 10, 20, 8, 8), executed()),
        GradebookEntry(grade("bob", 5, 0, 0, 2.5), executed()),
    ]
    write_gradebook(course, assignment(), rows)
    with Gradebook(postgresql) as gradebook:
        assert {
            row.student.id: row.score for row in gradebook.assignment_submissions("optimizers")
        } == {"ada": 46, "bob": 7.5}
        gradebook.find_grade("test_final", "optimizers", "optimizers", "bob").manual_score = 4
        gradebook.db.commit()
    write_gradebook(course, assignment(), [GradebookEntry(grade("bob", 10, 0, 0, 2.5), executed())])
    assert read_marks(course, "optimizers", "optimizers")["bob"]["test_final"].score == 4
    with Gradebook(postgresql) as gradebook:
        assert gradebook.find_submission("optimizers", "bob").score == 16.5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autograded"]


def test_a_server_that_is_not_there_is_said_without_the_password(tmp_path: Path) -> None:
    """Reading and writing."""
    pytest.importorskip("psycopg")
    course = open_course(tmp_path, "postgresql+psycopg://me:hush-hush@127.0.0.1:1/grades")
    for act in (
        lambda: read_marks(course, "optimizers", "optimizers"),
        lambda: write_gradebook(course, assignment(), []),
    ):
        with pytest.raises(ExchangeError) as caught:
            act()
        assert "hush-hush" not in str(caught.value)
        assert "127.0.0.1" in str(caught.value)
