"""A module cut down to some of its definitions."""

import pytest

from autograder.notebooks.writing.cutting import cut, number_lists

MODULE = '''"""Hidden plans."""

from math import cos, sin  # a comment

SHOWN = [1.0, 2.0, 3.0]
HIDDEN = [4.0, 5.0, 6.0]
SHOWN.append(7.0)
HIDDEN.append(8.0)


def double(values):
    """Also for hidden ones."""
    return [2 * sin(one) for one in values]


def test_shown():
    """Shown

    and more that nobody reads.
    """
    assert double(SHOWN)


def test_hidden():
    """Hidden"""
    assert cos(HIDDEN[0])
'''


def test_what_a_definition_uses_comes_with_it_and_nothing_else():
    """Data, helpers and imports of the chosen test; no comment, no docstring of others, no import
    that only others use.
    """
    text = cut(MODULE, ["test_shown"])
    namespace = {}
    exec(text, namespace)
    namespace["test_shown"]()
    assert namespace["SHOWN"] == [1.0, 2.0, 3.0, 7.0]
    assert namespace["test_shown"].__doc__ == "Shown"
    assert not {"HIDDEN", "test_hidden", "cos"} & namespace.keys()
    assert "idden" not in text
    assert "comment" not in text


def test_the_other_one_brings_its_own():
    """The same module, cut for the other test."""
    text = cut(MODULE, ["test_hidden"])
    assert "HIDDEN.append(8.0)" in text
    assert "SHOWN" not in text
    assert "sin" not in text


def test_everything_that_binds_a_name_is_kept():
    """Loops, conditions, augmented and tuple assignments at the top level."""
    module = (
        "a = b = 1\nfor i in range(3):\n    a += i\nif b:\n    c, d = a, 5\ne = 6\ndef f():\n   "
        " return c\n"
    )
    namespace = {}
    exec(cut(module, ["f"]), namespace)
    assert namespace["f"]() == 4
    assert "e" not in namespace


@pytest.mark.parametrize("names", [[], ["nowhere"]])
def test_nothing_is_cut_for_names_that_are_not_there(names):
    """An empty module, not a header."""
    assert cut(MODULE, names) == ""


def test_numbers_are_found_however_they_are_nested():
    """Lists of lists count as one row and as several; texts are none."""
    assert set(number_lists("x = [[1, 2], [3, -4.5]]\ny = ['a', 2]")) == {
        (1.0, 2.0, 3.0, -4.5),
        (1.0, 2.0),
        (3.0, -4.5),
    }
