"""The programs are what they claim to be, by plain torch alone: nothing of GradStep is used
here.
"""

import ast
import contextlib
import io
import runpy
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
SOLUTION = HERE.parents[1] / "solutions" / "optimizers" / "solution.py"

CORRECT = runpy.run_path(str(HERE / "correct_programs.py"))["PROGRAMS"]
KNOWN_FILE = runpy.run_path(str(HERE / "known_mistakes.py"))
KNOWN, CODES = KNOWN_FILE["PROGRAMS"], KNOWN_FILE["CODES"]
HELD_BACK = runpy.run_path(str(HERE / "held_back.py"))["PROGRAMS"]
WRONG = [*KNOWN, *HELD_BACK]

T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_UN = [0.1 * t for t in T_U]
UNSEEN_U = [-1.2, 0.4, 0.9, 1.7, 2.6, -0.3, 1.1, -2.0]
UNSEEN_C = [1.9, -0.4, -1.3, -2.2, -4.4, 0.8, -1.0, 3.7]

SGD, Adam = torch.optim.SGD, torch.optim.Adam

# name: epochs, optimizer, settings, start, readings, temperatures; a list of starts is a list of
# tensors
CALLS = {
    "sgd": (41, SGD, dict(lr=0.02), (0.3, -0.7), UNSEEN_U, UNSEEN_C),
    "momentum": (47, SGD, dict(lr=0.003, momentum=0.9), (-2.0, 4.0), T_UN, T_C),
    "adam_two_tensors": (53, Adam, dict(lr=0.1), [-1.5, 2.0], UNSEEN_U[:5], UNSEEN_C[:5]),
}
CORRECT_CALLS = {
    **CALLS,
    "unseen_momentum": (47, SGD, dict(lr=0.01, momentum=0.9), (0.3, -0.7), UNSEEN_U, UNSEEN_C),
    "unseen_momentum_two_tensors": (
        47,
        SGD,
        dict(lr=0.01, momentum=0.9),
        [0.3, -0.7],
        UNSEEN_U,
        UNSEEN_C,
    ),
    "unseen_adam": (60, Adam, dict(lr=0.2), (0.3, -0.7), UNSEEN_U, UNSEEN_C),
    "unseen_adam_two_tensors": (60, Adam, dict(lr=0.2), [0.3, -0.7], UNSEEN_U, UNSEEN_C),
    "foreach": (23, Adam, dict(lr=0.05, foreach=True), [0.3, -0.7], UNSEEN_U, UNSEEN_C),
    "nothing": (0, SGD, dict(lr=0.1), (0.3, -0.7), UNSEEN_U, UNSEEN_C),
    "once": (1, SGD, dict(lr=0.1), [0.3, -0.7], UNSEEN_U, UNSEEN_C),
}
STEP_CALLS = {
    "first": (None, SGD, dict(lr=1e-2), (1.0, 0.0), T_UN, T_C),
    "dirty": (None, SGD, dict(lr=1e-2), (1.0, 0.0), T_UN, T_C),
    "adam": (None, Adam, dict(lr=0.05), (0.3, -0.7), UNSEEN_U, UNSEEN_C),
}


# --- Syntax trees ---------------------------------------------------------------------------------


class Renamer(ast.NodeTransformer):
    """Number the names that a program binds in the order in which they appear; empty all texts,
    which only go to the screen.
    """

    def __init__(self, bound):
        self.bound, self.numbers = bound, {}

    def named(self, name):
        return (
            f"v{self.numbers.setdefault(name, len(self.numbers))}" if name in self.bound else name
        )

    def visit_Name(self, node):
        return ast.Name(self.named(node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.named(node.arg))

    def visit_alias(self, node):
        return ast.alias(node.name, self.named(node.asname or node.name))

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_ExceptHandler(self, node):
        node.name = node.name and self.named(node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        node.name = self.named(node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node):
        node.name = self.named(node.name)
        return self.generic_visit(node)


def tree_key(source):
    """What remains of a program without its names, texts and layout."""
    tree = ast.parse(source)
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return ast.dump(Renamer(bound).visit(tree))


def test_tree_key_sees_through_names_texts_and_layout():
    one = "def f(a, b):\n    # sum\n    total = a + b\n    print('sum', total)\n    return total"
    two = "def g(x, y):\n    s = (x + y)\n\n    print('Summe',  s)\n    return s"
    assert tree_key(one) == tree_key(two)
    assert tree_key(one) != tree_key(two.replace("x + y", "y + x"))
    assert tree_key(one) != tree_key(two.replace("x + y", "x - y"))
    assert tree_key(one) != tree_key(two.replace("print(", "str("))


def test_no_two_programs_have_the_same_tree():
    names = {}
    for program in [*CORRECT, *WRONG]:
        names.setdefault(tree_key(program.source), []).append(program.name)
    assert [same for same in names.values() if len(same) > 1] == []


def test_there_are_enough():
    assert len(CORRECT) >= 44
    assert len(KNOWN) >= 45
    assert len(HELD_BACK) >= 36


def test_names_are_unique():
    assert [
        name
        for name, count in Counter(program.name for program in [*CORRECT, *WRONG]).items()
        if count > 1
    ] == []


def test_codes_are_documented_and_used():
    used = set()
    for program in KNOWN:
        assert program.finding, program.name
        used |= program.finding
    for program in HELD_BACK:
        assert program.acceptable, program.name
        assert not program.acceptable & program.misleading, program.name
        assert all(one <= program.acceptable for one in program.both), program.name
        used |= program.acceptable | program.misleading
    assert used == set(CODES)
    assert all(program.finding is None for program in CORRECT)


# --- Running them ---------------------------------------------------------------------------------


def namespace(source):
    """What a notebook holds once the student's cell ran."""
    space = {
        "torch": torch,
        "t_u": torch.tensor(T_U),
        "t_un": 0.1 * torch.tensor(T_U),
        "t_c": torch.tensor(T_C),
    }
    exec(compile(SOLUTION.read_text(), "solution", "exec"), space)
    exec(compile(source, "cell", "exec"), space)
    return space


def observe(space, function, call, *, dirty=False):
    """Run one call; return what anyone can see of it: parameters and gradients at each step of the
    given optimizer, the end, what came back.
    """
    n_epochs, kind, settings, start, t_u, t_c = call
    leaves = [
        torch.tensor(value, requires_grad=True)
        for value in (start if isinstance(start, list) else [start])
    ]
    params = leaves if isinstance(start, list) else leaves[0]
    optimizer = kind(leaves, **settings)
    if dirty:
        leaves[0].grad = torch.tensor([30.0, -7.0])
    steps = []

    def after(*_):
        steps.append(
            [
                [
                    p.detach().clone(),
                    torch.full_like(p, torch.nan) if p.grad is None else p.grad.clone(),
                ]
                for p in leaves
            ]
        )

    optimizer.register_step_post_hook(after)
    torch.manual_seed(0)
    arguments = dict(
        optimizer=optimizer, params=params, t_u=torch.tensor(t_u), t_c=torch.tensor(t_c)
    )
    if n_epochs is not None:
        arguments["n_epochs"] = n_epochs
    error, returned = None, None
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            returned = space[function](**arguments)
        except Exception as raised:
            error = raised
    group = {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}
    return dict(
        error=error,
        count=len(steps),
        steps=(
            torch.tensor([[[t.tolist() for t in pair] for pair in step] for step in steps])
            if steps
            else torch.zeros(0)
        ),
        end=torch.stack([p.detach() for p in leaves]),
        same=returned is params,
        settings=group,
    )


def distance(ours, theirs):
    """How far two traces are apart, in units of the run's largest parameter or gradient (or 1);
    infinite when they differ in kind.
    """
    if (
        ours["error"]
        or ours["count"] != theirs["count"]
        or ours["same"] != theirs["same"]
        or ours["settings"] != theirs["settings"]
    ):
        return float("inf")
    pairs = [(ours["end"], theirs["end"])]
    if theirs["count"]:
        pairs += zip(ours["steps"].unbind(2), theirs["steps"].unbind(2), strict=True)
    gaps = [(a - b).abs() / b.abs().max().clamp(min=1.0) for a, b in pairs]
    return max(gap.nan_to_num(nan=torch.inf).max().item() for gap in gaps)


@pytest.fixture(scope="module")
def reference():
    space = namespace("")
    return {
        **{
            ("training_loop", name): observe(space, "training_loop", call)
            for name, call in CORRECT_CALLS.items()
        },
        **{
            ("one_step", name): observe(space, "one_step", call, dirty=name == "dirty")
            for name, call in STEP_CALLS.items()
        },
    }


def test_the_reference_steps_as_often_as_asked(reference):
    for name, call in CORRECT_CALLS.items():
        trace = reference["training_loop", name]
        assert (trace["error"], trace["count"], trace["same"]) == (None, call[0], True)


@pytest.mark.parametrize("program", CORRECT, ids=lambda program: program.name)
def test_correct_variants_train_as_the_reference_does(program, reference):
    space = namespace(program.source)
    for name, call in CORRECT_CALLS.items():
        trace = observe(space, "training_loop", call)
        assert trace["error"] is None, name
        assert distance(trace, reference["training_loop", name]) < 1e-5, name


@pytest.mark.parametrize("program", WRONG, ids=lambda program: program.name)
def test_wrong_programs_do_something_else(program, reference):
    space = namespace(program.source)
    calls = CALLS if program.function == "training_loop" else STEP_CALLS
    distances = {}
    for name, call in calls.items():
        trace = observe(
            space, program.function, call, dirty=program.function == "one_step" and name == "dirty"
        )
        distances[name] = distance(trace, reference[program.function, name])
    assert max(distances.values()) > 1e-4, distances


@pytest.mark.long("runs every program once more")
def test_only_crashing_programs_and_globals_raise():
    for program in WRONG:
        if program.function != "training_loop":
            continue
        space = namespace(program.source)
        raised = {
            name for name, call in CALLS.items() if observe(space, "training_loop", call)["error"]
        }
        allowed = (program.finding if hasattr(program, "finding") else program.acceptable) & {
            "crashes",
            "uses-globals",
        }
        assert not raised or allowed, (program.name, raised)


def test_what_crashes_crashes_in_every_call():
    """Otherwise another mistake would hide behind the crash."""
    for program in KNOWN:
        if "crashes" in program.finding:
            space = namespace(program.source)
            assert all(observe(space, "training_loop", call)["error"] for call in CALLS.values()), (
                program.name
            )
