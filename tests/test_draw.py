"""What variant.py draws, and how it follows from the secret and the student."""

import random
import unicodedata

import pytest

from autograder.draw import Draw, Secret, load_drawer
from autograder.errors import AssignmentError

DRAW = (
    "def draw(rng):\n    return dict(x=[rng.random() for _ in range(3)], n=rng.randint(1, 9),"
    " name='a', steps=(1, 2))\n"
)
SECRET = Secret(bytes(range(32)))


@pytest.fixture
def drawer(tmp_path):
    return written(tmp_path, DRAW)


def written(tmp_path, text):
    path = tmp_path / "variant.py"
    path.write_text(text)
    return load_drawer(path)


def test_the_same_student_gets_the_same_and_nobody_else_does(drawer):
    """Student, assignment, attempt and secret all count, for the values and for the tag."""
    mine = SECRET.draw(drawer, "fit", "ada", 0)
    assert mine == SECRET.draw(drawer, "fit", "ada", 0)
    others = [
        SECRET.draw(drawer, "fit", "bob", 0),
        SECRET.draw(drawer, "fat", "ada", 0),
        SECRET.draw(drawer, "fit", "ada", 1),
        Secret(bytes(32)).draw(drawer, "fit", "ada", 0),
    ]
    assert len({(str(draw.values), draw.tag) for draw in (mine, *others)}) == 5
    assert len({draw.tag for draw in (mine, *others)}) == 5
    assert mine.values["steps"] == [1, 2]


def test_an_id_is_one_whatever_writes_it(drawer):
    """Composed and decomposed letters, capitals and small ones: file systems and login names change
    them.
    """
    composed = SECRET.draw(drawer, "fit", "Zoë", 0)
    assert composed == SECRET.draw(drawer, "fit", unicodedata.normalize("NFD", "zoë"), 0)
    assert composed != SECRET.draw(drawer, "fit", "zoe", 0)


def test_words_can_not_run_together(drawer):
    """Assignment and student are apart in what is hashed."""
    assert SECRET.draw(drawer, "fit1", "2", 0).tag != SECRET.draw(drawer, "fit", "12", 0).tag


def test_neither_draw_nor_representation_leads_back_to_the_secret(drawer):
    """A tag and a fingerprint of 64 bits each; the repr of the secret hides it."""
    draw = SECRET.draw(drawer, "fit", "ada", 0)
    assert len(draw.tag) == len(draw.fingerprint) == 16
    text = f"{SECRET!r} {SECRET} {draw}"
    assert SECRET.value.hex()[:16] not in text
    assert repr(SECRET.value)[:12] not in text


def test_samples_need_no_secret(drawer):
    """They are the same everywhere, of different values, and nobody's."""
    samples = [drawer.sample(number) for number in range(5)]
    assert samples == [drawer.sample(number) for number in range(5)]
    assert len({str(sample.values) for sample in samples}) == 5
    assert {sample.tag for sample in samples} == {""}


def test_drawing_leaves_the_programs_own_chance_alone(drawer):
    """The module `random` goes on as it would have."""
    random.seed(1)
    expected = random.random()
    random.seed(1)
    drawer.sample(0)
    assert random.random() == expected


def test_numpy_may_draw_from_the_given_chance(tmp_path):
    """Arrays and numbers of numpy become plain data."""
    text = (
        "import numpy as np\ndef draw(rng):\n    g = np.random.default_rng(rng.getrandbits(128))\n "
        "   return dict(x=g.normal(size=(2, 2)), n=g.integers(5))\n"
    )
    drawer = written(tmp_path, text)
    values = drawer.sample(0).values
    assert isinstance(values["x"][1][1], float)
    assert type(values["n"]) is int
    assert values == drawer.sample(0).values


def test_equal_values_have_equal_digests():
    """In whatever order they are named."""
    assert Draw({"a": 1, "b": [2.0]}).digest == Draw({"b": [2.0], "a": 1}).digest
    assert Draw({"a": 1}).digest != Draw({"a": 2}).digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def draw(rng:", "can't be run: SyntaxError"),
        ("x = 1", "has no function `draw`"),
        (
            "def draw(rng):\n    x = 0\n    return {'a': 1 / x}",
            r"variant\.py:3: draw raises ZeroDivisionError",
        ),
        ("def draw(rng):\n    return [1]", "returned a list: it must return a dict"),
        ("def draw(rng):\n    return {}", "at least one"),
        ("def draw(rng):\n    return {'a b': 1}", "names a value 'a b'"),
        ("def draw(rng):\n    return {'_a': 1}", "does not begin with _"),
        ("def draw(rng):\n    return {'a': float('nan')}", "returned nan in 'a'"),
        ("def draw(rng):\n    return {'a': [object()]}", "a object in 'a'"),
        ("def draw(rng):\n    return {'a': None}", "a NoneType in 'a'"),
        (
            "import random\ndef draw(rng):\n    return {'a': random.random()}",
            "two results for one seed",
        ),
    ],
)
def test_what_is_no_variant_is_said_with_its_file(tmp_path, text, said):
    """A file that can't be run, and a draw that can't be sent or repeated."""
    with pytest.raises(AssignmentError, match=said):
        written(tmp_path, text).sample(0)
