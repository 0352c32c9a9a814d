"""Diagnosis in the pipeline: what reaches the grade, points for kept contracts, notes to the
instructor.
"""

import pytest

from autograder.checks import points
from autograder.commands.grade.regrade import regrade_class
from autograder.judgement.grade import Outcome

CONTRACTS = (
    '@points(5, visibility="after_due_date", contracts={"gradient": 2, "clearing": 1, "count +'
    ' untouched + update": 1, "optimizer + return": 1})'
)
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
    (move,), lost = regrade_class(course.files, course.results, course.executor)
    assert lost == {}
    assert move.after == move.before


def test_steps_that_no_optimizer_makes_are_noted_for_the_instructor(course):
    """The notebook reaches into Adam's memory: the check fails, and the note is in the grade, not
    in what students read.
    """
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
    """A matrix and a vector: a right loop passes, one that never clears is named, and one with two
    mistakes at once gets both names.
    """
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(checks.read_text().replace("params=leaf([1.0, -2.0])", MATRICES))
    solution = course.root / "solutions" / "tiny" / "solution.py"
    solution.write_text(
        solution.read_text().replace(
            "loss = loss_fn(params)", "loss = sum(loss_fn(each) for each in params)"
        )
    )
    course.submit("right", training_loop=PLAIN)
    course.submit("sticky", training_loop=PLAIN.replace("        optimizer.zero_grad()\n", ""))
    course.submit(
        "short",
        training_loop=PLAIN.replace("range(n_epochs)", "range(1, n_epochs)").replace(
            "        optimizer.zero_grad()\n", ""
        ),
    )
    grades, _ = course.grade()
    found = {
        student: {finding.code for finding in check(grades, student).findings} for student in grades
    }
    assert found == {
        "right": set(),
        "sticky": {"never-clears"},
        "short": {"never-clears", "too-few-steps"},
    }
    assert check(grades, "right").points == 5


IN_TURN = """def training_loop(n_epochs, optimizer, params, batches):
    for _ in range(n_epochs):
        for batch in batches:
            optimizer.zero_grad()
            loss_fn(params - batch).backward()
            optimizer.step()
    return params
"""
BATCHES = """@call("training_loop", n_epochs=4, optimizer=optim.Adam(lr=0.1), params=leaf([1.0, -2.0]), batches=[tensor([3.0]), tensor([-1.0, 2.0]), tensor([0.5])], turns="batches")"""


def in_turn(course):
    """The tiny course with a loop over batches."""
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    text = checks.read_text().replace("    points,\n", "    points,\n    tensor,\n")
    wanted = (
        '@call("training_loop", n_epochs=20, optimizer=optim.Adam(lr=0.1), params=leaf([1.0,'
        " -2.0]))"
    )
    assert wanted in text
    checks.write_text(text.replace(wanted, BATCHES))
    solution = course.root / "solutions" / "tiny" / "solution.py"
    text = solution.read_text()
    solution.write_text(text[: text.index("def training_loop")] + IN_TURN)
    template = course.root / "assignments" / "tiny" / "notebook.py.j2"
    text = template.read_text()
    text = text.replace('{{ stub("training_loop") }}', IN_TURN).replace(
        "lr=0.1), weights)", "lr=0.1), weights, [torch.zeros(1)])"
    )
    template.write_text(text)


def test_minibatches_are_judged_each_at_its_own_batch(course):
    """What is right is not accused although each step has another loss; what is wrong is named, and
    nothing that only follows from it.
    """
    in_turn(course)
    lines = IN_TURN.splitlines(keepends=True)
    course.submit("right", training_loop=IN_TURN)
    course.submit("short", training_loop=IN_TURN.replace("range(n_epochs)", "range(1, n_epochs)"))
    course.submit(
        "sticky", training_loop=IN_TURN.replace("            optimizer.zero_grad()\n", "")
    )
    course.submit(
        "late",
        training_loop="".join(lines[:3] + lines[4:5])
        + "        optimizer.step()\n        optimizer.zero_grad()\n    return params\n",
    )
    course.submit("first", training_loop=IN_TURN.replace("params - batch", "params - batches[0]"))
    grades, _ = course.grade()
    found = {
        student: {finding.code for finding in check(grades, student).findings} for student in grades
    }
    assert found == {
        "right": set(),
        "short": {"too-few-steps"},
        "sticky": {"never-clears"},
        "late": {"steps-every-second"},
        "first": {"other-objective"},
    }
    (finding,) = check(grades, "first").findings
    assert finding.step == 2
    (finding,) = check(grades, "sticky").findings
    assert "before step 2's backward" in finding.observed
    assert "12 steps" in finding.observed


def test_what_does_not_train_is_not_diagnosed(course):
    """A function that uses an optimizer for another end owes it nothing of what a training loop
    does.
    """
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    course.submit("sticky", training_loop=NEVER_CLEARS)
    checks.write_text(checks.read_text().replace("n_epochs=20,", "trains=False, n_epochs=20,"))
    grades, _ = course.grade()
    assert check(grades, "sticky").outcome is Outcome.FAILED
    assert check(grades, "sticky").findings == ()


MADE_UP = """weights = torch.tensor([2.0], requires_grad=True)
optimizer = torch.optim.SGD([weights], lr=0.1)
for step in range(30):
    weights.grad = torch.zeros(1)
    optimizer.step()
    weights.data.fill_(2 * 0.8 ** (step + 1))
    optimizer.register_step_post_hook(lambda *_: weights.data.fill_(2 * 0.8 ** (step + 1)))
"""
SHORT = (
    "weights = training_loop(29, torch.optim.SGD([w := torch.tensor([2.0], requires_grad=True)],"
    " lr=0.1), w)\n"
)


def test_a_long_run_that_was_made_up_is_told_to_the_instructor_alone(course):
    """A run that is wrong in an honest way is not."""
    course.submit("eve", train=MADE_UP)
    course.submit("sam", train=SHORT)
    grades, _ = course.grade()
    made_up, short = (
        next(check for check in grades[student].checks if check.id == "test_train")
        for student in ("eve", "sam")
    )
    assert made_up.lost
    assert short.lost
    assert "forged" in made_up.note
    assert "forged" not in made_up.message
    assert short.note == ""
