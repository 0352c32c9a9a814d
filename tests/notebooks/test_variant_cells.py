"""Cells that hold a student's own data."""

import dataclasses

import jupytext
import nbformat
import pytest

from autograder.assignment import open_assignment
from autograder.draw import Draw
from autograder.errors import AssignmentError
from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.reading.notebook_file import read_notebook_file
from autograder.notebooks.reading.signature import held_in
from autograder.notebooks.reading.submission import read_submission
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.source import Mode, render_notebook

TEMPLATE = """# %% [markdown] role="variant" id="task"
# You have {{ variant.x | length }} numbers.

# %% role="variant" id="data"
x = {{ variant.x }}

# %% role="solution" id="total"
{{ stub("total") }}

# %% role="variant" id="numbers"
expected = {{ reference("test_total").returned }}

# %% role="check" id="test_total"
assert total(x) == expected
"""
SOLUTION = (
    'def total(x):\n    """Sum."""\n    ### BEGIN SOLUTION\n    return sum(x)\n    ### END'
    " SOLUTION\n"
)
ADA, BOB = Draw({"x": [1, 2]}, "a" * 16, "f" * 16), Draw({"x": [3, 4, 5]}, "b" * 16, "f" * 16)


class Run:
    def __init__(self, returned):
        self.returned = returned


@pytest.fixture
def files(tmp_path):
    for name, text in {
        "assignments/sums/assignment.toml": 'title = "Sums"\npoints = 1\nparts = []\n',
        "assignments/sums/notebook.py.j2": TEMPLATE,
        "assignments/sums/test_sums.py": "",
        "assignments/sums/variant.py": (
            "def draw(rng):\n    return {'x': [rng.randint(1, 9) for _ in range(3)]}\n"
        ),
        "solutions/sums/solution.py": SOLUTION,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return open_assignment(tmp_path, "sums")


def rendered(files, draw, mode=Mode.RELEASE):
    own = dataclasses.replace(files, draw=draw)
    return render_notebook(
        own, mode, Facts({"test_total": 1}, lambda _: Run(sum(draw.values["x"])))
    )


def submitted(notebook, release, tmp_path, name="s.ipynb"):
    path = tmp_path / name
    path.write_text(
        jupytext.writes(notebook, fmt="py:percent")
        if name.endswith(".py")
        else nbformat.writes(notebook)
    )
    return read_submission(path, release), held_in(read_notebook_file(path).cells)


def source(notebook, name):
    return next(cell.source for cell in notebook.cells if grade_id_of(cell) == name)


def test_a_cell_says_whose_it_is_in_metadata_and_last_line(files):
    """Text and code; nothing of nbgrader's on them."""
    notebook = rendered(files, ADA)
    held = [cell for cell in notebook.cells if role_of(cell) is Role.VARIANT]
    assert [grade_id_of(cell) for cell in held] == ["task", "data", "numbers"]
    for cell in held:
        assert cell.metadata == {
            "deletable": False,
            "editable": False,
            "gradstep": {"id": cell.id, "variant": ADA.tag, "secret": ADA.fingerprint},
        }
        assert f'Variant {ADA.tag} of cell "{cell.id}"' in cell.source.splitlines()[-1]
    assert source(notebook, "data").startswith("x = [1, 2]\n")
    assert source(notebook, "numbers").startswith("expected = 3\n")
    exec(compile(source(notebook, "data"), "<cell>", "exec"), {})
    nbformat.validate(notebook)


def test_the_references_cells_are_the_same_for_equal_data(files):
    """Neither tag nor fingerprint; the numbers that come from it are left out of it."""
    one, other = (
        rendered(files, dataclasses.replace(ADA, tag=tag), Mode.REFERENCE)
        for tag in ("a" * 16, "c" * 16)
    )
    assert one == other
    assert [cell.id for cell in one.cells] == ["task", "data", "total"]


def test_anothers_cells_are_put_back_and_told(files, tmp_path):
    """All three hold ada's data again, each in its place."""
    submission, held = submitted(rendered(files, BOB), rendered(files, ADA), tmp_path)
    assert [(cell.id, cell.source) for cell in submission.cells] == [
        (grade_id_of(cell), cell.source)
        for cell in rendered(files, ADA).cells
        if cell.cell_type == "code"
    ]
    assert held.tags == {BOB.tag}
    assert held.secrets == {BOB.fingerprint}
    assert "'task', 'data', 'numbers' had been changed" in " ".join(submission.notices)


def test_ones_own_cells_are_left_alone(files, tmp_path):
    """No notice; only one's own tag."""
    submission, held = submitted(rendered(files, ADA), rendered(files, ADA), tmp_path)
    assert submission.notices == ()
    assert held.tags == {ADA.tag}


@pytest.mark.parametrize("name", ["s.ipynb", "s.py"])
def test_without_metadata_the_last_line_tells(files, tmp_path, name):
    """A notebook that was stripped, and a script: the other's data don't stay in it as a cell of
    the student's own.
    """
    notebook = rendered(files, BOB)
    for cell in notebook.cells:
        cell.metadata = {}
    submission, held = submitted(notebook, rendered(files, ADA), tmp_path, name)
    assert held.tags == {BOB.tag}
    assert "[3, 4, 5]" not in "\n".join(cell.source for cell in submission.cells)
    assert next(cell.source for cell in submission.cells if cell.id == "data").startswith(
        "x = [1, 2]"
    )


def test_without_either_they_are_put_back_and_nobody_is_named(files, tmp_path):
    """Deleted cells."""
    notebook = rendered(files, BOB)
    notebook.cells = [cell for cell in notebook.cells if role_of(cell) is not Role.VARIANT]
    submission, held = submitted(notebook, rendered(files, ADA), tmp_path)
    assert held.tags == frozenset()
    assert [cell.id for cell in submission.cells] == ["data", "total", "numbers", "test_total"]


@pytest.mark.parametrize("tag", [3, "x" * 16, "a" * 15, ["a" * 16], None, "A" * 16])
def test_what_is_no_tag_is_none(files, tmp_path, tag):
    """A student's metadata may hold anything."""
    notebook = rendered(files, dataclasses.replace(ADA, tag="", fingerprint=""))
    notebook.cells[1].metadata["gradstep"]["variant"] = notebook.cells[1].metadata["gradstep"][
        "secret"
    ] = tag
    _, held = submitted(notebook, rendered(files, ADA), tmp_path)
    assert (held.tags, held.secrets) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'variant.x }}\n\n# %% role="solution"',
            'variant.z }}\n\n# %% role="solution"',
            r"notebook\.py\.j2:5: .*no attribute 'z'",
        ),
        ("assert total(x) == expected", "assert total({{ variant.x }}) == 3", ""),
    ],
)
def test_a_template_that_asks_for_what_is_not_drawn_is_named_with_its_line(files, old, new, said):
    """As any other mistake in it; whether a cell may differ is for the release to say."""
    assert old in TEMPLATE
    files.template.write_text(TEMPLATE.replace(old, new))
    if said:
        with pytest.raises(AssignmentError, match=said):
            rendered(files, ADA)
    else:
        assert "total([1, 2])" in source(rendered(files, ADA), "test_total")


def test_a_variant_cell_without_variant_py_is_refused(files):
    """With the file that would make it."""
    (files.folder / "variant.py").unlink()
    files.template.write_text('# %% role="variant" id="data"\nx = 1\n')
    with pytest.raises(
        AssignmentError,
        match=r"notebook\.py\.j2:1: a cell of role variant, and there is no .*variant\.py",
    ):
        rendered(open_assignment(files.course, "sums"), None)
