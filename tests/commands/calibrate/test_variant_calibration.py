"""Calibration over drawn variants, and drawing again for a student where the bar has no room."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest
from variant_class import RIGHT, Told, VariantCourse, cell_of

from autograder.checks.docket import open_docket
from autograder.commands.calibrate.bench import Bench, make_bench
from autograder.commands.calibrate.measuring import _drawn_again, _refusal, calibrate_assignment
from autograder.course.draws import Record, key_path, open_variants, record_path
from autograder.draw import SAMPLES
from autograder.errors import AssignmentError
from autograder.judgement.calibration import calibration_path
from autograder.judgement.comparing.distance import Distance
from autograder.judgement.comparing.spread import Across, Spread, Tried
from autograder.judgement.comparing.tolerance import LEAST_MARGIN
from autograder.judgement.grade import GradeStatus
from autograder.people.roster import Student

pytestmark = pytest.mark.long("thirty drawn variants")

HOPELESS = "1e7"
"""A learning rate with which six steps overflow: the check does not pass the reference itself."""
ROSTER = tuple(Student(f"s{number}", "") for number in range(5))


def edit(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory, executor):
    """The course with the loop given, so that there are few mistakes to try, six steps, and one
    variant in thirteen hopeless. It is calibrated; then the bar is moved to where on some of the
    variants the nearest mistake is too near, and the course is released.
    """
    course = VariantCourse.made(tmp_path_factory.mktemp("calibrated") / "course", executor)
    files = course.files
    loop = files.solution.read_text().partition("def training_loop")[2]
    given = loop.replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION\n", "")
    edit(files.solution, (loop, given))
    edit(
        files.template,
        ('role="solution" id="training_loop"', 'role="given" id="training_loop"'),
        ('stub("training_loop")', 'given("training_loop")'),
    )
    edit(files.checks, ("n_epochs=45", "n_epochs=6"))
    edit(
        files.variant,
        (
            "rng.choice([0.04, 0.05, 0.06])",
            (
                "rng.choice([0.04, 0.05, 0.06, 0.04, 0.05, 0.06, 0.04, 0.05, 0.06, 0.04, 0.05,"
                f" 0.06, {HOPELESS}])"
            ),
        ),
    )
    assert course.files.draw.values["lr"] < 1, (
        "the first sample, on which everything is tried, is none of them"
    )
    edit(files.template, ("lr=lr)", "lr=min(lr, 0.05))"))  # the visible training converges for all
    done = calibrate_assignment(course.files, course.results, executor, Told())
    bar = nearest_mistakes(
        course,
        {
            str(n): draw.values
            for n, draw in enumerate(course.files.samples()[:9])
            if not hopeless(draw)
        },
    )
    bar = sorted(bar.values())[2] / math.sqrt(LEAST_MARGIN)
    edit(
        calibration_path(course.files.folder),
        (f"bar = {next(iter(done.calibration.checks.values())).bar!r}", f"bar = {bar!r}"),
    )
    key_path(course.root).parent.mkdir()
    # so that what is drawn for whom is the same each time
    key_path(course.root).write_text("b" * 64)
    key_path(course.root).chmod(0o600)
    return course, done, course.release(ROSTER, measure=True), bar


def hopeless(draw):
    return draw.values["lr"] > 1


def nearest_mistakes(course, draws):
    """How far the nearest mistake lies on each of `draws`."""

    def body(docket):
        bench = make_bench(course.files, docket, course.executor, draws)
        (across,) = bench.across(list(bench.answers(bench.few_tasks())))
        return {name: spread.nearest.distance.total for name, spread in across.variants.items()}

    return open_docket(course.files, body)


def test_a_check_that_varies_is_measured_on_thirty_variants(calibrated):
    """Those without room are drawn again, and named with the reason; one bar, with the margin over
    all of them.
    """
    course, done, *_ = calibrated
    (measured,) = done.calibration.checks.values()
    assert measured.margin >= 10
    assert measured.spread < measured.bar < measured.nearest
    again = [line for line in done.left_out if "drawn again" in line]
    expected = [number for number, draw in enumerate(course.files.samples()) if hopeless(draw)]
    assert 0 < len(expected) < SAMPLES
    assert {line.partition(",")[0] for line in again} >= {
        f"variant {number}" for number in expected
    }
    assert all("the reference does not pass it: " in line for line in again)


def test_the_bar_holds_for_everybody(calibrated):
    """A docket of any variant judges with it, though everybody's call is another; another
    variant.py makes it stale.
    """
    course, _, _, bar = calibrated
    files, variants = course.files, open_variants(course.files)

    def bars(docket):
        dockets = [docket, *(docket.of(variants.draw(entry.id).values) for entry in ROSTER)]
        return {one.bar(one.specs[2]) for one in dockets}, {one.specs[2].run_id for one in dockets}

    found, calls = open_docket(files, bars)
    assert found == {bar}
    assert len(calls) == 1 + len(ROSTER)
    other = dataclasses.replace(
        files,
        drawer=dataclasses.replace(
            files.drawer, function=lambda rng: {**files.drawer.function(rng), "lr": 0.01}
        ),
    )
    assert open_docket(other, lambda docket: docket.bar(docket.specs[2])) is None


def test_draws_that_are_not_fit_are_drawn_again_and_the_attempt_is_on_record(calibrated):
    """Those on which the reference fails, and those on which a mistake is within three times the
    bar; everybody gets the first draw that is neither.
    """
    course, _, released, bar = calibrated
    variants = open_variants(course.files)
    draws = {
        f"{entry.id} {attempt}": variants.draw(entry.id, attempt)
        for entry in ROSTER
        for attempt in range(variants.attempt(entry.id) + 1)
    }
    nearest = nearest_mistakes(
        course, {name: draw.values for name, draw in draws.items() if not hopeless(draw)}
    )
    fit = {
        name: not hopeless(draw) and nearest[name] >= bar * math.sqrt(LEAST_MARGIN)
        for name, draw in draws.items()
    }
    assert len([name for name in draws if not fit[name]]) == released.drawn_again
    assert any(hopeless(draw) for draw in draws.values())
    assert any(not fit[name] for name in nearest), "one that only measuring tells"
    for entry in ROSTER:
        last = variants.attempt(entry.id)
        assert [fit[f"{entry.id} {attempt}"] for attempt in range(last + 1)] == [False] * last + [
            True
        ]
        assert str(draws[f"{entry.id} {last}"].values["x"]) in cell_of(
            course.notebook(entry.id), "your_data"
        )


def test_grading_finds_the_attempt_without_the_record(calibrated):
    """The tag in a student's own notebook says which draw it was; a second release draws nobody
    again.
    """
    course, *_ = calibrated
    student = next(entry.id for entry in ROSTER if open_variants(course.files).attempt(entry.id))
    attempt = open_variants(course.files).attempt(student)
    assert course.release(ROSTER, measure=True).new == ()
    notebook = course.notebook(student)
    next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "loss_fn"
    ).source = RIGHT["loss_fn"]
    course.submit(student, notebook)
    path, kept = record_path(course.files), course.root / "kept.json"
    path.rename(kept)
    try:
        grades, _ = course.grade()
    finally:
        kept.rename(path)
    assert (grades[student].points, grades[student].status) == (10, GradeStatus.GRADED)
    assert (grades[student].variant.attempt, grades[student].variant.note) == (attempt, "")
    again, progress = course.grade()
    assert (again, progress.total) == (grades, 0)


def test_the_record_holds_attempts_and_digests_only(calibrated):
    """No data of anybody's, and no secret."""
    course, *_ = calibrated
    record = msgspec.json.decode(record_path(course.files).read_bytes(), type=Record)
    assert sorted(record.students) == sorted(entry.id for entry in ROSTER)
    assert record.secret == open_variants(course.files).secret.fingerprint
    assert record_path(course.files).stat().st_mode & 0o777 == 0o600


def test_a_release_asks_for_a_calibration_of_these_variants(executor, tmp_path):
    """None, and one of other calls: what to do is said. By force nothing is measured."""
    course = VariantCourse.made(tmp_path / "course", executor)
    with pytest.raises(
        AssignmentError, match=r"`autograder calibrate fit` first: calibration\.toml is missing"
    ):
        course.release(ROSTER[:1], measure=True)
    calibration_path(course.files.folder).write_text(
        'torch = "2"\npython = "3"\nmachine = "x"\ndate = 2026-01-01\n[checks.test_loop]\ncall ='
        ' "0"\nsteps = 45\nspread = 1e-7\nbar = 1e-5\nnearest = 1e-3\nnearest_mistake = "m"\nmargin'
        " = 1e4\n"
    )
    with pytest.raises(AssignmentError, match="is about other calls"):
        course.release(ROSTER[:1], measure=True)
    assert not list(course.released.rglob("*.ipynb"))


def test_too_many_variants_without_room_are_the_assignments_fault(calibrated, executor):
    """Fifteen of thirty may be drawn again; of sixteen the message says how many they are, and
    nothing is run.
    """
    course, *_ = calibrated

    def across(broken):
        right, wrong = (
            Tried("some", Distance(size, np.full(6, size), np.arange(1, 7)))
            for size in (1e-6, 1e-3)
        )
        return Across(
            "test_loop",
            {
                f"variant {n}": Spread("test_loop", (right,), (wrong,), "NaN" if n < broken else "")
                for n in range(30)
            },
        )

    given = [across(16)]
    bench = Bench(course.files, executor, [], {}, {}, {}, 30, {})
    spreads, left_out = open_docket(course.files, lambda docket: _drawn_again(bench, docket, given))
    assert spreads is given
    assert left_out == []
    assert _refusal(across(16)).startswith(
        "test_loop: 16 of 30 drawn variants leave no room for a bar, which is too many to draw them"
        " again. The first: "
    )
    assert _refusal(across(0)) == ""


def test_without_variants_nothing_is_asked_for(course):
    """No secret, no record, no `variant` in grade.json, no mark of ours in the release."""
    course.submit("ada")
    course.grade()
    assert '"variant"' not in course.results.grade_path("ada").read_text()
    assert not any("gradstep" in cell.metadata for cell in course.release.cells)
    assert not (course.root / "secret").exists()
