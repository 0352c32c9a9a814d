"""Testing the checks: on a copy of the tiny course, whose checks are good, and on spoiled ones."""

import dataclasses

import msgspec
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.commands.validate.kill_matrix import kill_matrix, lines
from autograder.commands.validate.record import is_validated
from autograder.commands.validate.validation import Fate, known_mistakes, validate_assignment
from autograder.mistakes.mutants import mutants

WEAK = """
import numpy as np
from autograder.checks import assert_close, assert_long_run, call, cell, leaf, optim, points

@points(2)
@call("loss_fn", values=[1.0, 3.0])
def test_loss_fn(run, reference):
    "The mean of the squares"
    assert_close(run.returned, reference.returned)

@points(3)
@cell("train", of="training_loop", capture=["weights"])
def test_train(run, reference):
    "Thirty epochs"
    assert run.variables["weights"] is not None

@points(5)
@call("training_loop", n_epochs=20, optimizer=optim.SGD(lr=0.1), params=leaf([1.0, -2.0]))
def test_loop(run, reference):
    "Near the optimum"
    assert np.abs(run.returned).max() < 0.4
"""


class Silent:
    """A progress that only counts."""

    total = done_ = 0

    def started(self, total):
        self.total = total

    def done(self, trial):
        self.done_ += 1


CODES = {
    "never-clears",
    "one-epoch-short",
    "own-sgd",
    "sum-not-mean",
    "returns-nothing",
    "half-loss",
    "rebuilds-optimizer",
}


@pytest.fixture
def validate(course, monkeypatch):
    """Validate the course, on half a dozen mistakes: most tests need no more."""
    monkeypatch.setattr(
        "autograder.commands.validate.validation.mutants",
        lambda source, path: tuple(one for one in mutants(source, path) if one.code in CODES),
    )

    def run():
        return validate_assignment(course.files, course.results, course.executor, Silent())

    return run


def test_good_checks_pass_the_reference_fail_the_stub_and_kill_every_mistake_that_operators_make(
    course,
):
    """All of them, with nothing monkeypatched; a mistake in one function leaves the other's calls
    as they were.
    """
    progress = Silent()
    validation = validate_assignment(course.files, course.results, course.executor, progress)
    assert (validation.reference, validation.points, validation.stub, validation.broken) == (
        10,
        10,
        0,
        (),
    )
    assert progress.total == progress.done_ == len(validation.trials) > 50
    assert [trial.mistake.id for trial in validation.survivors] == []
    assert validation.passed
    fates = {trial.mistake.id: trial.fates for trial in validation.trials}
    assert fates["sum-not-mean"] == (Fate.KILLED, Fate.NOT_RUN, Fate.KILLED)
    assert fates["one-epoch-short"] == (Fate.UNAFFECTED, Fate.NOT_RUN, Fate.KILLED)
    assert fates["loss-item-before-backward"][2] is Fate.RAISED
    assert is_validated(course.files, course.results)


def test_weak_checks_let_mistakes_survive_and_the_matrix_says_which(course, validate):
    """A bar on final values: what ends near the optimum passes, also in the long cell, which is run
    for survivors.
    """
    course.files.checks.write_text(WEAK)
    validation = validate()
    survivors = {trial.mistake.id: trial for trial in validation.survivors}
    assert {"one-epoch-short", "rebuilds-optimizer"} <= set(survivors)
    assert "sum-not-mean" not in survivors
    assert survivors["one-epoch-short"].fates == (Fate.UNAFFECTED, Fate.SURVIVED, Fate.SURVIVED)
    assert not validation.passed
    assert not is_validated(course.files, course.results)
    said = "\n".join(lines(validation))
    assert (
        "Survives   one-epoch-short: training_loop trains one epoch too few (solution line 11)"
        in said
    )
    assert said.endswith("Not validated.")
    assert kill_matrix(validation).row_count == len(validation.trials)


def test_a_mistake_that_changes_nothing_on_any_call_is_inert_and_counts_as_survivor(
    course, validate
):
    """An instructor's mistake that is none on these calls: told apart, since no sharper check
    helps, only another call.
    """
    write_mistake(course, "    if n_epochs > 1000:\n        return None\n" + BODY)
    validation = validate()
    (inert,) = validation.survivors
    assert inert.inert
    assert inert.mistake.id == "gives-up"
    assert "Inert      gives-up" in "\n".join(lines(validation))


def test_an_excuse_silences_a_survivor_and_is_shown(course, validate):
    """survives= in mistakes.py; for mistakes of operators the dict EXCUSED."""
    write_mistake(
        course,
        "    if n_epochs > 1000:\n        return None\n" + BODY,
        survives="nobody trains that long",
    )
    validation = validate()
    assert validation.passed
    assert validation.survivors == ()
    assert "nobody trains that long" in "\n".join(lines(validation))
    record = msgspec.json.decode((course.root / "results" / "validated" / "tiny.json").read_bytes())
    assert record["excused"] == {"gives-up": "nobody trains that long"}
    assert record["mistakes"] == record["killed"] + 1


def test_no_mistakes_are_made_in_what_students_are_given(course):
    """A function without a region stands in a locked cell: nobody can get it wrong."""
    assert {one.function for one in known_mistakes(course.files)} == {"loss_fn", "training_loop"}
    text = course.files.solution.read_text()
    course.files.solution.write_text(
        text.replace("    ### BEGIN SOLUTION\n", "", 1).replace("    ### END SOLUTION\n", "", 1)
    )
    assert {one.function for one in known_mistakes(course.files)} == {"training_loop"}


def test_an_excuse_that_is_not_needed_is_said(course, validate):
    """The checks have become better than their author thought."""
    write_mistake(course, "    return params\n", survives="too hard to see")
    assert "gives-up needs no excuse any more" in "\n".join(lines(validate()))


def test_a_check_that_the_stub_passes_fails_the_validation(course, validate):
    """Points for nothing."""
    text = course.files.checks.read_text()
    text += (
        '\n\n@points(1)\n@cell("data", of="loss_fn")\ndef test_data(run, reference):\n    "The data'
        ' cell ran"\n'
    )
    course.files.checks.write_text(text)
    toml = course.files.folder / "assignment.toml"
    toml.write_text(toml.read_text().replace("points = 10", "points = 11"))
    validation = validate()
    assert validation.stub == 1
    assert not validation.passed


def test_the_stub_is_run_as_it_would_be_graded(course, validate):
    """A later part is judged with the given definitions: a cell that needs nothing else of the
    student scores with a blank notebook.
    """
    template = course.files.template
    text = (
        template.read_text()
        .replace("test_train", "test_use")
        .replace("weights is not None", "True")
        + '\n# %% role="solution" id="use"\nused = loss_fn(torch.tensor([2.0]))\n'
    )
    template.write_text(text)
    checks = course.files.checks
    text = (
        checks.read_text()
        .replace("test_train(", "test_use(")
        .replace('@cell("train", of="training_loop", capture=["weights"])', USE)
    )
    checks.write_text(
        text.replace("assert_long_run(run, reference)", 'assert run.variables["used"] == 4')
    )
    validation = validate()
    assert validation.stub == 3
    assert not validation.passed


USE = '@cell("use", of="training_loop", capture=["used"])'


def test_a_check_that_the_reference_fails_is_named(course, validate):
    """Its message, and no pass."""
    text = course.files.checks.read_text()
    course.files.checks.write_text(
        text.replace("assert_close(run.returned, reference.returned)", "assert False, 'never true'")
    )
    validation = validate()
    assert validation.reference == 8
    assert not validation.passed
    assert any("test_loss_fn" in line and "never true" in line for line in validation.broken)


BODY = """    for _ in range(n_epochs):
        loss = loss_fn(params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
"""


RIGHT = """from autograder.mistakes.written import equivalent


@equivalent(of="training_loop", name="counts down")
def counts_down(n_epochs, optimizer, params):
    while n_epochs:
        n_epochs -= 1
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
    return params
"""


def test_right_programs_of_equivalents_py_must_keep_all_points(course, validate):
    """One that does passes; one that checks accuse fails the validation, by name and with the
    checks that did it.
    """
    variants = course.files.solution.with_name("equivalents.py")
    variants.write_text(RIGHT)
    validation = validate()
    assert validation.passed
    assert [trial.mistake.id for trial in validation.equivalents] == ["counts-down"]
    assert is_validated(course.files, course.results)
    assert "Equivalent 1 of 1 right programs keep all points" in "\n".join(lines(validation))
    variants.write_text(RIGHT.replace("loss_fn(params)", "(2 * loss_fn(params))"))
    assert not is_validated(course.files, course.results)
    validation = validate()
    assert not validation.passed
    (line,) = (line for line in lines(validation) if line.startswith("Accused"))
    assert "counts-down" in line
    assert "test_loop" in line


def write_mistake(course, body, survives=""):
    mark = f'@mistake(of="training_loop", name="gives up", survives={survives!r})'
    text = (
        f"from autograder.mistakes.written import mistake\n\n\n{mark}\ndef gives_up(n_epochs,"
        f" optimizer, params):\n{body}"
    )
    course.files.solution.with_name("mistakes.py").write_text(text)


# --- the gate of `autograder release` -------------------------------------------------------------


def command(course, *words):
    options = ["--course", str(course.root), "--results", str(course.root / "fresh")]
    done = CliRunner().invoke(app, [words[0], "tiny", *words[1:], *options], catch_exceptions=True)
    return done.exit_code, done.output, str(done.exception)


@pytest.mark.seconds("a validation, and releases")
def test_release_waits_for_validate_and_again_after_an_edit(course, validate):
    """Refused; validated, released; after an edit of the checks or of mistakes.py refused again;
    --force says what it did.
    """
    release = ["release", "-o", str(course.root / "out")]
    _, _, error = command(course, *release)
    assert "run `autograder validate tiny` first" in error
    assert not (course.root / "out").exists()
    code, said, _ = command(course, "validate")
    assert code == 0
    assert "Validated." in said
    code, said, _ = command(course, *release)
    assert code == 0
    assert "force" not in said
    write_mistake(course, "    return params\n")
    assert "run `autograder validate tiny` first" in command(course, *release)[2]
    code, said, _ = command(course, *release, "--force")
    assert code == 0
    assert "by force: its checks have not passed their test" in said


@pytest.mark.long("validates three times")
def test_validate_ends_with_1_when_a_mistake_survives_and_release_still_refuses(course, validate):
    """The record of a failed test opens nothing."""
    course.files.checks.write_text(WEAK)
    code, said, _ = command(course, "validate")
    assert code == 1
    assert "Not validated." in said
    assert "run `autograder validate tiny` first" in command(course, "release")[2]


@pytest.mark.long("validates three times")
def test_grade_warns_of_checks_that_have_changed_or_failed_since_their_test(course, validate):
    """Silent where they were never tested here, where they passed as they are, and where only words
    have changed.
    """

    def warned():
        code, said, error = command(course, "grade", str(course.root / "submitted"))
        assert code == 0, error
        return next((line for line in said.splitlines() if "Warning" in line), "")

    course.submit("ada")
    assert warned() == ""
    assert command(course, "validate")[0] == 0
    assert warned() == ""
    toml = course.files.folder / "assignment.toml"
    toml.write_text(
        toml.read_text().replace("points = 10", "points = 10\ndue = 2099-01-01T00:00:00Z")
    )
    assert warned() == ""
    checks = course.files.checks.read_text()
    course.files.checks.write_text(
        checks.replace(
            "assert_long_run(run, reference)",
            "assert_long_run(run, reference)\n    assert run.variables",
        )
    )
    assert (
        warned()
        == "Warning: the checks of 'tiny' have changed since their last test: `autograder validate"
        " tiny` tests them"
    )
    course.files.checks.write_text(WEAK)
    assert command(course, "validate")[0] == 1
    assert "the checks of 'tiny' did not pass their last test" in warned()


def test_a_record_that_cannot_be_read_validates_nothing(course):
    """A torn or foreign file is no pass."""
    path = course.root / "results" / "validated" / "tiny.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert not is_validated(course.files, course.results)
    assert not is_validated(course.files, dataclasses.replace(course.results, slug="other"))
