"""Diagnosis in the pipeline: what reaches the grade, points for kept contracts, notes to the instructor."""

import pytest

from autograder.checks import points
from autograder.judgement.grading import Outcome
from autograder.pipeline.regrade import regrade_class

CONTRACTS = '@points(5, visibility="after_due_date", contracts={"gradient": 2, "clearing": 1, "count + untouched + update": 1, "optimizer + return": 1})'
NEVER_CLEARS = """def training_loop(n_epochs, optimizer, params):
    for _ in range(n_epochs):
        loss_fn(params).backward()
        optimizer.step()
    return params
"""
NOTHING = "def training_loop(n_epochs, optimizer, params):\n    return params\n"
WIPES = """def training_loop(n_epochs, optimizer, params):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
        for state in optimizer.state.values():
            state['exp_avg'].mul_(0.5)
    return params
"""
RANDOM = """import itertools
COUNT = itertools.count()
def training_loop(n_epochs, optimizer, params):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
    open('ran', 'a').write('x')
    return params + len(open('ran').read())
"""


def with_contracts(course):
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    text = checks.read_text()
    assert '@points(5, visibility="after_due_date")' in text
    checks.write_text(text.replace('@points(5, visibility="after_due_date")', CONTRACTS))


def check(grades, student, name="test_loop"):
    return next(result for result in grades[student].checks if result.id == name)


def test_a_failed_check_says_what_is_wrong_and_a_passed_one_nothing(course):
    """The finding stands in the grade, with the step and this run's numbers."""
    course.submit("right")
    course.submit("sticky", training_loop=NEVER_CLEARS)
    grades, _ = course.grade()
    (finding,) = check(grades, "sticky").findings
    assert (finding.code, finding.step) == ("never-clears", 2)
    assert "None or zeros" in finding.expected
    assert all(result.findings == () and result.note == "" for result in grades["right"].checks)


def test_points_are_kept_for_the_contracts_that_were_kept(course):
    """Only clearing is broken: 4 of 5; a loop that does nothing keeps nothing."""
    with_contracts(course)
    course.submit("sticky", training_loop=NEVER_CLEARS)
    course.submit("idle", training_loop=NOTHING)
    grades, _ = course.grade()
    assert (check(grades, "sticky").points, check(grades, "sticky").outcome) == (4, Outcome.FAILED)
    assert check(grades, "idle").points == 0


def test_regrading_keeps_findings_and_partial_points(course):
    """They are a function of stored evidence: nothing moves."""
    with_contracts(course)
    course.submit("sticky", training_loop=NEVER_CLEARS)
    course.grade()
    ((move,), lost) = regrade_class(course.files, course.results, course.executor)
    assert lost == ()
    assert move.after == move.before


def test_steps_that_no_optimizer_makes_are_noted_for_the_instructor(course):
    """The notebook reaches into Adam's memory: the check fails, and the note is in the grade, not in what students read."""
    course.submit("wipes", training_loop=WIPES)
    grades, _ = course.grade()
    assert "reaches into the optimizer, or its evidence is forged" in check(grades, "wipes").note
    assert "forged" not in check(grades, "wipes").message


def test_runs_that_contradict_each_other_are_noted(course):
    """The same call with the same seed gave two results."""
    course.submit("random", training_loop=RANDOM)
    grades, _ = course.grade()
    assert "not deterministic" in check(grades, "random").note


@pytest.mark.parametrize(
    "contracts",
    [
        {"gradient": 5},
        {"gradient": 2, "clearing": 1, "count + untouched + update": 1, "optimizer + return": 2},
        {"gradient + gradient": 5},
        {"luck": 5},
    ],
)
def test_contracts_that_do_not_add_up_are_the_authors_mistake(contracts):
    """All seven, once each, their points the check's."""
    with pytest.raises(ValueError):
        points(5, contracts=contracts)


MATRICES = "params=[leaf([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]]), leaf([0.5, -0.5, 2.0, 1.0])]"
PLAIN = """def training_loop(n_epochs, optimizer, params):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        sum(loss_fn(each) for each in params).backward()
        optimizer.step()
    return params
"""


def test_contracts_hold_for_parameters_of_any_shape(course):
    """A matrix and a vector: a right loop passes, one that never clears is named, and one with two mistakes at once gets both names."""
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(checks.read_text().replace("params=leaf([1.0, -2.0])", MATRICES))
    solution = course.root / "solutions" / "tiny" / "solution.py"
    solution.write_text(solution.read_text().replace("loss = loss_fn(params)", "loss = sum(loss_fn(each) for each in params)"))
    course.submit("right", training_loop=PLAIN)
    course.submit("sticky", training_loop=PLAIN.replace("        optimizer.zero_grad()\n", ""))
    course.submit(
        "short", training_loop=PLAIN.replace("range(n_epochs)", "range(1, n_epochs)").replace("        optimizer.zero_grad()\n", "")
    )
    grades, _ = course.grade()
    found = {student: {finding.code for finding in check(grades, student).findings} for student in grades}
    assert found == {"right": set(), "sticky": {"never-clears"}, "short": {"never-clears", "too-few-steps"}}
    assert check(grades, "right").points == 5
