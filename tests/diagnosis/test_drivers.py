"""What is said of a loop that a driver calls twice, with another learning rate the second time, and
of one that diverges.
"""

import pytest
from correct_programs import PROGRAMS as CORRECT
from laboratory import Laboratory, codes

LOOP = """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    {before}
    for _ in range(n_epochs):
        {first}
        loss = {loss}
        optimizer.zero_grad()
        loss.backward()
        {last}
    return params
"""
RIGHT = dict(
    before="pass", first="pass", loss="loss_fn(model(t_u, *params), t_c)", last="optimizer.step()"
)
PROGRAMS = {
    "summed": RIGHT | dict(loss="((model(t_u, *params) - t_c) ** 2).sum()"),
    "settings": RIGHT | dict(first="optimizer.param_groups[0]['lr'] = 0.01"),
    "own": (
        RIGHT
        | dict(before="optimizer = torch.optim.SGD(optimizer.param_groups[0]['params'], lr=1e-3)")
    ),
    "rebuilt": (
        RIGHT
        | dict(first="optimizer = torch.optim.SGD(optimizer.param_groups[0]['params'], lr=1e-3)")
    ),
    "late": RIGHT | dict(first="optimizer.step()", last="pass"),
    "penalty": (
        RIGHT | dict(loss="loss_fn(model(t_u, *params), t_c) + 0.5 * sum(p ** 2 for p in params)")
    ),
}
DRIVEN, DIVERGES = "test_loop_goes_on", "test_loop_diverges"


@pytest.fixture(scope="module")
def judged(executor, tmp_path_factory):
    """Results of each program, by check."""
    laboratory = Laboratory(executor, tmp_path_factory.mktemp("drivers"), "quadratic")
    results = laboratory.judge(
        [("training_loop", LOOP.format(**program)) for program in PROGRAMS.values()]
    )
    return dict(zip(PROGRAMS, results, strict=True))


def said(judged, program, check):
    return {finding.code for finding in judged[program][check].findings}


@pytest.mark.seconds("an assignment's reference is run and its programs probed")
def test_settings_that_the_driver_changes_are_not_the_students_doing(judged):
    """The second call's learning rate is the author's; the mistake is another, and the only one
    named.
    """
    assert said(judged, "summed", DRIVEN) == {"loss-scaled"}


def test_settings_that_the_student_changes_are_told_all_the_same(judged):
    """The last step was not made with what the driver had set."""
    (finding,) = judged["settings"][DRIVEN].findings
    assert (finding.code, finding.observed, finding.expected) == (
        "changes-settings",
        "at step 42, lr was 0.01",
        "lr 0.001",
    )


def test_an_own_optimizer_in_each_of_two_calls_is_not_rebuilt_in_each_epoch(judged):
    """Two optimizers in 42 steps are one per call; 42 in 42 are one per epoch."""
    assert said(judged, "own", DRIVEN) == {"own-optimizer"}
    assert said(judged, "rebuilt", DRIVEN) == {"rebuilt-optimizer"}


def test_a_run_that_blows_up_gets_no_penalty_fitted_to_its_last_numbers(judged):
    """The greatest gradients must not drown the others; a real penalty is still seen."""
    assert said(judged, "late", DIVERGES) == {"step-before-backward"}
    assert codes(judged["late"]) == {"step-before-backward"}
    assert "l2-in-loss" in codes(judged["penalty"])


OF_THE_LINE = {
    "mean_of_pow",
    "torch_square",
    "design_matrix",
    "einsum",
    "normal_equations_form",
    "bias_folded_into_the_targets",
    "func_grad_and_value",
    "functional_call_of_linear",
    "functional_linear",
    "module_with_the_given_tensors",
    "double_precision_inside",
    "checks_its_gradient",
    "lambda_model",
    "gradient_by_hand",
}
"""Right loops that spell out the straight line; the others call `model` and are as right for the
parabola.
"""


@pytest.mark.long("many programs, each probed")
def test_right_loops_for_any_model_are_right_for_the_parabola_too(executor, tmp_path):
    """Fifty of them, on calls that converge, that a driver makes, and that diverge; none loses a
    point or hears a word.
    """
    programs = [program for program in CORRECT if program.name not in OF_THE_LINE]
    assert len(programs) >= 50
    results = Laboratory(executor, tmp_path, "quadratic").judge(
        [("training_loop", program.source) for program in programs]
    )
    lost = {
        (program.name, check): (one.message, one.findings)
        for program, judged in zip(programs, results, strict=True)
        for check, one in judged.items()
        if one.points < one.max_points or one.findings
    }
    assert lost == {}
