"""Calibration of the tiny course: right programs and mistakes, measured."""

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from autograder.checks import Observation, call, leaf, optim
from autograder.checks.docket import open_docket
from autograder.cli import app
from autograder.commands.calibrate.bench import make_bench, older_machine
from autograder.commands.calibrate.measuring import calibrate_assignment
from autograder.commands.calibrate.right_programs import exchange, rephrasings_of
from autograder.commands.release.student_version import release_assignment
from autograder.course.keys import judging_key
from autograder.errors import AssignmentError, CalibrationError
from autograder.evidence.trace import array_of
from autograder.judgement.calibration import calibration_path, call_digest, read_calibration
from autograder.judgement.comparing.spread import INERT
from autograder.judgement.comparing.tolerance import LEAST_SPREAD
from autograder.judgement.grade import Cause


class Counted:
    """A progress that counts."""

    def __init__(self):
        self.total = self.seen = 0

    def started(self, total):
        self.total = total

    def done(self, _):
        self.seen += 1


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


OFF_BY_A_HAIR = """from autograder.mistakes.written import mistake


@mistake(of="loss_fn", name="is off by a hair")
def off_by_a_hair(values):
    return (values**2).mean() * (1 + 3e-6)
"""

CALIBRATED = """torch = "2"
python = "3"
machine = "x"
date = 2026-01-01

[checks.test_loop]
call = "{call}"
steps = 20
spread = 1e-7
bar = 1e-6
nearest = 1e-5
nearest_mistake = "one"
margin = {margin}
"""


@pytest.fixture(scope="module")
def answers(released, executor):
    """What every program did on the tiny course's one call that trains, and the bench."""
    from autograder.assignment import open_assignment

    files, progress = open_assignment(released, "tiny"), Counted()

    def body(docket):
        with older_machine(files.assignment) as older:
            bench = make_bench(files, docket, executor, older=older)
            return bench, list(bench.answers(bench.tasks(), progress))

    bench, found = open_docket(files, body)
    assert progress.seen == progress.total > 0
    return bench, found


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_right_programs_lie_below_the_bar_and_every_mistake_above(course):
    """But for mistakes that are none on this call; the file holds it all, and a second look finds
    nothing changed.
    """
    first = calibrate_assignment(course.files, course.results, course.executor, Counted())
    (measured,) = first.calibration.checks.values()
    assert list(first.calibration.checks) == ["test_loop"]
    assert measured.spread < measured.bar < measured.nearest
    assert measured.margin >= 10
    assert measured.steps == 20
    assert read_calibration(calibration_path(course.files.folder)) == first.calibration
    assert (
        calibrate_assignment(course.files, course.results, course.executor, Counted()).changes == ()
    )


@pytest.mark.seconds("sixty programs are run before the first, some in forkservers of their own")
def test_what_is_tried(answers):
    """Every kind of legitimate variation, and mistakes; the tiny loop has no rows to reorder."""
    _, found = answers
    rights = {answer.program for answer in found if answer.right and answer.tried is not None}
    assert rights >= {
        "again",
        "float64",
        "foreach=True",
        "foreach=False",
        "fused=True",
        "2 threads",
        "ATEN_CPU_CAPABILITY=default",
    }
    assert {"torch.dot in loss_fn", "mean as sum / numel in loss_fn"} <= rights
    assert not any("rows" in name for name in rights)
    spread = max(
        LEAST_SPREAD,
        *(answer.tried.distance.total for answer in found if answer.right and answer.tried),
    )
    assert 0 < spread < 1e-5
    wrongs = [answer.tried.distance.total for answer in found if not answer.right]
    assert len(wrongs) > 10
    assert not [total for total in wrongs if INERT * spread < total < 10 * spread]


def test_the_same_call_again_is_the_same_to_the_last_bit(answers):
    """What is measured is variation, not noise."""
    _, found = answers
    assert next(answer.tried.distance.total for answer in found if answer.program == "again") == 0


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_a_mistake_too_near_is_refused_and_nothing_is_written(course):
    """It names the check, the mistake and what to change."""
    (course.root / "solutions" / "tiny" / "mistakes.py").write_text(OFF_BY_A_HAIR)
    with pytest.raises(CalibrationError) as caught:
        calibrate_assignment(course.files, course.results, course.executor, Counted())
    assert "test_loop" in str(caught.value)
    assert "off-by-a-hair" in str(caught.value)
    assert "10x are needed" in str(caught.value)
    assert not calibration_path(course.files.folder).exists()


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_what_calibration_refused_is_not_released_until_it_succeeds(course):
    """By the real commands: the check is named, `--force` says what it did; with the mistake gone,
    calibration succeeds and only a validation is asked for.
    """

    def command(*words):
        done = CliRunner().invoke(app, [*words, "--course", str(course.root)])
        return done.exit_code, f"{done.output}{done.exception}"

    mistakes = course.root / "solutions" / "tiny" / "mistakes.py"
    mistakes.write_text(OFF_BY_A_HAIR)
    assert command("calibrate", "tiny")[0] == 1
    refused = (
        "the last calibration refused a bar for test_loop: run `autograder calibrate tiny` first"
    )
    for words in (["release", "tiny"], ["export", "gradescope", "tiny"]):
        code, said = command(*words)
        assert code == 1
        assert refused in said
        assert "run `autograder validate tiny` first" in said
    code, said = command("release", "tiny", "--force")
    assert code == 0
    assert (
        "by force: the last calibration refused a bar for test_loop; its checks have not passed"
        in said
    )
    mistakes.unlink()
    assert command("calibrate", "tiny")[0] == 0
    code, said = command("release", "tiny")
    assert code == 1
    assert "calibration" not in said
    assert "run `autograder validate tiny` first" in said


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("n_epochs=20", "n_epochs=21", "the bar of test_loop was measured for another call"),
        ("", "", "the bar of test_loop has a margin below 10x"),
    ],
    ids=["another call", "narrow"],
)
def test_a_bar_that_holds_no_more_is_not_released(course, old, new, named):
    """Neither one of another call, nor one that somebody has edited; where the bars hold, it is."""
    store, place = course.results.evidence, course.root / "out"
    digest = open_docket(
        course.files,
        lambda docket: next(
            call_digest(spec.call) for spec in docket.specs if spec.id == "test_loop"
        ),
    )
    path = calibration_path(course.files.folder)
    text = CALIBRATED.format(call=digest, margin=100.0)
    path.write_text(text)
    assert release_assignment(course.files, place, store, course.executor).is_file()
    if old:
        edit(course.files.checks, old, new)
    else:
        path.write_text(CALIBRATED.format(call=digest, margin=9.0))
    with pytest.raises(CalibrationError, match=f"{named}: run `autograder calibrate tiny`"):
        release_assignment(course.files, place, store, course.executor)
    assert release_assignment(course.files, place, store, course.executor, force=True).is_file()


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_a_right_program_of_equivalents_py_counts_as_spread(course):
    """The author's own formulation lies further out than any rewriting, and so does the bar."""
    before = calibrate_assignment(
        course.files, course.results, course.executor, Counted()
    ).calibration.checks["test_loop"]
    (course.root / "solutions" / "tiny" / "equivalents.py").write_text(
        "from autograder.mistakes.written import variant\n\n\n"
        '@equivalent(of="loss_fn", name="is right to six digits")\n'
        "def to_six_digits(values):\n    return (values**2).mean() * (1 + 3e-6)\n"
    )
    after = calibrate_assignment(
        course.files, course.results, course.executor, Counted()
    ).calibration.checks["test_loop"]
    assert after.spread > 2 * before.spread
    assert after.bar > before.bar


ONE_BY_ONE = """def loss_fn(values):
    \"\"\"Mean of the squares of a tensor of shape (n,).\"\"\"
    ### BEGIN SOLUTION
    return (values**2).mean()
    ### END SOLUTION


def training_loop(optimizer, params, rows, wanted):
    \"\"\"One step for each row.\"\"\"
    ### BEGIN SOLUTION
    for row, target in zip(rows, wanted, strict=True):
        loss = ((row * params).sum() - target) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
    ### END SOLUTION
"""


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_rows_that_are_steps_are_not_reordered(course):
    """Reversed, the first step is another; the other order begins with the same row, and is another
    program all the same.
    """
    course.files.solution.write_text(ONE_BY_ONE)
    edit(
        course.files.folder / "notebook.py.j2",
        "training_loop(30, torch.optim.SGD([weights], lr=0.1), weights)",
        "weights",
    )
    rows = (
        "rows=[[1.0, 2.0], [0.5, -1.0], [2.0, 1.0], [-1.0, 0.25]], wanted=[1.0, 2.0, -1.0, 0.5], "
    )
    edit(course.files.checks, "n_epochs=20, ", rows)
    edit(
        course.files.checks,
        "assert_long_run(run, reference)",
        "assert run.variables == reference.variables",
    )
    done = calibrate_assignment(course.files, course.results, course.executor, Counted())
    assert {
        line.partition(",")[0] for line in done.left_out if "rows" in line.partition(",")[0]
    } == {
        "rows reversed",
        "rows in another order",
    }
    assert done.calibration.checks["test_loop"].spread < 1e-5


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_an_excused_mistake_may_be_near(course):
    """The author has said that the checks may let it pass."""
    (course.root / "solutions" / "tiny" / "mistakes.py").write_text(
        "from autograder.mistakes.written import mistake\n\n\n"
        '@mistake(of="loss_fn", name="is off by a hair", survives="nobody cares")\n'
        "def off_by_a_hair(values):\n    return (values**2).mean() * (1 + 3e-6)\n"
    )
    assert calibrate_assignment(
        course.files, course.results, course.executor, Counted()
    ).calibration.checks


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_a_cell_that_looks_at_a_long_run_is_no_obstacle(course):
    """The cells that train for long are left out; what prints their results fails then, and no call
    needs it.
    """
    template = course.files.folder / "notebook.py.j2"
    template.write_text(
        template.read_text() + '\n# %% role="free" id="result"\nweights - torch.ones(1)\n'
    )
    edit(
        course.files.folder / "notebook.py.j2",
        "weights = torch.tensor([2.0], requires_grad=True)\n",
        "",
    )
    edit(
        course.files.folder / "notebook.py.j2",
        "[weights], lr=0.1), weights)",
        "[start], lr=0.1), start)",
    )
    edit(
        course.files.folder / "notebook.py.j2",
        "weights = training_loop",
        "start = torch.ones(1, requires_grad=True)\nweights = training_loop",
    )
    assert list(
        calibrate_assignment(
            course.files, course.results, course.executor, Counted()
        ).calibration.checks
    ) == ["test_loop"]


def test_a_cell_that_breaks_the_calls_is_named(course):
    """There the cell is the cause, and the first to be said."""
    edit(
        course.files.folder / "notebook.py.j2",
        "import torch\n",
        "import torch\nraise ValueError('no data')\n",
    )
    edit(
        course.files.solution,
        "        loss = loss_fn(params)",
        "        loss = loss_fn(params) + missing",
    )
    with pytest.raises(AssignmentError, match="fails in data: ValueError: no data"):
        calibrate_assignment(course.files, course.results, course.executor, Counted())


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_mistakes_are_measured_also_where_a_call_makes_several_optimizers(course):
    """As many steps may be made as the reference makes with all of them."""
    both = (
        "def twice(n_epochs, optimizer, params):\n    training_loop(n_epochs,"
        " torch.optim.SGD([params], lr=0.01), params)\n"
    )
    both += "".join(
        f"    training_loop(n_epochs, torch.optim.SGD([params], lr=0.0{k}), params)\n"
        for k in range(2, 6)
    )
    edit(
        course.files.folder / "notebook.py.j2",
        '# %% role="solution" id="train"',
        f'# %% role="given" id="twice"\n{both}\n# %% role="solution" id="train"',
    )
    edit(course.files.checks, '@call("training_loop"', '@call("twice"')
    edit(course.files.folder / "assignment.toml", '["training_loop"]', '["training_loop", "twice"]')
    (measured,) = calibrate_assignment(
        course.files, course.results, course.executor, Counted()
    ).calibration.checks.values()
    assert measured.nearest < float("inf")
    assert measured.steps == 20


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_rephrasings_that_torch_refuses_are_left_out_and_said(course):
    """Rprop has no fused kernel, and a loop that makes a float32 tensor of its own may take no
    float64.
    """
    edit(course.files.checks, "optim.Adam(lr=0.1)", "optim.Rprop(lr=0.01)")
    edit(
        course.files.solution, "loss = loss_fn(params)", "loss = loss_fn(torch.ones(1, 2) @ params)"
    )
    edit(
        course.files.solution,
        '"""Reference of the tiny assignment."""',
        '"""Reference."""\n\nimport torch',
    )
    edit(
        course.files.folder / "notebook.py.j2",
        "torch.tensor([2.0], requires_grad=True)",
        "torch.tensor([2.0, 1.0], requires_grad=True)",
    )
    left_out = calibrate_assignment(
        course.files, course.results, course.executor, Counted()
    ).left_out
    assert len(left_out) == 2
    assert any(line.startswith("fused=True, for test_loop: ") for line in left_out)
    assert any(line.startswith("float64, for test_loop: RuntimeError") for line in left_out)


def test_an_assignment_that_trains_nothing_has_nothing_to_calibrate(course):
    """Zero epochs."""
    edit(course.files.checks, "n_epochs=20", "n_epochs=0")
    with pytest.raises(AssignmentError, match="nothing to calibrate"):
        calibrate_assignment(course.files, course.results, course.executor, Counted())


def test_a_reference_that_raises_is_the_assignments_fault(course):
    """And is no CalibrationError: there is nothing to tune."""
    edit(course.files.solution, "        optimizer.step()", "        optimizer.stepp()")
    with pytest.raises(AssignmentError, match="test_loop: AttributeError"):
        calibrate_assignment(course.files, course.results, course.executor, Counted())


@pytest.mark.long("a calibration runs sixty programs, some in forkservers of its own")
def test_the_measured_bar_is_what_the_check_judges_by(course, answers):
    """A run that the general bar lets pass fails under a stricter one in the file, for this call
    only; and the grade depends on the file.
    """
    bench, _ = answers
    reference = bench.models["test_loop"]
    (trace,) = reference.run.traces
    shifted = tuple(
        array_of(np.float32(values.numpy() * (1 + 1e-5))) for values in trace.parameters
    )
    run = Observation(
        msgspec.structs.replace(
            reference.run, traces=(msgspec.structs.replace(trace, parameters=shifted),)
        )
    )

    def verdict(docket):
        spec = next(spec for spec in docket.specs if spec.id == "test_loop")
        return docket.judge(spec, run, reference).cause

    assert open_docket(course.files, verdict) is Cause.AGREES
    before = judging_key(course.files)
    calibrate_assignment(course.files, course.results, course.executor, Counted())
    assert judging_key(course.files) != before
    path = calibration_path(course.files.folder)
    measured = read_calibration(path).checks["test_loop"]
    edit(path, f"spread = {measured.spread}", "spread = 0.0")
    edit(path, f"bar = {measured.bar}", "bar = 1e-06")
    assert open_docket(course.files, verdict) is Cause.DISAGREES
    edit(path, measured.call, "0" * 12)
    assert open_docket(course.files, verdict) is Cause.AGREES


# --- variants of a call ---------------------------------------------------------------------------


def call_of(**arguments):
    return call("train", **arguments).args[0][""]


def test_rows_move_together_and_only_where_two_arrays_share_them():
    """Readings and targets in the same new order; a lone array, and one of another length, stay."""
    made = call_of(
        x=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        y=[10.0, 30.0, 50.0],
        other=[1.0, 2.0],
        params=leaf([7.0, 8.0, 9.0]),
    )
    variants = {rephrasing.name: rephrasing for rephrasing in rephrasings_of(made)}
    backwards = variants["rows reversed"].call.arguments
    assert backwards["y"].numpy().tolist() == [50.0, 30.0, 10.0]
    assert backwards["x"].numpy().tolist() == [[5.0, 6.0], [3.0, 4.0], [1.0, 2.0]]
    assert backwards["other"] == made.arguments["other"]
    assert backwards["params"] == made.arguments["params"]
    shuffled = variants["rows in another order"].call.arguments
    assert (shuffled["x"].numpy()[:, 0] * 10).tolist() == shuffled["y"].numpy().tolist()
    assert "rows reversed" not in {
        rephrasing.name
        for rephrasing in rephrasings_of(call_of(x=[1.0, 2.0], params=leaf([1.0, 2.0])))
    }


def test_float64_reaches_leaves_their_gradients_and_lists():
    """All float32 numbers of the call; integers stay."""
    made = call_of(
        x=[1.0, 2.0], n=3, labels=np.array([1, 2]), params=[leaf([1.0], grad=[2.0]), leaf(2.0)]
    )
    wide = next(
        rephrasing for rephrasing in rephrasings_of(made) if rephrasing.name == "float64"
    ).call.arguments
    assert wide["x"].dtype == "float64"
    assert [(one.values.dtype, one.grad and one.grad.dtype) for one in wide["params"].values] == [
        ("float64", "float64"),
        ("float64", None),
    ]
    assert (wide["n"], wide["labels"]) == (3, made.arguments["labels"])


def test_settings_that_the_author_chose_stay():
    """Another value of foreach would be another call."""
    made = call_of(optimizer=optim.SGD(lr=0.1, foreach=True), params=leaf([1.0]))
    assert {rephrasing.name for rephrasing in rephrasings_of(made)} == {"float64", "fused=True"}


def test_a_definition_is_exchanged_where_the_template_put_it(course):
    """In the middle of a cell too; a function that no cell holds changes nothing."""
    solution = course.files.solution
    body = (
        'def loss_fn(values):\n    """Mean of the squares of a tensor of shape (n,)."""\n    return'
        " (values**2).mean()"
    )
    cells = [("a", f"import torch\n\n{body}\nprint(1)"), ("b", "x = 1")]
    assert solution.is_file()
    changed = exchange(cells, course.files, "loss_fn", "def loss_fn(values): ...")
    assert changed == [("a", "import torch\n\ndef loss_fn(values): ...\nprint(1)"), ("b", "x = 1")]
    assert exchange(cells[1:], course.files, "loss_fn", "def loss_fn(values): ...") == cells[1:]
