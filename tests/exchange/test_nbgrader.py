"""The projection into an nbgrader course."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytest.importorskip("nbgrader")

from gradebook_samples import CHECKS, assignment, executed, grade, metadata, released
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.autograded import CheckEntry, autograded_notebook, released_cells
from autograder.exchange.nbgrader.course_folder import open_course
from autograder.exchange.nbgrader.gradebook import (
    AT_ONCE,
    GradebookEntry,
    grade_id,
    write_gradebook,
)
from autograder.exchange.nbgrader.timestamps import submitted_at
from autograder.judgement.grade import Outcome
from autograder.reports.grades_csv import write_grades_csv

LINKS = r"""[good](https://pytorch.org/docs) [a](javascript:alert(1)) [b](javascript\:alert(1)) [c](&#106;avascript:alert(1)) [d](<javascript:x>)
[e]( javascript:alert(1)) [f][f] [g] ![h](javascript:x) <javascript:alert(1)> <a href="javascript:x">i</a> $\href{javascript:alert(1)}{j}$ [k](data:text/html,x)

[f]: javascript\:alert(2)
[g]:
  javascript:alert(3)
"""
UNGRADABLE, REVIEW, NOT_REACHED = Outcome.UNGRADABLE, Outcome.NEEDS_REVIEW, Outcome.NOT_REACHED
HIDDEN = grade_id("test_any_optimizer[SGD-momentum]")


def entries() -> list[GradebookEntry]:
    """Full marks; a bit of everything; an unreadable submission."""
    return [
        GradebookEntry(grade("ada", 10, 20, 8, 8), executed()),
        GradebookEntry(grade("bob", 5, UNGRADABLE, 0, 2.5), executed()),
        GradebookEntry(
            grade("cyd", NOT_REACHED, NOT_REACHED, NOT_REACHED, REVIEW, submitted_at=""), None
        ),
    ]


def open_gradebook(folder: Path) -> Gradebook:
    """The written database, as nbgrader opens it."""
    return Gradebook(f"sqlite:///{folder / 'gradebook.db'}")


def dump(folder: Path) -> list[tuple[Any, ...]]:
    """Every mark with the flags that matter."""
    with open_gradebook(folder) as gradebook:
        found = [
            (
                submission.student.id,
                mark.name,
                mark.auto_score,
                mark.manual_score,
                mark.extra_credit,
                mark.needs_manual_grade,
                mark.id,
            )
            for submission in gradebook.assignment_submissions("optimizers")
            for mark in submission.notebooks[0].grades
        ]
    return sorted(found, key=str)


def autograded(folder: Path, student: str) -> nbformat.NotebookNode:
    """The notebook that formgrader shows; valid by nbformat's own schema."""
    notebook = nbformat.read(
        folder / "autograded" / student / "optimizers" / "optimizers.ipynb", as_version=4
    )
    nbformat.validate(notebook)
    return notebook


def nbgrader(folder: Path, *arguments: str) -> None:
    """Run nbgrader as an instructor would."""
    environment = os.environ | {"HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def links_of(html: str) -> list[str]:
    """What the page's elements point at, decoded as a browser does."""
    links: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda _tag, attrs: links.extend(
        value or "" for name, value in attrs if name in ("href", "src")
    )  # type: ignore[method-assign]
    parser.feed(html)
    return links


@pytest.mark.long("nbgrader's own commands")
def test_export_prints_the_totals_of_grades_csv(tmp_path: Path) -> None:
    """The real command, run in the results folder, agrees for every student; what nobody decided
    counts 0 in both.
    """
    write_gradebook(open_course(tmp_path), assignment(), entries())
    write_grades_csv([entry.grade for entry in entries()], tmp_path / "ours.csv")
    nbgrader(tmp_path, "export", "--to=theirs.csv")
    with (tmp_path / "ours.csv").open() as ours, (tmp_path / "theirs.csv").open() as theirs:
        expected = {
            row["student_id"]: (float(row["points"]), float(row["max_points"]))
            for row in csv.DictReader(ours)
        }
        exported = {row["student_id"]: row for row in csv.DictReader(theirs)}
    assert {
        student: (float(row["score"]), float(row["max_score"])) for student, row in exported.items()
    } == expected
    assert expected["bob"] == (7.5, 46.0)
    assert exported["ada"]["timestamp"] == "2026-11-20 10:00:00"
    assert exported["ada"]["duedate"] == "2026-12-06 23:59:00"


@pytest.mark.long("nbgrader's own commands")
def test_generate_feedback_works_and_shows_hidden_checks(tmp_path: Path) -> None:
    """nbgrader's own pages: every cell it looks up exists, and a hostile title is text."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    nbgrader(tmp_path, "generate_feedback", "optimizers")
    for student in ("ada", "bob", "cyd"):
        html = (tmp_path / "feedback" / student / "optimizers" / "optimizers.html").read_text()
        assert "<script>alert(1)</script>" not in html
        assert "data you have not seen" in html
    assert (
        "Observed 884.0"
        in (tmp_path / "feedback" / "bob" / "optimizers" / "optimizers.html").read_text()
    )


def test_undecided_checks_have_no_score_and_wait_for_a_person(tmp_path: Path) -> None:
    """NULL and a flag, never a silent 0; decided ones have their points and no flag."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    marks = {
        (student, name): (score, manual) for student, name, score, _, _, manual, _ in dump(tmp_path)
    }
    assert marks["bob", "test_final"] == (None, True)
    assert marks["bob", "test_first_losses"] == (5.0, False)
    assert marks["cyd", "test_final"] == (0.0, False)
    assert marks["cyd", grade_id(CHECKS[3].id)] == (None, True)


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    """Same rows, same ids, same files."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    before, page = (
        dump(tmp_path),
        (tmp_path / "autograded/bob/optimizers/optimizers.ipynb").read_bytes(),
    )
    write_gradebook(open_course(tmp_path), assignment(), entries())
    assert dump(tmp_path) == before
    assert (tmp_path / "autograded/bob/optimizers/optimizers.ipynb").read_bytes() == page


def person_marks(folder: Path, student: str, name: str, score: float) -> None:
    """What formgrader does when a person enters a score and a comment."""
    with open_gradebook(folder) as gradebook:
        mark = gradebook.find_grade(name, "optimizers", "optimizers", student)
        mark.manual_score, mark.needs_manual_grade, mark.extra_credit = score, False, 0.5
        gradebook.find_comment(
            "training_loop", "optimizers", "optimizers", student
        ).manual_comment = "Well argued."
        gradebook.db.commit()


def test_what_a_person_marked_is_never_overwritten(tmp_path: Path) -> None:
    """Score, extra credit and comment stay; the mark stays settled while ours does not move."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    person_marks(tmp_path, "bob", "test_final", 17)
    write_gradebook(open_course(tmp_path), assignment(), entries())
    row = next(row for row in dump(tmp_path) if row[:2] == ("bob", "test_final"))
    assert row[2:6] == (None, 17.0, 0.5, False)
    with open_gradebook(tmp_path) as gradebook:
        assert (
            gradebook.find_comment("training_loop", "optimizers", "optimizers", "bob").comment
            == "Well argued."
        )
        assert gradebook.find_submission("optimizers", "bob").score == 5 + 17.5 + 0 + 2.5


def test_a_person_is_asked_again_when_the_automatic_score_moves(tmp_path: Path) -> None:
    """Their score still counts until they change it."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    person_marks(tmp_path, "bob", "test_final", 17)
    write_gradebook(
        open_course(tmp_path),
        assignment(),
        [GradebookEntry(grade("bob", 5, 20, 0, 2.5), executed())],
    )
    row = next(row for row in dump(tmp_path) if row[:2] == ("bob", "test_final"))
    assert row[2:6] == (20.0, 17.0, 0.5, True)


def test_students_who_are_not_written_stay(tmp_path: Path) -> None:
    """One entry is written; the others keep every mark."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    before = [row for row in dump(tmp_path) if row[0] != "bob"]
    write_gradebook(
        open_course(tmp_path), assignment(), [GradebookEntry(grade("bob", 0, 0, 0, 0), executed())]
    )
    assert [row for row in dump(tmp_path) if row[0] != "bob"] == before
    assert (tmp_path / "autograded" / "ada" / "optimizers" / "optimizers.ipynb").exists()


def test_a_check_that_is_dropped_leaves_the_total_and_a_new_one_waits(tmp_path: Path) -> None:
    """Also for students who are not written: their mark of the new check is open, not 0."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    changed = (*CHECKS[:3], CheckEntry("test_new", "New", 4, visible_cell=False))
    write_gradebook(open_course(tmp_path), assignment(checks=changed), [])
    with open_gradebook(tmp_path) as gradebook:
        assert gradebook.find_submission("optimizers", "ada").score == 38
        assert gradebook.find_assignment("optimizers").max_score == 42
        assert gradebook.find_grade(
            "test_new", "optimizers", "optimizers", "ada"
        ).needs_manual_grade
        assert (
            gradebook.db.query(
                gradebook.find_grade("test_new", "optimizers", "optimizers", "ada").__class__
            ).count()
            == 12
        )


def test_a_check_that_is_dropped_stays_where_a_person_marked_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Their points and their comment are theirs, and the instructor is told."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    with open_gradebook(tmp_path) as gradebook:
        gradebook.find_grade(HIDDEN, "optimizers", "optimizers", "bob").manual_score = 7
        gradebook.db.commit()
    kept = [check for check in CHECKS if grade_id(check.id) != HIDDEN]
    write_gradebook(open_course(tmp_path), assignment(checks=kept), [])
    with open_gradebook(tmp_path) as gradebook:
        assert gradebook.find_grade(HIDDEN, "optimizers", "optimizers", "bob").manual_score == 7
    assert f"{HIDDEN} is no check any more" in caplog.text


def test_a_failure_leaves_the_gradebook_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction: nothing of a part that broke off midway."""
    write_gradebook(open_course(tmp_path), assignment(), entries())
    before = dump(tmp_path)
    monkeypatch.setattr("autograder.exchange.nbgrader.gradebook._mark", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_gradebook(
            open_course(tmp_path),
            assignment(),
            [GradebookEntry(grade("new", 0, 0, 0, 0), executed())],
        )
    assert dump(tmp_path) == before
    with open_gradebook(tmp_path) as gradebook:
        assert "new" not in [student.id for student in gradebook.students]


@pytest.mark.long("hundreds of notebooks")
def test_a_large_class_is_written_in_parts(tmp_path: Path) -> None:
    """Every student has the marks of each check once; what a failure midway has left out comes with
    the next call.
    """
    students = [
        GradebookEntry(grade(f"student{number:03}", number % 11, 20, 8, 2.5), executed())
        for number in range(AT_ONCE + 10)
    ]

    def failing() -> Iterator[GradebookEntry]:
        yield from students[: AT_ONCE + 5]
        raise ValueError

    write_gradebook(open_course(tmp_path / "parts"), assignment(), [])
    with pytest.raises(ValueError):
        write_gradebook(open_course(tmp_path / "parts"), assignment(), failing())
    assert {row[0] for row in dump(tmp_path / "parts")} == {
        entry.grade.student for entry in students[:AT_ONCE]
    }
    write_gradebook(open_course(tmp_path / "parts"), assignment(), students)
    wanted = {
        (entry.grade.student, grade_id(check.id), check.points)
        for entry in students
        for check in entry.grade.checks
    }
    assert sorted(row[:3] for row in dump(tmp_path / "parts")) == sorted(wanted)


def test_the_check_cells_say_how_it_went(tmp_path: Path) -> None:
    """Visible cells keep their own output before it; hidden ones stand at the end, locked, with
    title and points.
    """
    write_gradebook(open_course(tmp_path), assignment(), entries())
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in autograded(tmp_path, "bob").cells}
    assert [output.text for output in cells["test_first_losses"].outputs][0] == "80.364\n"
    assert (
        cells["test_first_losses"].outputs[-1].text
        == "[GradStep] failed: 5 of 10 points\n\nObserved 884.0\nExpected 80.364\n"
    )
    hidden = cells[HIDDEN]
    assert hidden.source.startswith("# Any optimizer, on data you have not seen")
    assert (
        hidden.metadata.nbgrader.locked,
        hidden.metadata.nbgrader.grade,
        hidden.metadata.nbgrader.points,
    ) == (True, True, 8)
    assert set(hidden.metadata.nbgrader) == {
        "schema_version",
        "grade",
        "solution",
        "locked",
        "task",
        "grade_id",
        "points",
        "cell_type",
        "checksum",
    }


def test_hostile_notebooks_are_inert_and_valid(tmp_path: Path) -> None:
    """Forged and doubled grade ids, raw HTML, scripts in outputs and Markdown, broken cell ids: a
    grader's browser meets none of it.
    """
    v4, notebook = nbformat.v4, executed()
    evil = "<script>alert('evil')</script>"
    rich = {
        "text/html": evil,
        "image/svg+xml": evil,
        "application/javascript": evil,
        "image/png": f"x{evil}",
        "text/plain": "fine\x1b[2J",
    }
    notebook.cells[1].outputs = [
        v4.new_output("display_data", data=rich),
        v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[31mt"]),
        v4.new_output(
            "display_data",
            data={
                "text/html": (
                    f"<table class='dataframe'><tr><td onclick='x'>-3{evil}</td></tr></table>"
                )
            },
        ),
        v4.new_output("display_data", data={"text/markdown": f"$\\frac{{1}}{{n}}$ {evil}"}),
        v4.new_output(
            "display_data", data={"text/plain": "x"}, metadata={"image/png": {"width": evil}}
        ),
    ]
    notebook.cells += [
        v4.new_raw_cell(evil, metadata={"raw_mimetype": "text/html"}),
        v4.new_markdown_cell(f"{evil}\n\n{LINKS}", id="intro"),
        v4.new_code_cell("1", metadata=metadata(HIDDEN, grade=True, locked=True, points=99)),
        v4.new_code_cell("1", metadata=metadata("test_final", grade=True, locked=True, points=99)),
        v4.new_code_cell("1", metadata={"nbgrader": ["no", "dict"]}),
    ]
    notebook.cells[-1]["id"] = "../\x00"
    notebook.metadata["language_info"] = {"name": evil, "pygments_lexer": evil}
    del notebook.cells[2]  # a locked check cell is gone
    write_gradebook(
        open_course(tmp_path), assignment(), [GradebookEntry(grade("eve", 0, 0, 0, 0), notebook)]
    )
    shown = autograded(tmp_path, "eve")
    text = nbformat.v4.writes(shown)
    assert evil not in text.replace("# </script><script>alert(1)</script>", "")
    assert "\\u001b" not in text
    names = [cell.metadata.nbgrader.grade_id for cell in shown.cells if "nbgrader" in cell.metadata]
    assert sorted(names) == sorted(
        [
            "intro",
            "training_loop",
            "test_first_losses",
            "test_final",
            HIDDEN,
            grade_id(CHECKS[3].id),
        ]
    )
    assert [
        cell.metadata.nbgrader.points
        for cell in shown.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_final"
    ] == [20]
    nbgrader(tmp_path, "generate_feedback", "optimizers")
    html = (tmp_path / "feedback" / "eve" / "optimizers" / "optimizers.html").read_text()
    assert "<script>alert('evil')" not in html
    assert "<td>-3</td>" in html
    assert r"$\frac{1}{n}$" in html
    links = links_of(html)
    assert "https://pytorch.org/docs" in links
    assert not [
        link
        for link in links
        if re.match(r"\s*(javascript|vbscript|data:text)", link.replace("\\", ""), re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "student",
    ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a\x00b", "a\nb", "\ud800", "x" * 300],
)
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, student: str) -> None:
    """Before anything is written."""
    with pytest.raises(ExchangeError, match="can't be the name of a folder"):
        write_gradebook(
            open_course(tmp_path / "results"),
            assignment(),
            [GradebookEntry(grade(student, 0, 0, 0, 0), None)],
        )
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("student", ["Zoë Ñandú", "o'brien; DROP TABLE grade", "a%20b?x=1#y"])
def test_odd_but_honest_names_are_kept(tmp_path: Path, student: str) -> None:
    """Accents, quotes and percent signs, in the folder's path too."""
    folder = tmp_path / "a%20b?x#y"
    write_gradebook(
        open_course(folder), assignment(), [GradebookEntry(grade(student, 10, 0, 0, 0), executed())]
    )
    assert (folder / "autograded" / student / "optimizers" / "optimizers.ipynb").is_file()
    assert (folder / "gradebook.db").is_file()


def test_a_visible_check_without_a_cell_is_refused(tmp_path: Path) -> None:
    """The message names check and cell."""
    with pytest.raises(ExchangeError, match="'test_gone' has no cell"):
        write_gradebook(
            open_course(tmp_path),
            assignment(checks=[CheckEntry("test_gone", "", 1, visible_cell=True)]),
            [],
        )


def test_two_checks_of_one_name_are_refused(tmp_path: Path) -> None:
    """A hidden check may not take a visible one's cell."""
    with pytest.raises(ExchangeError, match="share the grade_id 'test_final'"):
        write_gradebook(
            open_course(tmp_path),
            assignment(checks=[*CHECKS, CheckEntry("test_final", "", 1, visible_cell=False)]),
            [],
        )


def test_an_essay_in_the_release_waits_for_a_person(tmp_path: Path) -> None:
    """A cell with points that is no check of ours is a person's to mark."""
    essay = nbformat.v4.new_markdown_cell(
        "Why?", metadata=metadata("essay", grade=True, solution=True, points=5), id="essay"
    )
    write_gradebook(
        open_course(tmp_path),
        assignment(release=released([essay])),
        [GradebookEntry(grade("ada", 10, 20, 8, 8), executed())],
    )
    assert next(row for row in dump(tmp_path) if row[1] == "essay")[2:6] == (None, None, None, True)


def test_an_untouched_solution_is_told_apart(tmp_path: Path) -> None:
    """nbgrader's own words, "No response.", where the cell is as released."""
    same = executed(source=released().cells[1].source)
    write_gradebook(
        open_course(tmp_path),
        assignment(),
        [
            GradebookEntry(grade("a", 0, 0, 0, 0), same),
            GradebookEntry(grade("b", 0, 0, 0, 0), executed()),
        ],
    )
    with open_gradebook(tmp_path) as gradebook:
        comments = {
            student: (
                gradebook.find_comment(
                    "training_loop", "optimizers", "optimizers", student
                ).auto_comment
            )
            for student in "ab"
        }
    assert comments == {"a": "No response.", "b": None}


def test_without_nbgrader_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to type, in the error."""
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    with pytest.raises(ExchangeError, match=re.escape('pip install "gradstep[course]"')):
        write_gradebook(open_course(tmp_path), assignment(), [])


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    """And left alone."""
    (tmp_path / "gradebook.db").write_text("not a database, but long enough to be looked at" * 100)
    with pytest.raises(ExchangeError, match=r"gradebook\.db can't be written"):
        write_gradebook(open_course(tmp_path), assignment(), [])


def test_the_database_opens_without_nbgraders_migration_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nbgrader runs `alembic` from PATH for a new database, which a virtual environment that is not
    activated lacks.
    """
    monkeypatch.setenv("PATH", "")
    write_gradebook(open_course(tmp_path), assignment(), entries())
    assert dump(tmp_path)


@given(st.text(min_size=1), st.text(min_size=1))
def test_grade_ids_are_valid_stable_and_distinct(one: str, other: str) -> None:
    """nbgrader accepts letters, digits, _ and - only."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", grade_id(one))
    assert grade_id(one) == grade_id(one)
    assert (grade_id(one) == grade_id(other)) == (one == other)


def test_grade_ids_can_be_read() -> None:
    """Plain ids stay as they are; parametrized ones keep their words."""
    assert grade_id("test_final") == "test_final"
    assert grade_id("test_x[SGD-momentum]").startswith("test_x-SGD-momentum-")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-20 10:00:00.000000 UTC", "2026-11-20T10:00:00+00:00"),
        ("2026-11-20 10:00:00 +0100", "2026-11-20T09:00:00+00:00"),
        ("2026-11-20 10:00:00 Europe/Zurich", "2026-11-20T09:00:00+00:00"),
        ("2026-11-20T10:00:00Z\n", "2026-11-20T10:00:00+00:00"),
        ("2026-11-20 10:00", "2026-11-20T10:00:00+00:00"),
        ("2026-99-20 10:00:00 UTC", ""),
        ("2026-11-20 10:00:00 ../../etc/passwd", ""),
        ("2026-11-20 10:00:00 A/../../../etc/passwd", ""),
        ("9999-12-31 23:59:59 -2359", ""),
        ("yesterday", ""),
        ("", ""),
        ("2" * 10_000, ""),
    ],
)
def test_timestamps_are_read_as_nbgrader_writes_them(tmp_path: Path, text: str, iso: str) -> None:
    """In UTC; what says nothing is no time."""
    (tmp_path / "timestamp.txt").write_text(text)
    assert submitted_at(tmp_path) == iso


def test_no_timestamp_file_is_no_time(tmp_path: Path) -> None:
    """Flat folders have none."""
    assert submitted_at(tmp_path) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
)
outputs = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "display_data", "execute_result", "update_display_data"])},
    optional={
        "name": json_values, "text": json_values, "ename": json_values, "evalue": json_values, "traceback": st.lists(json_values, max_size=3),
        "data": st.dictionaries(st.sampled_from(["text/plain", "image/png", "text/html"]), json_values), "execution_count": json_values,
    },
)  # fmt: skip


@settings(max_examples=60)
@given(
    st.lists(outputs, max_size=4),
    json_values,
    json_values,
    st.sampled_from(["code", "markdown", "raw"]),
)
def test_any_outputs_and_metadata_give_a_valid_notebook(
    made: list[Any], count: Any, forged: Any, kind: str
) -> None:
    """One submission's odd notebook must not stop the class's gradebook."""
    notebook = executed()
    cell = {
        "cell_type": kind,
        "source": "x",
        "outputs": made,
        "execution_count": count,
        "metadata": {"nbgrader": {"grade_id": forged}},
        "id": forged,
    }
    notebook.cells.append(nbformat.from_dict(cell))
    release = released()
    shown = autograded_notebook(release, released_cells(release, CHECKS), notebook, {})
    nbformat.validate(nbformat.reads(nbformat.v4.writes(shown), as_version=4))
