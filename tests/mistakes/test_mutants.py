"""Whole programs: of the shipped solution, of the tiny course, of a classifier."""

import ast
from pathlib import Path

import pytest
from places import ROOT

from autograder.errors import AssignmentError
from autograder.mistakes.mutants import mutants
from autograder.mistakes.written import Mistakes, read_equivalents, read_mistakes

SOLUTIONS = [
    ROOT / "solutions" / "optimizers" / "solution.py",
    ROOT / "tests" / "tiny_course" / "solutions" / "tiny" / "solution.py",
]

CLASSIFIER = """
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def accuracy(net, x, y):
    return (net(x).argmax(1) == y).float().mean().item()


def train(net, loader, n_epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(n_epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
    return net
"""


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.parent.name)
def test_every_mutant_compiles_and_differs_from_the_reference_and_from_the_others(path):
    """No equal trees; ids are unique; signature and docstring are kept; all other definitions are
    the reference's.
    """
    source = path.read_text()
    reference = ast.parse(source)
    made = mutants(source, path)
    dumps = {ast.dump(ast.parse(one.source)) for one in made}
    assert len(dumps) == len(made) > 50
    assert ast.dump(reference) not in dumps
    assert len({one.id for one in made}) == len(made)
    for one in made:
        compile(one.source, str(path), "exec")
        for before, after in zip(reference.body, ast.parse(one.source).body, strict=True):
            if getattr(before, "name", None) == one.function:
                assert ast.dump(before.args) == ast.dump(after.args)
                assert ast.get_docstring(before) == ast.get_docstring(after)
                assert ast.dump(after) == ast.dump(ast.parse(one.definition).body[0])
                assert one.line == before.lineno
            else:
                assert ast.dump(before) == ast.dump(after)


def test_a_classifier_gets_its_own_mistakes():
    """Layers, losses as modules, batches of a loader: the same operators, recognised by structure;
    accuracy has no loss to halve.
    """
    made = {one.id: one for one in mutants(CLASSIFIER, Path("net.py"))}
    assert {
        "frozen-layer",
        "frozen-layer-2",
        "bias-missing",
        "softmax-before-cross-entropy",
        "eval-mode",
        "never-clears",
    } <= set(made)
    assert {
        "leaves-out-parameters",
        "misaligned-labels",
        "one-sample-at-a-time",
        "rebuilds-optimizer",
        "sum-not-mean",
    } <= set(made)
    assert made["frozen-layer"].function == "Net"
    assert "criterion(net(x).softmax(dim=-1), y)" in made["softmax-before-cross-entropy"].source
    assert {one.code for one in made.values() if one.function == "accuracy"} == {
        "returns-nothing",
        "prints-instead-of-returning",
    }


def test_import_torch_comes_before_its_first_use():
    """An import inside a function makes the name local: it stands at the top, or the mutant would
    fail for another reason than its mistake.
    """
    for one in mutants(CLASSIFIER, Path("net.py")):
        for node in ast.walk(ast.parse(one.source)):
            if isinstance(node, ast.FunctionDef):
                imports = [item.lineno for item in ast.walk(node) if isinstance(item, ast.Import)]
                uses = [
                    item.lineno
                    for item in ast.walk(node)
                    if isinstance(item, ast.Name) and item.id == "torch"
                ]
                assert not imports or not uses or max(imports) < min(uses), one.id


def test_an_invalid_solution_is_an_error_with_its_line():
    with pytest.raises(AssignmentError, match=r"solution\.py:2"):
        mutants("x = 1\ndef :\n", Path("solution.py"))


# --- mistakes.py ----------------------------------------------------------------------------------

SOLUTION = "def loss(x):\n    return x.mean()\n\n\ndef fit(x):\n    return loss(x)\n"
WRITTEN = """
from autograder.mistakes.written import mistake

EXCUSED = {"half-loss": "no call is made on it"}


@mistake(of="fit", rows=(44,), name="knows the answer", survives="nobody asks")
def by_heart(x):
    return 3


def helper():
    raise RuntimeError
"""


def read(text):
    return read_mistakes(text, Path("mistakes.py"), SOLUTION, Path("solution.py"))


def test_written_mistakes_take_the_place_of_the_function_they_name():
    """The code is the function's name; nothing is imported or run."""
    (one,) = read(WRITTEN).written
    assert (one.id, one.function, one.rows, one.name, one.survives) == (
        "by-heart",
        "fit",
        (44,),
        "knows the answer",
        "nobody asks",
    )
    assert one.definition == "def fit(x):\n    return 3"
    assert one.source == "def loss(x):\n    return x.mean()\n\ndef fit(x):\n    return 3\n"
    assert one.line == 5


def test_excuses_reach_what_operators_make():
    made = read(WRITTEN).excuse(mutants(SOLUTION, Path("solution.py")))
    assert {one.id: one.survives for one in made if one.survives} == {
        "half-loss": "no call is made on it",
        "by-heart": "nobody asks",
    }


def test_an_excuse_is_for_one_mistake_and_not_for_its_like():
    """Of two losses that are halved, the other one must still lose points."""
    two = mutants(f"{SOLUTION}\n\ndef other(x):\n    return (x * x).mean()\n", Path("solution.py"))
    made = Mistakes((), {"half-loss-2": "no call is made on it"}).excuse(two)
    assert [one.survives for one in made if one.code == "half-loss"] == [
        "",
        "no call is made on it",
    ]


def test_an_excuse_for_nothing_is_an_error():
    with pytest.raises(AssignmentError, match="own-sgd"):
        Mistakes((), {"own-sgd": "why not"}).excuse(mutants(SOLUTION, Path("solution.py")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '@mistake(of="fir", name="x")\ndef a(x): pass',
            "mistakes.py:2: of='fir': the solution has no such function; it has loss, fit",
        ),
        ('@mistake(of="fit")\ndef a(x): pass', "mistakes.py:1: @mistake takes of= and name="),
        (
            '@mistake(of="fit", name=NAME)\ndef a(x): pass',
            "mistakes.py:1: @mistake takes plain strings",
        ),
        ('@mistake(of="fit", name="x", row=(1,))\ndef a(x): pass', "may take rows= and survives="),
        (
            (
                '@mistake(of="fit", name="x")\ndef a(x): pass\n@mistake(of="fit", name="x")\ndef'
                " a(x): return 1"
            ),
            "a second mistake called a",
        ),
        ('EXCUSED = {"half-loss": ""}', "mistakes.py:1: EXCUSED is a dict of reasons"),
        ("EXCUSED = reasons()", "mistakes.py:1: EXCUSED is a dict of reasons"),
        ("def a(:", "mistakes.py:1: not valid Python"),
    ],
)
def test_what_is_wrong_in_mistakes_py_is_said_with_its_line(text, said):
    with pytest.raises(AssignmentError) as error:
        read(text)
    assert said in str(error.value)


def test_equivalents_are_right_programs_in_a_file_of_their_own():
    """Marked @equivalent; a @mistake among them is none, and the other way round."""
    text = (
        WRITTEN + '\n\n@equivalent(of="loss", name="adds up")\ndef summed(x):\n    return x.sum() /'
        " len(x)\n"
    )
    (one,) = read_equivalents(text, Path("equivalents.py"), SOLUTION, Path("solution.py"))
    assert (one.id, one.function, one.definition) == (
        "summed",
        "loss",
        "def loss(x):\n    return x.sum() / len(x)",
    )
    assert "summed" not in {
        mistake.id
        for mistake in read_mistakes(
            text, Path("mistakes.py"), SOLUTION, Path("solution.py")
        ).written
    }
    with pytest.raises(AssignmentError, match=r"equivalents\.py:.*no such function"):
        read_equivalents(
            text.replace('of="loss"', 'of="lost"'),
            Path("equivalents.py"),
            SOLUTION,
            Path("solution.py"),
        )
