"""The file of visible checks: what is in it, what is not, and when there is none."""

import json
import logging
import zipfile

import pytest

from autograder.commands.release.checks_file import left_out_lines, open_checks, write_checks
from autograder.errors import ExchangeError

HIDDEN = '''

SECRET = [0.625, -7.75, 3.875]


@points(5, visibility="after_due_date")
@call("training_loop", n_epochs=20, optimizer=optim.Adam(lr=0.1), params=leaf(SECRET))
def test_loop(run, reference):
    """Any optimizer"""
    assert_same_training(run, reference)
'''
LOOP = '@points(5, visibility="after_due_date")'


def rewrite(course, old, new):
    """Change the checks; the points stay."""
    path = course.files.checks
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def hidden_from(course):
    """The tiny course with a hidden check that has data of its own."""
    text = course.files.checks.read_text()
    course.files.checks.write_text(text[: text.index(LOOP)].rstrip() + HIDDEN)


def write(course):
    return write_checks(course.files, course.root / "out", course.results.evidence, course.executor)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_only_what_visible_checks_need_is_in_it(course):
    """Not the hidden check, its title, its data, the import and the run that only it uses; the same
    bytes each time.
    """
    hidden_from(course)
    path = write(course)
    first, found = path.read_bytes(), members(path)
    whole = b"\n".join(found.values())
    assert b"test_loss_fn" in whole
    for secret in (
        b"test_loop",
        b"Any optimizer",
        b"SECRET",
        b"0.625",
        b"optim,",
        b"assert_same_training",
        b"after_due_date",
        b"Adam",
    ):
        assert secret not in whole
    assert b"nearest" not in whole
    assert write(course).read_bytes() == first
    assert left_out_lines(path) == ()


def test_a_constant_that_both_use_is_not_told(course, caplog):
    """A helper that holds hidden data and visible checks use: no file, and the reason; one from
    before goes.
    """
    hidden_from(course)
    assert write(course) is not None
    rewrite(course, "assert_close(run.returned", "SECRET and assert_close(run.returned")
    with caplog.at_level(logging.WARNING):
        assert write(course) is None
    assert "the data of test_loop, which is hidden" in caplog.text
    assert list((course.root / "out").glob("*")) == []


def test_checks_that_draw_their_data_in_turn_are_refused(course, caplog):
    """Without the hidden check's draw the visible one would get other numbers."""
    rewrite(
        course,
        "@points(2)",
        "RNG = np.random.default_rng(1)\nOTHER = RNG.normal(size=2)\nMINE ="
        " RNG.normal(size=2)\n\n\n@points(2)",
    )
    rewrite(course, "values=[1.0, 3.0]", "values=MINE")
    rewrite(course, '"""Checks of a tiny', 'import numpy as np\n\n_ = """Checks of a tiny')
    with caplog.at_level(logging.WARNING):
        assert write(course) is None
    assert "test_loss_fn would make other calls" in caplog.text


def test_a_check_made_by_a_loop_is_left_to_the_grader(course):
    """It stands nowhere under its own name, so it can't be cut out; the others can."""
    rewrite(course, LOOP, 'globals()["test_by_name"] = test_loss_fn\n\n\n' + LOOP)
    rewrite(course, "@points(2)", "@points(1)")
    path = write(course)
    assert left_out_lines(path) == (
        "The mean of the squares: it can't be taken apart from checks that are not shown",
    )
    assert b"test_by_name" not in b"".join(members(path).values())
    assert b"test_loss_fn" in b"".join(members(path).values())


def test_without_a_visible_check_there_is_no_file(course, caplog):
    """Nothing to check: said, not an empty file that everything passes."""
    rewrite(course, "@points(2)", '@points(2, visibility="hidden")')
    rewrite(course, "@points(3)", '@points(3, visibility="hidden")')
    with caplog.at_level(logging.WARNING):
        assert write(course) is None
    assert "no visible check" in caplog.text


def test_given_definitions_are_named_and_not_held(course, tmp_path):
    """`check` says that grading will use them; their source is the solution."""
    checks = open_checks(write(course), tmp_path / "unpacked")
    assert checks.manifest.given == ("loss_fn",)
    assert checks.manifest.assignment.given == ()
    assert not checks.files.solution.exists()
    assert checks.manifest.assignment.points == 5


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _: b"no zip", "can't be read as a file of checks"),
        (lambda data: data[:-30], "can't be read as a file of checks"),
        (lambda _: zipped({"manifest.json": b"{}"}), "is damaged, or no file of checks"),
        (
            lambda data: zipped({**unzipped(data), "reference.msgpack": b"\x80"}),
            "is damaged, or no file of checks",
        ),
        (
            lambda data: zipped({**unzipped(data), "manifest.json": newer(data)}),
            "was written by GradStep 9.9",
        ),
        (
            lambda data: zipped({**unzipped(data), "manifest.json": elsewhere(data)}),
            "names no assignment",
        ),
    ],
)
def test_other_files_are_refused_with_what_to_do(released, tmp_path, spoil, said):
    """Cut short, of another kind, of a newer GradStep."""
    path = tmp_path / "tiny.checks"
    path.write_bytes(spoil((released / "release" / "tiny.checks").read_bytes()))
    with pytest.raises(ExchangeError, match=said):
        open_checks(path, tmp_path / "unpacked")


def test_names_that_lead_out_of_the_folder_are_not_unpacked(released, tmp_path):
    """The file comes from the instructor, but by way of the student."""
    path = tmp_path / "tiny.checks"
    bad = {
        f"assignment/{name}": b"x"
        for name in ("../../../escaped", "/escaped", "a/../../../../escaped", "..\\escaped")
    }
    path.write_bytes(
        zipped(
            {
                **unzipped((released / "release" / "tiny.checks").read_bytes()),
                **bad,
                "elsewhere": b"x",
            }
        )
    )
    open_checks(path, tmp_path / "a" / "b")
    assert {found.name for found in tmp_path.rglob("*") if found.is_file()} == {
        "tiny.checks",
        "test_tiny.py",
    }


def zipped(content):
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def unzipped(data):
    import io

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def elsewhere(data):
    manifest = json.loads(unzipped(data)["manifest.json"])
    return json.dumps({**manifest, "slug": "../../tiny"}).encode()


def newer(data):
    return json.dumps(
        {**json.loads(unzipped(data)["manifest.json"]), "format": 2, "gradstep": "9.9", "more": 1}
    ).encode()
