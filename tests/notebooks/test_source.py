"""The template becomes the notebook that students get, and the reference that the executor runs."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import nbformat
import numpy as np
import pytest
import torch
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, determine_grade
from notebook_samples import COURSE, POINTS, run_cells

from autograder.assignment import AssignmentFiles, Question
from autograder.errors import AssignmentError
from autograder.notebooks.cells import checksum
from autograder.notebooks.writing.facts import number_text, tensor_text
from autograder.notebooks.writing.source import Facts, Mode, render_notebook, write_notebook


def test_the_reference_gives_the_lectures_numbers(reference_state: dict[str, Any]) -> None:
    """Its cells, run in order, end at the slides' parameters, to the four decimals that the slides
    print.
    """
    assert [f"{value:.4f}" for value in reference_state["sgd_params"].tolist()] == [
        "5.3671",
        "-17.3012",
    ]
    assert [f"{value:.4f}" for value in reference_state["adam_params"].tolist()] == [
        "0.5367",
        "-17.3021",
    ]


def test_the_reference_has_no_checks(reference: NotebookNode) -> None:
    """Check cells quote the reference's numbers, so the notebook that yields them comes without."""
    assert not [cell.id for cell in reference.cells if cell.id.startswith("test_")]
    assert "NotImplementedError" not in nbformat.writes(reference).replace(
        "`raise NotImplementedError()`", ""
    )


def test_numbers_come_from_the_reference(released: NotebookNode) -> None:
    """The visible checks hold the numbers that the reference's runs gave."""
    sources = {cell.id: cell.source for cell in released.cells}
    assert "torch.tensor([1.7761, 0.1064])" in sources["test_one_step"]
    assert "[80.364, 37.575, 30.871]" in sources["test_first_losses"]
    assert "torch.tensor([5.3671, -17.3012])" in sources["test_lecture_run"]
    assert "torch.tensor([0.5367, -17.3021])" in sources["test_adam_run"]


def test_no_number_of_the_reference_is_typed() -> None:
    """The template itself holds none of them."""
    template = (COURSE / "assignments" / "optimizers" / "notebook.py.j2").read_text()
    assert not [
        number
        for number in ("1.7761", "80.36", "37.57", "30.87", "5.367", "17.30", "2.92")
        if number in template
    ]


def test_the_release_holds_nothing_of_the_solution(released: NotebookNode) -> None:
    """No line of a solution's region stands in the released notebook, except what checks and given
    cells say themselves.
    """
    text, inside, bodies = nbformat.writes(released), False, []
    for line in (COURSE / "solutions" / "optimizers" / "solution.py").read_text().splitlines():
        if "SOLUTION" in line:
            inside = "BEGIN" in line
        elif inside and line.strip():
            bodies.append(line.split("  #")[0].strip())
    code = "\n".join(
        cell.source
        for cell in released.cells
        if cell.cell_type == "code" and not cell.id.startswith("test_")
    )
    assert "SOLUTION" not in text
    assert not [body for body in bodies if body in code]
    assert len(bodies) > 15
    for distinctive in (
        "w * t_u + b",
        "squared_diffs",
        "optim.SGD([",
        "optim.Adam([",
        "optimizer.step()",
        "range(1, n_epochs",
        "epoch % 500",
    ):
        assert distinctive not in text


def test_a_solved_release_passes_its_own_checks(solved: NotebookNode) -> None:
    """A student with the right code is green in every visible check, with nothing but torch."""
    run_cells(solved)


@pytest.mark.parametrize(
    ("function", "old", "new", "check"),
    [
        ("model", "w * t_u + b", "b * t_u + w", "test_model"),
        ("model", "w * t_u + b", "torch.tensor(float(w)) * t_u + b", "test_model"),
        ("loss_fn", "squared_diffs.mean()", "squared_diffs.sum()", "test_loss_fn"),
        ("make_sgd", "[params]", "[params.detach().clone().requires_grad_()]", "test_make_sgd"),
        ("make_sgd", "lr=lr", "lr=0.01", "test_make_sgd"),
        ("one_step", "    optimizer.zero_grad()", "    pass", "test_one_step"),
        ("training_loop", "        optimizer.zero_grad()", "        pass", "test_first_losses"),
        ("training_loop", "range(1, n_epochs + 1)", "range(1, n_epochs)", "test_first_losses"),
        ("training_loop", "range(1, n_epochs + 1)", "range(n_epochs + 1)", "test_first_losses"),
        ("training_loop", "    return params", "        return params", "test_first_losses"),
        ("make_adam", "Adam(", "SGD(", "test_make_adam"),
    ],
)
def test_a_wrong_solution_is_red_at_its_own_check(
    solved: NotebookNode, function: str, old: str, new: str, check: str
) -> None:
    """The first check that fails is the one below the mistake, and it says something."""
    cell = next(cell for cell in solved.cells if cell.id == function)
    assert old in cell.source
    cell.source = cell.source.replace(old, new)
    namespace: dict[str, Any] = {}
    for cell in solved.cells:
        if cell.cell_type != "code" or cell.id in ("train_sgd", "test_lecture_run"):
            continue  # 5000 epochs that no case here needs
        if cell.id == check:
            with pytest.raises(AssertionError, match=r".{20}"):
                exec(cell.source, namespace)
            return
        exec(cell.source, namespace)


def test_two_parameter_tensors_pass_the_run_checks(solved: NotebookNode) -> None:
    """A student who trains [w, b] as two tensors is as right as one who trains one."""
    namespace: dict[str, Any] = {}
    for cell in solved.cells:
        if cell.cell_type == "code" and not cell.id.startswith("train_"):
            if cell.id == "test_lecture_run":
                namespace["sgd_params"] = [
                    torch.tensor(value, requires_grad=True) for value in (5.3671, -17.3012)
                ]
            if cell.id == "test_adam_run":
                namespace["adam_params"] = [
                    torch.tensor(value, requires_grad=True) for value in (0.5367, -17.3021)
                ]
            exec(cell.source, namespace)


def test_the_notebook_is_nbformat_4_5_and_the_same_each_time(
    files: AssignmentFiles, facts: Facts, released: NotebookNode
) -> None:
    """Cell ids are the grade ids; a second rendering has the same bytes."""
    nbformat.validate(released)
    assert (released.nbformat, released.nbformat_minor) == (4, 5)
    assert nbformat.writes(render_notebook(files, Mode.RELEASE, facts)) == nbformat.writes(released)
    assert [cell.id for cell in released.cells if cell.cell_type == "code"] == [
        *(
            "data",
            "model",
            "test_model",
            "loss_fn",
            "test_loss_fn",
            "make_sgd",
            "test_make_sgd",
            "holds",
            "test_holds",
        ),
        *("figure_1", "test_figure_1", "one_step", "test_one_step"),
        *(
            "training_loop",
            "test_first_losses",
            "train_sgd",
            "test_lecture_run",
            "make_adam",
            "test_make_adam",
            "train_adam",
            "test_adam_run",
        ),
        *("minibatch_loop", "test_minibatches", "mean_loss", "test_mean_loss", "scratch"),
    ]


def test_nbgrader_accepts_the_release(release: NotebookNode, tmp_path: Path) -> None:
    """It is read by nbgrader, passes its metadata and id checks, and has the checksums and locks
    that nbgrader would set.
    """
    preprocessors = pytest.importorskip("nbgrader.preprocessors")
    nbgraderformat = pytest.importorskip("nbgrader.nbgraderformat")
    write_notebook(release, tmp_path / "optimizers.ipynb")
    before = nbgraderformat.read(str(tmp_path / "optimizers.ipynb"), as_version=4)
    after = copy.deepcopy(before)
    for name in (
        "CheckCellMetadata",
        "DeduplicateIds",
        "LockCells",
        "ComputeChecksums",
        "CheckCellMetadata",
    ):
        after, _ = getattr(preprocessors, name)().preprocess(after, {})
    assert after == before == release


def test_checksums_are_nbgraders(release: NotebookNode) -> None:
    """Our few lines of md5 agree with nbgrader's function on every cell, also when text and points
    change.
    """
    compute = pytest.importorskip("nbgrader.utils").compute_checksum
    for cell in release.cells:
        if "nbgrader" in cell.metadata:
            assert checksum(cell) == cell.metadata.nbgrader.checksum == compute(cell)
            cell.source += "\n# é"
            if "points" in cell.metadata.nbgrader:
                cell.metadata.nbgrader.points = 2.5
            assert checksum(cell) == compute(cell) != cell.metadata.nbgrader.checksum


def test_points_are_the_checks(released: NotebookNode) -> None:
    """Each check cell carries the points of the check of its name."""
    marks = {
        cell.id: cell.metadata.nbgrader for cell in released.cells if "nbgrader" in cell.metadata
    }
    assert {name: mark.points for name, mark in marks.items() if mark.grade} == POINTS
    assert "scratch" not in marks


@pytest.fixture
def course(tmp_path: Path, files: AssignmentFiles) -> Any:
    """Render a template of the test's own."""
    folder = tmp_path / "assignments" / "optimizers"
    folder.mkdir(parents=True)
    shutil.copytree(COURSE / "solutions" / "optimizers", tmp_path / "solutions" / "optimizers")

    def render(
        template: str,
        mode: Mode = Mode.RELEASE,
        facts: Facts | None = None,
        questions: tuple[Question, ...] = (),
    ) -> NotebookNode:
        (folder / "notebook.py.j2").write_text(template)
        own = AssignmentFiles(
            tmp_path, "optimizers", msgspec.structs.replace(files.assignment, questions=questions)
        )
        return render_notebook(
            own,
            mode,
            facts
            or Facts(
                {"test_a": 2.5}, lambda name: {"test_a": SimpleNamespace(returned=np.ones(2))}[name]
            ),
        )

    return render


TEXT = '# %% [markdown] role="text" id="intro"\n# Hi\n'


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (TEXT + '\n# %% role="given"\nx = 1\n', r"notebook\.py\.j2:4: the cell has no id"),
        (TEXT + '\n# %% role="given" id="a b"\nx = 1\n', r":4: id='a b' is no name for a cell"),
        (
            TEXT + '\n# %% role="gift" id="a"\nx = 1\n',
            (
                r":4: role='gift' is none of: text, given, solution, check, tests, answer, task,"
                r" variant, free"
            ),
        ),
        (TEXT + "\n# %%\nx = 1\n", r":4: the cell has no role"),
        (
            TEXT + '\n# %% role="text" id="a"\nx = 1\n',
            r":4: a cell of role text begins with # %% \[markdown\]",
        ),
        (
            TEXT + '\n# %% [markdown] role="given" id="a"\n# x\n',
            r":4: a cell of role given begins with # %% without",
        ),
        (
            TEXT + '\n# %% role="given" id="intro"\nx = 1\n',
            r":4: a second cell with id='intro'; the first is on line 1",
        ),
        (
            TEXT + '\n# %% role="check" id="test_b"\nx = 1\n',
            r":4: no check is called 'test_b'; there are: test_a",
        ),
        ("x = 1\n" + TEXT, r":1: text before the first cell"),
        (
            TEXT + '\n# %% [markdown] role="answer" id="why"\n# Because:\n',
            r":4: assignment.toml has no \[\[questions\]\] with id = 'why'",
        ),
        (
            TEXT + '\n# %% role="task" id="why"\nx = 1\n',
            r":4: a cell of role task begins with # %% \[markdown\]",
        ),
        (TEXT + "# {{ nonsense }}\n", r":3: 'nonsense' is undefined"),
        (TEXT + "# {{ reference('test_a').nonsense }}\n", r":3: .*nonsense"),
        (
            TEXT + "# {{ reference('test_b').returned }}\n",
            r":3: the reference has no run for a check called 'test_b'",
        ),
        (TEXT + "# {{ 1 / 0 }}\n", r":3: division by zero"),
        (TEXT + "# {{ 'a' | tensor }}\n", r":3: expected numbers"),
        (TEXT + "\n{% if %}\n", r":4: not a valid template"),
        (TEXT + '# {{ given("model") }}\n', r"notebook\.py\.j2:3: .*'model' has a region"),
        (
            TEXT + '# {{ stub("volume") }}\n',
            r"notebook\.py\.j2:3: .*solution\.py:1: no top-level function 'volume'",
        ),
    ],
)
def test_a_broken_template_is_named_with_its_line(course: Any, template: str, message: str) -> None:
    """Each mistake in a template says file, line, and what is wrong."""
    with pytest.raises(AssignmentError, match=message):
        course(template)


def test_the_reference_quotes_no_reference(course: Any) -> None:
    """In the notebook that yields the numbers, only check cells may use them; they are left out."""
    cell = (
        "\nx = {{ (reference('test_a').returned[0] * 2) | number(3) }}\ny = {{"
        " reference('test_b').losses | tensor }}\n"
    )
    with pytest.raises(
        AssignmentError, match=r":4: cell 'a' quotes a number of the reference .* role check"
    ):
        course(TEXT + '\n# %% role="given" id="a"' + cell, Mode.REFERENCE, Facts())
    assert [
        cell.id
        for cell in course(
            TEXT + '\n# %% role="check" id="test_a"' + cell, Mode.REFERENCE, Facts()
        ).cells
    ] == ["intro"]
    with pytest.raises(AssignmentError, match="needs a run of the reference"):
        course(TEXT + '\n# %% role="check" id="test_a"' + cell, Mode.RELEASE, Facts({"test_a": 1}))


def test_what_a_template_may_hold(course: Any) -> None:
    """Magics, points in prose, a free Markdown cell, a loop over cells, and Jupytext's own
    header.
    """
    notebook = course(
        "# ---\n# jupyter:\n#   jupytext:\n#     formats: py:percent\n# ---\n\n# %% [markdown]"
        ' role="free" id="notes"\n# {{ points("test_a") }} points in {{ assignment.title }}\n{% for'
        ' n in (1, 2) %}\n\n# %% role="given" id="g{{ n }}"\n%matplotlib inline\n{% endfor %}\n',
    )
    assert [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells] == [
        ("notes", "markdown", "2.5 points in Optimizers"),
        ("g1", "code", "%matplotlib inline"),
        ("g2", "code", "%matplotlib inline"),
    ]


WHY = Question("why", "Why?", "Explain", 2.5)
ANSWER = '\n# %% [markdown] role="answer" id="why"\n# Because:\n'


def test_an_answer_cell_is_nbgraders_manually_graded_one(course: Any) -> None:
    """Markdown that students write and a person marks: grade and solution, not locked, with the
    question's points; nbgrader accepts its metadata.
    """
    cell = course(TEXT + ANSWER, questions=(WHY,)).cells[1]
    marks = cell.metadata["nbgrader"]
    assert {name: marks[name] for name in ("grade", "solution", "locked", "points")} == {
        "grade": True,
        "solution": True,
        "locked": False,
        "points": 2.5,
    }
    assert marks["checksum"] == compute_checksum(cell)
    assert cell.metadata.get("editable", True)
    assert determine_grade(cell) == (0, 2.5)  # as released: nothing to mark
    cell.source = "For a reason."
    assert determine_grade(cell) == (None, 2.5)


def test_a_question_without_a_cell_is_an_error(course: Any) -> None:
    """A person could never mark it."""
    with pytest.raises(AssignmentError, match=r":1: question 'why' of assignment.toml has no cell"):
        course(TEXT, questions=(WHY,))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.77608, 0.10638], np.float32), "torch.tensor([1.7761, 0.1064])"),
        ([np.float32(1.5), [2, True]], "torch.tensor([1.5000, [2, True]])"),
        (np.array([[-0.00001, float("nan")]]), 'torch.tensor([[0.0000, float("nan")]])'),
        (3.0, "torch.tensor(3.0000)"),
    ],
)
def test_tensors_are_written_as_source(value: Any, text: str) -> None:
    """Arrays, numbers and lists become source text that torch reads."""
    assert tensor_text(value) == text


def test_numbers_are_written_as_source() -> None:
    """With the decimals asked for, and `float("inf")` where there are none."""
    assert (number_text(np.float32(80.36434), 3), number_text(float("inf"))) == (
        "80.364",
        'float("inf")',
    )


def test_writing_is_whole_or_not_at_all(
    release: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails leaves the old file, and nothing beside it."""
    path = tmp_path / "new" / "optimizers.ipynb"
    write_notebook(release, path)
    assert nbformat.read(path, as_version=4) == release
    old = path.read_bytes()

    def fail(*_: object) -> None:
        message = "disk full"
        raise OSError(message)

    monkeypatch.setattr(Path, "replace", fail)
    release.cells.pop()
    with pytest.raises(OSError, match="disk full"):
        write_notebook(release, path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_given_function_stands_in_both_notebooks(course: Any, tmp_path: Path) -> None:
    """Written once, in the solution; students and the reference get the same lines."""
    solution = tmp_path / "solutions" / "optimizers" / "solution.py"
    text = 'def helper(x):\n    """Twice `x`."""\n    return 2 * x  # whatever x is'
    solution.write_text(f"{solution.read_text()}\n\n{text}\n")
    template = TEXT + '\n# %% role="given" id="help"\n{{ given("helper") }}\n'
    for mode in Mode:
        assert course(template, mode).cells[1].source == text
