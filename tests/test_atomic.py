"""Claims on a file."""

import pytest

from autograder.atomic import claimed


def test_a_claim_holds_the_note_of_who_has_it_and_nothing_of_who_had_it(tmp_path):
    """Also where the later note is the shorter one: a second process is told it as it is."""
    path = tmp_path / "folder" / ".claim"
    with claimed(path, "a long note of the first one"):
        pass
    with claimed(path, "short"):
        assert path.read_text() == "short"
        with pytest.raises(BlockingIOError, match=r"^short$"), claimed(path, "third"):
            pass
