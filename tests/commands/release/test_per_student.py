"""Per-student variants: released, graded each on its own data, and told apart."""

import os
import re
import shutil

import jupytext
import nbformat
import pytest
from tiny_class import Recorded
from typer.testing import CliRunner
from variant_class import COURSE, RIGHT, ROSTER, VariantCourse, cell_of, check_of

from autograder.checks.docket import open_docket
from autograder.cli import app
from autograder.commands.export.gradescope_zip import export_gradescope
from autograder.commands.export.repositories import (
    export_github,
    export_gitlab,
    export_prairielearn,
)
from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.validate.validation import _broken_elsewhere
from autograder.course.draws import HELD, key_path, on_variant, open_variants, record_path
from autograder.course.prepare import broken_checks, prepare
from autograder.errors import AssignmentError
from autograder.exchange.nbgrader.gradebook import _make_tables
from autograder.judgement.grade import (
    Cause,
    CheckResult,
    Grade,
    GradeStatus,
    JudgedVariant,
    Outcome,
    Provenance,
    Visibility,
)
from autograder.people.roster import Student
from autograder.reports.grades_csv import grades_csv
from autograder.reports.terminal.class_table import what_went_wrong

STUDENTS = [entry.id for entry in ROSTER]
ONE_SHORT = RIGHT["training_loop"].replace("range(n_epochs)", "range(n_epochs - 1)")


READS = """
try:
    print("key:", open({!r}).read())
except OSError as error:
    print("no key:", type(error).__name__)
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory, executor):
    """The course with a notebook for each student of the roster."""
    course = VariantCourse.made(tmp_path_factory.mktemp("variants") / "course", executor)
    course.release()
    return course


def loss_in(notebook):
    """The expected loss that the notebook tells its student."""
    return float(re.search(r"expected_loss = ([\d.]+)", cell_of(notebook, "your_numbers"))[1])


def returning(number):
    return f"def loss_fn(params, x, y):\n    return torch.tensor({number}) + 0 * params.sum()\n"


@pytest.fixture(scope="module")
def graded(released):
    """A class: those who did their own, and those who did not."""
    for student in ("ada", "bob", "cleo"):
        released.submit(student, released.solved(student))
    released.submit("dora", released.solved("bob"))  # not on the roster
    released.submit("eve", released.solved("ada", training_loop=ONE_SHORT))
    numbers = released.solved("fay", loss_fn=returning(loss_in(released.notebook("bob"))))
    numbers.cells.append(nbformat.v4.new_code_cell(READS.format(str(key_path(released.root)))))
    released.submit("fay", numbers)
    script = released.root / "submitted" / "gil" / "fit" / "fit.py"
    script.parent.mkdir(parents=True)
    script.write_text(jupytext.writes(released.solved("cleo"), fmt="py:percent"))
    bare = released.solved("ada")
    bare.cells = [cell for cell in bare.cells if "gradstep" not in cell.metadata]
    released.submit("hal", bare)
    edited = released.solved("bob")
    next(
        cell for cell in edited.cells if cell.id == "your_data"
    ).source = "x = y = torch.ones(8)\nlr = 1.0"
    released.submit("bob", edited)
    grades, progress = released.grade()
    assert progress.total == len(grades) == 8
    return released, grades


# --- the release ----------------------------------------------------------------------------------


def test_everybody_has_data_of_their_own_and_nbgraders_cells_are_the_same(released):
    """Five notebooks: the cells that hold data all differ, and every cell that nbgrader knows is
    the same, checksum and all.
    """
    notebooks = [released.notebook(student) for student in STUDENTS]
    for name in ("your_data", "your_numbers"):
        assert len({cell_of(notebook, name) for notebook in notebooks}) == len(STUDENTS)
    known = [
        [cell for cell in notebook.cells if "nbgrader" in cell.metadata] for notebook in notebooks
    ]
    assert len(known[0]) == 7
    assert all(cells == known[0] for cells in known)
    assert not any(
        "nbgrader" in cell.metadata for cell in notebooks[0].cells if cell.id.startswith("your_")
    )


def test_nbgrader_leaves_each_students_data_alone(released, tmp_path):
    """Its own OverwriteCells, with ada's notebook as the source of the course, changes no cell of
    bob's.
    """
    from nbgrader import api
    from nbgrader.preprocessors import OverwriteCells, SaveCells
    from traitlets.config import Config

    url = f"sqlite:///{tmp_path}/gradebook.db"
    config = Config()
    config.CourseDirectory.db_url = url
    resources = {"nbgrader": {"assignment": "fit", "notebook": "fit", "db_url": url}}
    _make_tables(api, url)
    with api.Gradebook(url) as gradebook:
        gradebook.add_assignment("fit")
    SaveCells(config=config).preprocess(released.notebook("ada"), resources)
    before = released.solved("bob")
    after, _ = OverwriteCells(config=config).preprocess(released.solved("bob"), resources)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]


def test_a_second_release_is_the_same_to_the_byte_and_keeps_who_has_data(
    released, executor, tmp_path
):
    """In a fresh folder from the same secret; and one who joins later changes nothing for the
    others.
    """
    again = VariantCourse.made(tmp_path / "again", executor)
    shutil.copytree(released.root / "secret", again.root / "secret")
    record_path(again.files).unlink()
    done = again.release((*ROSTER, Student("zoe", "")))
    assert done.new == (*STUDENTS, "zoe")
    for student in STUDENTS:
        assert (again.released / student / "fit.ipynb").read_bytes() == (
            released.released / student / "fit.ipynb"
        ).read_bytes()
    assert again.release((*ROSTER, Student("zoe", ""), Student("yan", ""))).new == ("yan",)


def test_a_release_holds_neither_secret_nor_solution_nor_hidden_checks(released):
    """Of all files that students get: no byte of the key, no line of a solution, no hidden check or
    its data, nothing of anybody else.
    """
    key = key_path(released.root).read_text().strip()
    variants = open_variants(released.files)
    for student in STUDENTS:
        text = "\n".join(
            path.read_text() for path in (released.released / student).rglob("*") if path.is_file()
        )
        values = variants.draw(student).values
        assert str(values["x"]) in text
        others = [variants.draw(other).tag for other in STUDENTS if other != student]
        solution = [
            "((params[0] * x + params[1] - y) ** 2)",
            "loss.backward()",
            "optimizer.zero_grad()",
        ]
        hidden = ["test_loop", "Momentum", "momentum", "unseen", str(values["unseen_x"])[1:-1]]
        assert [word for word in (key, key[:16], *others, *solution, *hidden) if word in text] == []


def test_the_secret_is_for_its_owner_and_not_for_git(graded):
    """Mode 0600 in a folder that ignores itself; it stands in no result, grade, page or evidence,
    and a submission that opens the file does not get it.
    """
    released, _ = graded
    path = key_path(released.root)
    assert "no key:" in released.results.executed_path("fay").read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / ".gitignore").read_text() == "*\n"
    key = path.read_text().strip()
    kept = [
        file
        for file in released.root.rglob("*")
        if file.is_file() and path.parent not in file.parents
    ]
    assert len(kept) > 10
    assert not [
        file
        for file in kept
        if key.encode() in file.read_bytes() or bytes.fromhex(key) in file.read_bytes()
    ]


# --- grading --------------------------------------------------------------------------------------


def test_right_solutions_get_all_points_on_everybodys_own_data(graded):
    """Three students, three variants, no word; bob's data cell, which he had changed, is put back
    as it was released to him.
    """
    _, grades = graded
    for student in ("ada", "bob", "cleo"):
        assert (grades[student].points, grades[student].status, grades[student].variant.note) == (
            10,
            GradeStatus.GRADED,
            "",
        )
    runs = [check_of(grades[student], "test_loop").run for student in ("ada", "bob", "cleo")]
    assert len(set(runs)) == 3, "hidden calls are made with the student's own data"
    assert any("'your_data' had been changed" in notice for notice in grades["bob"].notices)


def test_anothers_notebook_is_noticed_and_costs_no_points_silently(graded):
    """All that passes on the student's own data counts; the instructor reads whose it is, the
    student only that it is not theirs.
    """
    course, grades = graded
    dora = grades["dora"]
    assert (dora.points, dora.status) == (10, GradeStatus.NEEDS_REVIEW)
    assert dora.variant.note == "holds the variant of bob"
    assert "holds the variant of bob" in what_went_wrong(dora)
    assert "holds the variant of bob" in grades_csv([dora])
    assert dora.notices[0] == HELD
    own = open_variants(course.files).draw("dora")
    assert dora.variant.tag == own.tag
    assert str(own.values["x"]) in course.results.executed_path("dora").read_text()


def test_what_fails_in_anothers_notebook_is_for_a_person(graded):
    """A loop that is an epoch short, in ada's notebook: neither 0 points nor given, and the message
    stays.
    """
    _, grades = graded
    eve = grades["eve"]
    assert eve.variant.note == "holds the variant of ada"
    loop = check_of(eve, "test_loop")
    assert (loop.outcome, loop.cause, loop.points) == (Outcome.NEEDS_REVIEW, Cause.OTHER_VARIANT, 0)
    assert "44 steps" in loop.message
    assert check_of(eve, "test_loss").outcome is Outcome.PASSED
    assert eve.pending_points == 8


def test_what_a_person_marked_in_anothers_notebook_stays_marked():
    """A check that failed may have done so for the data's sake; one that passed did not, and an
    answer that a person marked has been looked at.
    """

    def check(name, outcome, cause, **fields):
        return CheckResult(
            name,
            name,
            "",
            outcome,
            cause,
            0.0,
            4.0,
            Visibility.VISIBLE,
            message="observed 3",
            **fields,
        )

    failed = check("test_a", Outcome.FAILED, Cause.DISAGREES)
    rest = (
        check("test_b", Outcome.PASSED, Cause.AGREES),
        check("why", Outcome.FAILED, Cause.MARKED, question=True),
    )
    grade = Grade("ada", "tiny", (failed, *rest), (), "", Provenance("0.1.0", "", "", ""))
    own = on_variant(grade, JudgedVariant("tag", 0))
    assert (own.checks, own.notices) == (grade.checks, ())
    found = on_variant(grade, JudgedVariant("tag", 0, "holds the variant of bob"))
    assert [one.cause for one in found.checks] == [Cause.OTHER_VARIANT, Cause.AGREES, Cause.MARKED]
    assert found.checks[0].outcome is Outcome.NEEDS_REVIEW
    assert "observed 3" in found.checks[0].message
    assert found.checks[1:] == rest
    assert found.notices == (HELD,)
    assert on_variant(found, found.variant).notices == (HELD,)


def test_anothers_numbers_fail(graded):
    """fay's own notebook with bob's expected loss typed in: not what her data give, and no
    excuse.
    """
    _, grades = graded
    assert (check_of(grades["fay"], "test_loss").outcome, grades["fay"].variant.note) == (
        Outcome.FAILED,
        "",
    )
    assert grades["fay"].status is GradeStatus.GRADED
    assert grades["fay"].points < 10


def test_a_script_without_metadata_is_noticed_too(graded):
    """The cell's last line says whose it is; its data are put out of it."""
    _, grades = graded
    assert (grades["gil"].variant.note, grades["gil"].points) == ("holds the variant of cleo", 10)


def test_a_notebook_without_any_variant_is_graded_by_the_id_alone(graded):
    """Not on the roster, and every data cell deleted: they are put back, and nothing is
    suspected.
    """
    course, grades = graded
    hal = grades["hal"]
    assert (hal.points, hal.status, hal.variant.note) == (10, GradeStatus.GRADED, "")
    assert (
        str(open_variants(course.files).draw("hal").values["x"])
        in course.results.executed_path("hal").read_text()
    )


def test_a_second_grading_runs_nothing_and_a_regrade_moves_nothing(graded):
    """Also of those whose notebook holds another's."""
    course, grades = graded
    again, progress = course.grade()
    assert (again, progress.total) == (grades, 0)
    moves, lost = regrade_class(course.files, course.results, course.executor)
    assert lost == {}
    assert [move.after for move in moves] == [grades[move.after.student] for move in moves]


def test_changed_points_are_regraded_on_everybodys_own_evidence(graded, executor, tmp_path):
    """Two points move from the hidden to the visible check: only who has lost one of them has other
    points then.
    """
    course, grades = graded
    root = tmp_path / "moved"
    shutil.copytree(course.root, root)
    path = root / "assignments" / "fit" / "test_fit.py"
    path.write_text(
        path.read_text().replace("@points(2)", "@points(4)").replace("@points(5, ", "@points(3, ")
    )
    moved = VariantCourse(root, executor)
    moves, lost = regrade_class(moved.files, moved.results, executor)
    points = {move.after.student: move.after.points for move in moves}
    assert lost == {}
    assert (points["ada"], points["dora"], points["eve"]) == (10, 10, 4)
    assert {move.after.student: move.after.variant for move in moves} == {
        student: grade.variant for student, grade in grades.items()
    }


def test_a_persons_decision_on_anothers_notebook_lasts(graded, executor, tmp_path):
    """eve's loop in ada's notebook got 3 points by hand: judged again, it has them still, and
    nobody is asked; taken back, it waits for a person as before.
    """
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook

    course, grades = graded
    root = tmp_path / "marked"
    shutil.copytree(course.root, root)
    marked = VariantCourse(root, executor)
    project_class(marked.files, marked.results, list(grades.values()), Recorded())

    def typed(score):
        with Gradebook(f"sqlite:///{marked.results.nbgrader.gradebook_file}") as gradebook:
            mark = gradebook.find_grade("test_loop", "fit", "fit", "eve")
            mark.manual_score, mark.needs_manual_grade = score, score is None
            gradebook.db.commit()

    def again():
        moves, _ = regrade_class(marked.files, marked.results, executor)
        for move in moves:
            marked.results.write_grade(move.after)
        project_class(marked.files, marked.results, [move.after for move in moves], Recorded())
        loop = check_of(marked.results.read_grade("eve"), "test_loop")
        return loop.outcome, loop.cause, loop.points

    typed(3)
    assert again() == (Outcome.FAILED, Cause.MARKED, 3)
    checks = root / "assignments" / "fit" / "test_fit.py"
    checks.write_text(checks.read_text() + "\n# judged again\n")
    assert again() == (Outcome.FAILED, Cause.MARKED, 3)
    typed(None)
    assert again() == (Outcome.NEEDS_REVIEW, Cause.OTHER_VARIANT, 0)


def test_pages_show_the_students_own_reference_and_nobodys_name(graded):
    """The page draws the loss of ada's own reference beside hers; dora's page tells her that the
    data are not hers, and nowhere whose they are.
    """
    course, grades = graded
    project_class(course.files, course.results, list(grades.values()), Recorded())
    pages = {student: course.results.feedback_path(student).read_text() for student in grades}
    first = {
        student: re.search(
            r"Your loss: ([\d.]+) at step 1\b.*The reference&#39;s: ([\d.]+) at step 1\b",
            pages[student],
        )
        for student in ("ada", "cleo")
    }
    assert all(found[1] == found[2] for found in first.values())
    assert first["ada"][1] != first["cleo"][1]
    assert HELD in pages["dora"]
    assert "bob" not in pages["dora"]
    assert HELD not in pages["ada"]


def test_the_gradebook_takes_a_class_with_variants(graded):
    """Points as graded; autograded/ shows each student's own data."""
    from nbgrader.api import Gradebook

    course, grades = graded
    project_class(course.files, course.results, list(grades.values()), Recorded())
    with Gradebook(f"sqlite:///{course.results.nbgrader.gradebook_file}") as gradebook:
        assert gradebook.find_submission("fit", "ada").score == 10
        assert gradebook.find_submission("fit", "eve").needs_manual_grade
        assert not gradebook.find_submission("fit", "fay").needs_manual_grade
    variants = open_variants(course.files)
    for student in ("ada", "dora"):
        shown = nbformat.read(
            course.results.root / "autograded" / student / "fit" / "fit.ipynb", as_version=4
        )
        assert str(variants.draw(student).values["x"]) in "\n".join(
            cell.source for cell in shown.cells
        )
        # `nbgrader generate_feedback` makes students' pages of it
        assert "holds the variant" not in str(shown)


def test_equal_data_share_one_run_of_the_reference(released, executor, tmp_path):
    """Two students whose variants have the same values: one more piece of evidence, not two."""
    course = VariantCourse.made(tmp_path / "equal", executor)
    (course.root / "assignments" / "fit" / "variant.py").write_text(
        "def draw(rng):\n    rng.random()\n    return dict(x=[1.0, 2.0], y=[2.0, 3.5], lr=0.05,"
        " unseen_x=[0.5, -1.0], unseen_y=[1.0, 0.0])\n"
    )
    course.release(ROSTER[:2])
    assert len(list(course.results.evidence.root.rglob("*.msgpack"))) == 1
    assert course.notebook("ada") != course.notebook("bob"), "the tags differ all the same"


# --- what can go wrong ----------------------------------------------------------------------------


@pytest.fixture
def spoiled(released, executor, tmp_path):
    """A copy to spoil, with one submission."""
    root = tmp_path / "course"
    shutil.copytree(
        released.root, root, ignore=shutil.ignore_patterns("grades", "submitted", "autograded")
    )
    course = VariantCourse(root, executor)
    course.submit("ada", course.solved("ada"))
    return course


def test_a_lost_secret_is_said_and_never_made_anew(spoiled):
    """Neither grading nor another release goes on, and there is still no key."""
    key_path(spoiled.root).unlink()
    for action in (spoiled.grade, spoiled.release):
        with pytest.raises(AssignmentError, match=r"secret/key is missing.*from a copy"):
            action()
    assert not key_path(spoiled.root).exists()


def test_another_secret_is_noticed(spoiled):
    """By the fingerprint on record; without the record, by that in the notebook."""
    key_path(spoiled.root).write_text(f"{os.urandom(32).hex()}\n")
    with pytest.raises(AssignmentError, match="not the secret that 'fit' was released with"):
        spoiled.grade()
    record_path(spoiled.files).unlink()
    grades, _ = spoiled.grade()
    assert grades["ada"].variant.note == "holds a variant made with another secret than secret/key"


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31], ids=["empty", "no hex", "short"])
def test_a_damaged_secret_is_refused(spoiled, content):
    """Whatever is in it, the message says which file and what to do."""
    key_path(spoiled.root).write_text(content)
    with pytest.raises(AssignmentError, match=r"secret/key: .*from a copy"):
        spoiled.grade()


def test_a_variant_py_that_draws_other_data_than_were_released_stops_everything(spoiled):
    """A typo mended after the release would fail everybody; a comment changes nothing."""
    path = spoiled.root / "assignments" / "fit" / "variant.py"
    path.write_text(path.read_text() + "# a comment\n")
    assert open_variants(spoiled.files)
    path.write_text(path.read_text().replace("uniform(0.5, 2.0)", "uniform(5.0, 6.0)"))
    for action in (spoiled.grade, spoiled.release):
        with pytest.raises(
            AssignmentError, match="no longer draws what was released to ada, bob, cleo"
        ):
            action()


def test_data_in_a_cell_that_nbgrader_knows_are_refused(spoiled):
    """The check quotes a number that differs from student to student: the release names the cell
    and says where it belongs.
    """
    path = spoiled.files.template
    path.write_text(
        path.read_text().replace(
            "- expected_loss", '- {{ reference("test_loss").returned | number(5) }}'
        )
    )
    with pytest.raises(
        AssignmentError,
        match=r'cell \'test_loss\' differs from one student to another.*role="variant"',
    ):
        spoiled.release()


def test_systems_that_grade_by_themselves_are_refused(spoiled, tmp_path):
    """They would need the secret; without variant.py the same assignment is exported (as
    test_gradescope_zip and test_prairielearn_job do with others).
    """
    for export in (
        lambda: export_gradescope(spoiled.files, tmp_path / "fit.zip"),
        lambda: export_prairielearn(spoiled.files, tmp_path / "pl", "", "image"),
        lambda: export_github(spoiled.files, tmp_path / "hub", ""),
        lambda: export_gitlab(spoiled.files, tmp_path / "lab", ""),
    ):
        with pytest.raises(AssignmentError, match="does not leave the course"):
            export()
    assert {path.name for path in tmp_path.iterdir()} == {"course"}


def test_validation_tries_the_reference_on_another_variant_too(spoiled):
    """A check that only the first sample passes is broken; as it was before, it is not."""

    def elsewhere(docket):
        shared = prepare(spoiled.files, docket, spoiled.results.evidence, spoiled.executor)
        return (
            broken_checks(shared),
            _broken_elsewhere(shared, spoiled.results.evidence, spoiled.executor),
            shared.judge.reference.calls[0].returned,
        )

    here, there, loss = open_docket(spoiled.files, elsewhere)
    assert (here, there) == ((), ())
    path = spoiled.files.checks
    path.write_text(
        path.read_text().replace(
            "    assert_close(run.returned, reference.returned)\n",
            f"    assert abs(float(run.returned) - {float(loss.numpy())}) < 1e-4\n",
        )
    )
    here, there, _ = open_docket(spoiled.files, elsewhere)
    assert here == ()
    assert [line.partition(":")[0] for line in there] == ["on another drawn variant, test_loss"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["release", "fit"], "--per-student --roster ROSTER"),
        (["release", "fit", "--per-student"], "belong together"),
        (["release", "fit", "--roster", "{roster}"], "belong together"),
        (
            ["release", "tiny", "--per-student", "--roster", "{roster}"],
            r"variant\.py with a function `draw\(rng\)`",
        ),
        (["release", "fit", "--per-student", "--roster", "{roster}"], "have not passed their test"),
        (
            ["release", "fit", "--force", "--per-student", "--roster", "{nobody}"],
            "no such file|No such file",
        ),
    ],
)
def test_the_command_says_what_it_needs(words, said, tmp_path):
    """Each wrong use, in words; nothing is written."""
    shutil.copytree(COURSE, tmp_path / "course")
    shutil.copytree(COURSE.with_name("tiny_course"), tmp_path / "course", dirs_exist_ok=True)
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada\n")
    places = {"roster": tmp_path / "roster.csv", "nobody": tmp_path / "nobody.csv"}
    done = CliRunner().invoke(
        app, [*(word.format(**places) for word in words), "--course", str(tmp_path / "course")]
    )
    assert done.exit_code != 0
    assert re.search(said, f"{done.output} {done.exception}")
    assert not (tmp_path / "course" / "release").exists()
    assert not (tmp_path / "course" / "secret").exists()


@pytest.mark.seconds("a command with a forkserver of its own")
def test_the_command_releases_a_roster(executor, tmp_path, monkeypatch):
    """From the file to a notebook for each line, and the key is told of once."""
    # one forkserver starts in half the time
    monkeypatch.setattr("autograder.cli.release.CORES", 1)
    course = VariantCourse.made(tmp_path / "course", executor)
    (tmp_path / "roster.csv").write_text("name;id\nLovelace, Ada;ada\nBob;../bob\n")
    words = [
        "release",
        "fit",
        "--force",
        "--per-student",
        "--roster",
        str(tmp_path / "roster.csv"),
        "--course",
        str(course.root),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Released 2 notebooks" in done.output
    ada, bob = sorted(
        (path.parent.name for path in course.released.rglob("fit.ipynb")), key="ada".__ne__
    )
    assert ada == "ada"
    assert f"'../bob' is called {bob} here" in done.output
    assert "'ada'" not in done.output
