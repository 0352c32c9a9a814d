"""Correct, known and held-back programs, run and judged as `autograder grade` does."""

import known_mistakes
import pytest
from correct_programs import PROGRAMS as CORRECT
from held_back import PROGRAMS as HELD_BACK
from known_mistakes import PROGRAMS as KNOWN
from laboratory import SHORT, codes
from selection import long_too, selected, short

from autograder.judgement.findings.catalogue import CATALOGUE
from autograder.judgement.grade import Cause

SAME_FROM_OUTSIDE = {
    "only_readings_shuffled": {"other-objective"},  # one of 40320 orders: no probe can try them all
    "one_step_never_clears": {"starts-dirty"},  # one step can't tell never from not at first
}
"""Where the exact mistake leaves no trace of its own, what is said must be true and general."""


WHY = "226 programs, each run, run again alone and probed"
SOME_CORRECT = ["slides", "closure", "autograd_grad", "double_precision_inside"]
SOME_KNOWN = [
    "never_clears",
    "clears_between",
    "step_before_backward",
    "no_step",
    "range_from_one",
    "step_twice",
    "backward_twice",
    "summed",
    "bias_missing",
    "column_minus_row",
    "clips",
    "scheduler",
    "own_sgd",
    "rebuilt_each_epoch",
    "manual_update",
    "rebinds",
    "trains_a_copy",
    "global_readings",
    "hard_coded",
    "returns_the_loss",
    "item_before_backward",
    "one_step_order",
]
"""Some for each contract, so that a fault in any shows."""


def name_of(program):
    return program.name


def function_of(program):
    return getattr(program, "function", "training_loop")


@pytest.fixture(scope="module")
def judged(request, laboratory):
    """Results of the programs that tests of this session are about, by the name of their list and
    their own; the held-back ones where a test is about them all.
    """
    wanted = [program.name for program in selected(request, "program")]
    listed = (("correct", CORRECT), ("known", KNOWN), ("held back", HELD_BACK))
    programs = [
        (kind, program)
        for kind, ones in listed
        for program in ones
        if long_too(request) or program.name in wanted
    ]
    results = laboratory.judge([(function_of(program), program.source) for _, program in programs])
    return {
        (kind, program.name): result
        for (kind, program), result in zip(programs, results, strict=True)
    }


@pytest.mark.seconds("two dozen programs are judged before the first")
@pytest.mark.parametrize("program", short(CORRECT, SOME_CORRECT, WHY, name_of), ids=name_of)
def test_a_correct_loop_gets_full_marks_and_is_accused_of_nothing(judged, program):
    """However it is written."""
    results = judged["correct", program.name]
    assert {
        check: result.message
        for check, result in results.items()
        if result.points < result.max_points
    } == {}
    assert codes(results) == set()


@pytest.mark.parametrize("program", short(KNOWN, SOME_KNOWN, WHY, name_of), ids=name_of)
def test_a_known_mistake_loses_points_and_is_named(judged, program):
    """On the three hidden short calls of the loop (those of one_step for the few that are about
    it), with every finding that the list asks for.
    """
    results = judged["known", program.name]
    checks = (
        SHORT
        if function_of(program) == "training_loop"
        else [check for check in results if "one_step" in check]
    )
    assert any(results[check].points < results[check].max_points for check in checks)
    wanted = program.finding - {"crashes"}
    if "crashes" in program.finding:
        assert all(results[check].cause is Cause.RAISED for check in checks)
        assert codes(results) == set()
    elif program.name in SAME_FROM_OUTSIDE:
        assert codes(results) == SAME_FROM_OUTSIDE[program.name]
    else:
        assert wanted <= codes(results)


@pytest.mark.long(WHY)
def test_held_back_programs_are_mostly_named_and_rarely_misled(judged):
    """At least 85 % of the held-back set are named rightly (an error that stops the loop names
    itself), at most 3 % get a finding that points the wrong way.
    """
    named, misled = [], []
    for program in HELD_BACK:
        results = judged["held back", program.name]
        found = codes(results)
        raised = "crashes" in program.acceptable and any(
            result.cause is Cause.RAISED for result in results.values()
        )
        if raised or (
            all(found & either for either in program.both)
            if program.both
            else found & program.acceptable
        ):
            named.append(program.name)
        if found & program.misleading:
            misled.append(program.name)
    assert len(named) / len(HELD_BACK) >= 0.85, sorted(
        {program.name for program in HELD_BACK} - set(named)
    )
    assert len(misled) / len(HELD_BACK) <= 0.03, misled


ONE_TENSOR_ONLY = """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for _ in range(n_epochs):
        if params.grad is not None:
            params.grad.zero_()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
"""
WANTS_ELEVEN = """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    if len(t_u) != 11:
        raise ValueError("I only do 11")
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
"""


def test_an_error_on_other_data_is_no_proof_of_globals(laboratory):
    """A loop that raises on a list of two tensors, or on purpose, uses no name of the notebook: its
    error speaks for itself. `global_readings` above is named by its sizes.
    """
    for source in (ONE_TENSOR_ONLY, WANTS_ELEVEN):
        (results,) = laboratory.judge([("training_loop", source)])
        assert any(result.cause is Cause.RAISED for result in results.values())
        assert codes(results) == set()


STEP_FIRST = """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.step()
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
"""


def test_a_step_before_anything_was_computed_is_told_as_that(laboratory):
    """It moves nothing, so no path tells it; the count does."""
    (results,) = laboratory.judge([("training_loop", STEP_FIRST)])
    assert any(results[check].points < results[check].max_points for check in SHORT)
    assert codes(results) == {"extra-step", "too-many-steps"}


@pytest.mark.long(WHY)
def test_every_wrong_program_loses_points(judged):
    """Named or not, a wrong loop fails a short call of its function."""
    for kind, listed in (("known", KNOWN), ("held back", HELD_BACK)):
        for program in listed:
            results = judged[kind, program.name]
            assert any(result.points < result.max_points for result in results.values()), (
                kind,
                program.name,
            )


def test_the_lists_speak_the_catalogues_language():
    """Every code that a list asks for has its page, but for crashes, which Python explains."""
    assert known_mistakes.CODES.keys() - {"crashes"} <= CATALOGUE.keys()
