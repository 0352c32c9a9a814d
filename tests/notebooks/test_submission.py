"""Submissions are restored to the released order, and students are told what was done."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from notebook_samples import run_cells

from autograder.notebooks.cells import Role, mark
from autograder.notebooks.reading.answers import Answer, read_answers
from autograder.notebooks.reading.submission import Submission, read_submission

ANSWERS = ("why_two_losses", "why_sgd_diverges")
HandIn = Callable[..., Path]
Read = Callable[[NotebookNode], Submission]


@pytest.fixture
def read(hand_in: HandIn, released: NotebookNode) -> Read:
    """Hand in a notebook and read it back against the release."""
    return lambda notebook: read_submission(hand_in(notebook), released)


def index(notebook: NotebookNode, name: str) -> int:
    return next(position for position, cell in enumerate(notebook.cells) if cell.id == name)


def ids(submission: Submission) -> list[str]:
    """Ids in the restored notebook, less the release's one free cell, which is the student's own to
    move.
    """
    return [
        cell["id"] for cell in submission.notebook.cells if not cell["source"].startswith("# Yours")
    ]


def released_ids(notebook: NotebookNode) -> list[str]:
    return [cell.id for cell in notebook.cells if cell.id != "scratch"]


def test_an_untouched_notebook_stays_as_it_is(solved: NotebookNode, read: Read) -> None:
    """No notices, nothing missing, the same cells in the same order; saved outputs come along, but
    not into the restored notebook.
    """
    solved.cells[index(solved, "train_sgd")].outputs = [
        nbformat.v4.new_output("stream", text="Loss 2.93\n")
    ]
    solved.cells[index(solved, "train_sgd")].execution_count = 12
    submission = read(solved)
    assert (submission.notices, submission.missing, submission.rebound) == ((), (), {})
    assert ids(submission) == released_ids(solved)
    train = next(cell for cell in submission.cells if cell.id == "train_sgd")
    assert (train.saved_outputs[0]["text"], train.saved_execution_count, train.role) == (
        "Loss 2.93\n",
        12,
        Role.SOLUTION,
    )
    solved.cells[index(solved, "train_sgd")].update(outputs=[], execution_count=None)
    solved.cells[index(solved, "scratch")].id = submission.notebook.cells[
        index(solved, "scratch")
    ].id  # free cells are numbered
    assert submission.notebook == solved
    assert len(submission.sha256) == 64


def test_ids_and_roles(solved: NotebookNode, read: Read) -> None:
    """Graded cells keep their ids, the student's own are numbered by position; text does not
    run.
    """
    solved.cells.insert(index(solved, "model"), new_code_cell("print(t_u)"))
    solved.cells.insert(0, new_markdown_cell("My notes"))
    submission = read(solved)
    roles = {cell.id: cell.role for cell in submission.cells}
    own = next(cell for cell in submission.cells if cell.source == "print(t_u)")
    assert (own.id, own.number) == (f"cell-{own.number}", index(solved, "model"))
    assert (roles["data"], roles["test_model"], roles["train_adam"]) == (
        Role.GIVEN,
        Role.CHECK,
        Role.SOLUTION,
    )
    assert "intro" not in roles
    assert submission.notebook.cells[0].source == "My notes"
    assert submission.notices == ()


@pytest.mark.parametrize("name", ["data", "test_one_step", "part1"])
def test_an_edited_locked_cell_is_restored(
    solved: NotebookNode, read: Read, released: NotebookNode, name: str
) -> None:
    """The released source wins, and the student is told."""
    solved.cells[index(solved, name)].source += "\nassert True"
    submission = read(solved)
    assert submission.notices == (
        f"The locked cell '{name}' had been changed; it was graded as released.",
    )
    assert submission.notebook.cells[index(released, name)] == released.cells[index(released, name)]


def test_an_editors_white_space_is_no_edit(solved: NotebookNode, read: Read) -> None:
    """Line ends and blanks at them are not the student's doing."""
    cell = solved.cells[index(solved, "data")]
    cell.source = cell.source.replace("\n", "  \r\n") + "\n"
    assert read(solved).notices == ()


def test_metadata_can_not_unlock_a_cell(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """What the student's file says of locks and points does not count."""
    cell = solved.cells[index(solved, "test_model")]
    cell.metadata.nbgrader.update(locked=False, grade=False, solution=True, points=99)
    cell.source = "pass"
    assert (
        read(solved).notebook.cells[index(solved, "test_model")]
        == released.cells[index(released, "test_model")]
    )


@pytest.mark.parametrize(
    "gone",
    [
        ["data"],
        ["test_model"],
        ["test_loss_fn", "part2"],
        ["test_adam_run", "part4_reading", "hand_in"],
        ["intro", "how_to", "the_data", "data"],
    ],
)
def test_deleted_locked_cells_come_back_in_place(
    solved: NotebookNode, read: Read, released: NotebookNode, gone: list[str]
) -> None:
    """Between the neighbours that remain; code is mentioned, prose is not."""
    solved.cells = [cell for cell in solved.cells if cell.id not in gone]
    submission = read(solved)
    assert ids(submission) == released_ids(released)
    code = [repr(name) for name in gone if name == "data" or name.startswith("test_")]
    assert submission.notices == (f"The locked cell {code[0]} was missing; it was put back.",)


def test_a_check_comes_back_below_what_it_checks(solved: NotebookNode, read: Read) -> None:
    """Also when the student defines the function in a further cell."""
    at = index(solved, "test_model")
    solved.cells[at] = new_code_cell("def model(t_u, w, b):\n    return b + w * t_u", id="mine")
    order = [cell.id for cell in read(solved).cells]
    assert (
        order.index("model")
        < order.index(f"cell-{at + 1}")
        < order.index("test_model")
        < order.index("loss_fn")
    )


def test_given_code_comes_back_above_the_students(solved: NotebookNode, read: Read) -> None:
    """So that what the student put in its place still counts."""
    at = index(solved, "data")
    solved.cells[at] = new_code_cell("import torch\nt_u = 3", id="mine")
    order = [cell.id for cell in read(solved).cells]
    assert order[:2] == ["data", f"cell-{at + 1}"]


@pytest.mark.parametrize(("name", "to"), [("test_model", 0), ("data", -1), ("test_adam_run", 3)])
def test_a_moved_locked_cell_goes_back(
    solved: NotebookNode, read: Read, released: NotebookNode, name: str, to: int
) -> None:
    """Only the moved one moves."""
    solved.cells.insert(to if to >= 0 else len(solved.cells), solved.cells.pop(index(solved, name)))
    submission = read(solved)
    assert ids(submission) == released_ids(released)
    assert submission.notices == (
        f"The locked cell '{name}' had been moved; it was put back in place.",
    )


def test_a_moved_solution_stays_where_the_student_put_it(solved: NotebookNode, read: Read) -> None:
    """The order of their own code is theirs; there is no notice, and nothing is called in an
    earlier state.
    """
    solved.cells.append(solved.cells.pop(index(solved, "model")))
    submission = read(solved)
    assert (ids(submission)[-1], submission.notices) == ("model", ())


def test_copies_of_a_locked_cell_go(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """One stays, in its place."""
    twin = NotebookNode(copy.deepcopy(solved.cells[index(solved, "test_model")]) | {"id": "twin"})
    solved.cells.insert(3, twin)
    submission = read(solved)
    assert ids(submission) == released_ids(released)
    assert (
        submission.notices[-1]
        == "The locked cell 'test_model' stood there more than once; only one was kept."
    )


def test_a_changed_copy_of_a_locked_cell_is_the_students_own(
    solved: NotebookNode, read: Read
) -> None:
    """Jupyter copies marks along with a cell; what the student wrote into the copy still runs, and
    the original is the one as released.
    """
    twin = NotebookNode(
        copy.deepcopy(solved.cells[index(solved, "test_model")])
        | {
            "id": "twin",
            "source": "weights = 1",
        }
    )
    solved.cells.insert(index(solved, "test_model"), twin)
    submission = read(solved)
    at = next(
        position for position, cell in enumerate(submission.cells) if cell.source == "weights = 1"
    )
    assert (submission.cells[at].role, submission.cells[at + 1].id) == (Role.FREE, "test_model")
    assert submission.notices == (
        (
            "The locked cell 'test_model' stood there more than once; changed copies were kept as"
            " cells of your own."
        ),
    )


def test_copies_of_a_solution_all_run(solved: NotebookNode, read: Read) -> None:
    """In the notebook's order, so that the last definition counts; the id goes with the last that
    defines the function.
    """
    at = index(solved, "model")
    for extra, source in enumerate(("def model(t_u, w, b):\n    return 3", "model")):
        twin = copy.deepcopy(solved.cells[at])
        twin.id, twin.source = f"twin{extra}", source
        solved.cells.insert(at + 1 + extra, twin)
    submission = read(solved)
    run = [(cell.id, cell.role) for cell in submission.cells if cell.role is Role.SOLUTION][:3]
    assert run == [
        (f"model-again-{at + 1}", Role.SOLUTION),
        ("model", Role.SOLUTION),
        (f"model-again-{at + 3}", Role.SOLUTION),
    ]
    assert submission.notices == (
        (
            "The solution cell 'model' stood there more than once; all of them run, and the last"
            " definition counts."
        ),
    )
    marked = [
        cell.metadata.nbgrader.grade_id
        for cell in submission.notebook.cells
        if "nbgrader" in cell.metadata
    ]
    assert len(marked) == len(set(marked))


def test_a_cell_turned_into_text_is_code_again(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """Locked ones as released; solutions with their text as code."""
    for name in ("test_model", "loss_fn"):
        at = index(solved, name)
        solved.cells[at] = new_markdown_cell(
            solved.cells[at].source, id=name, metadata=solved.cells[at].metadata
        )
    submission = read(solved)
    assert ids(submission) == released_ids(released)
    assert "loss_fn" in [cell.id for cell in submission.cells]
    assert submission.notices == (
        "The locked cell 'test_model' had been changed; it was graded as released.",
        "The solution cell 'loss_fn' had been turned into text; it was run as code.",
    )


def test_a_deleted_solution_is_missing(solved: NotebookNode, read: Read) -> None:
    """It is named, not put back: there is nothing of it to run."""
    solved.cells.pop(index(solved, "make_adam"))
    assert read(solved).missing == ("make_adam",)


def test_a_notebook_without_marks_is_recognised(solved: NotebookNode, read: Read) -> None:
    """With all metadata gone, locked cells are known by their text, solutions by what they define,
    broken ones by what they look like.
    """
    for number, cell in enumerate(solved.cells):
        cell.metadata, cell.id = NotebookNode(), f"c{number}"
    broken = next(cell for cell in solved.cells if cell.source.startswith("def make_adam"))
    broken.source = broken.source.replace("):", ")")
    submission = read(solved)
    order = [cell.id for cell in submission.cells]
    assert order[:3] == ["data", "model", "test_model"]
    assert {"train_sgd", "train_adam", "make_adam", "test_adam_run"} <= set(order)
    assert submission.missing == ()
    (notice,) = submission.notices
    assert notice.startswith("The cells 'intro', ")
    assert notice.endswith(
        " carried no marks of the released notebook; they were recognised by what they hold."
    )


def test_a_renamed_mark_is_recognised(solved: NotebookNode, read: Read) -> None:
    """One cell's id changed: the function in it tells."""
    solved.cells[index(solved, "model")].metadata.nbgrader.grade_id = "modell"
    submission = read(solved)
    assert submission.notices == (
        (
            "The cell 'model' carried no marks of the released notebook; it was recognised by what"
            " it holds."
        ),
    )
    assert submission.missing == ()


def test_ones_own_cells_are_not_taken_for_solutions(solved: NotebookNode, read: Read) -> None:
    """A free cell that defines a function again is the student's own while the solution cell is
    there.
    """
    solved.cells.append(new_code_cell("def model(t_u, w, b):\n    return 0", id="mine"))
    submission = read(solved)
    assert (submission.cells[-1].role, submission.notices) == (Role.FREE, ())


OWNERS = {"model": "test_model", "training_loop": "test_lecture_run"}


def test_a_rebound_function_is_called_after_its_check(
    solved: NotebookNode, hand_in: HandIn, released: NotebookNode
) -> None:
    """The state after that check cell is to be held."""
    solved.cells.append(new_code_cell("model = torch.nn.Linear(1, 1)"))
    submission = read_submission(hand_in(solved), released, OWNERS)
    assert (submission.rebound, submission.holds) == ({"model": "test_model"}, {"test_model"})


@pytest.mark.parametrize(("added", "kept"), [("\nprint('mine')", False), ("  \n\n", True)])
def test_outputs_of_a_locked_cell_that_was_edited_are_left_out(
    solved: NotebookNode, read: Read, added: str, kept: bool
) -> None:
    """They are of other code than what is run, and would be taken for signs of a stale kernel;
    white space is no edit.
    """
    cell = solved.cells[index(solved, "data")]
    cell.source += added
    cell.outputs = [nbformat.v4.new_output("stream", text="loss 0.5\n")]
    (found,) = [one for one in read(solved).cells if one.id == "data"]
    assert bool(found.saved_outputs) is kept


def test_a_script_is_restored(
    solved: NotebookNode, hand_in: HandIn, released: NotebookNode
) -> None:
    """A percent script without any marks runs like the notebook; one with ids in its headers is
    silent.
    """
    bare = copy.deepcopy(solved)
    for cell in bare.cells:
        cell.metadata = NotebookNode()
    submission = read_submission(
        hand_in(jupytext.writes(bare, fmt="py:percent"), "optimizers.py"), released
    )
    assert ids(submission) == released_ids(released)
    assert submission.missing == ()
    marked = "\n".join(
        f'# %% id="{cell.id}"\n{cell.source}\n' for cell in solved.cells if cell.cell_type == "code"
    )
    submission = read_submission(hand_in(marked, "optimizers.py"), released)
    assert (submission.notices, submission.missing) == ((), ())
    # nobody's words are put back
    assert ids(submission) == [name for name in released_ids(released) if name not in ANSWERS]


def test_an_answer_is_the_students_own(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """It stays as it was written, is not run, and nothing is said of it."""
    solved.cells[
        index(solved, "why_two_losses")
    ].source = "The slide's loop\n\n    goes on from one step."
    submission = read(solved)
    answers = read_answers(submission.notebook, released)
    assert answers["why_two_losses"].text == "The slide's loop\n\n    goes on from one step."
    assert submission.notices == ()
    assert not [cell.id for cell in submission.cells if cell.id in ANSWERS]


def test_an_answer_turned_into_code_is_still_text(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """A marked cell is never run as code."""
    place = index(solved, "why_two_losses")
    solved.cells[place] = new_code_cell("raise SystemExit", metadata=solved.cells[place].metadata)
    submission = read(solved)
    assert "raise SystemExit" not in [cell.source for cell in submission.cells]
    assert read_answers(submission.notebook, released)["why_two_losses"].text == "raise SystemExit"


def test_of_a_split_answer_the_written_half_counts(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """Jupyter copies marks along when a cell is split: the half that is as released is no
    answer.
    """
    place = index(solved, "why_two_losses")
    second = copy.deepcopy(solved.cells[place])
    second.source, second.id = "Because of the step before.", "half"
    solved.cells.insert(place + 1, second)
    answers = read_answers(read(solved).notebook, released)
    assert answers["why_two_losses"].text == "Because of the step before."
    assert not answers["why_two_losses"].blank


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("*Your answer:*", True),
        ("", True),
        ("  *Your answer:*  \n\n", True),
        ("*Your answer:* momentum", False),
        ("-", False),
    ],
)
def test_blank_answers_are_told_from_short_ones(
    solved: NotebookNode, read: Read, released: NotebookNode, text: str, blank: bool
) -> None:
    """Empty, or as released, whatever white space an editor leaves."""
    solved.cells[index(solved, "why_two_losses")].source = text
    assert read_answers(read(solved).notebook, released)["why_two_losses"].blank is blank


def test_an_answers_digest_tells_it_from_others() -> None:
    """White space at line ends and around it makes no other answer; a word does."""
    one, same, other = (
        Answer(text, blank=False).digest
        for text in ("Because.\nSo.", "Because. \nSo.\n", "Because.\nNo.")
    )
    assert one == same != other


def test_below_a_task_counts_what_comes_before_the_next_released_cell() -> None:
    """The student's own cells there are the answer; what they add further down is none, nor are the
    lecturer's words.
    """
    task, given = new_markdown_cell("Draw it."), new_code_cell("x = 1")
    mark(task, Role.TASK, "draw", 4)
    mark(given, Role.GIVEN, "given")
    release = NotebookNode(cells=[task, given])
    notebook = NotebookNode(
        cells=[
            task,
            new_code_cell("plot(x)"),
            new_markdown_cell("As drawn."),
            given,
            new_code_cell("print(x)"),
        ]
    )
    assert read_answers(notebook, release)["draw"].text == "plot(x)\nAs drawn.\n"
    assert (
        read_answers(NotebookNode(cells=[task, given, new_code_cell("print(x)")]), release)[
            "draw"
        ].text
        == ""
    )


def test_a_deleted_answer_is_not_a_blank_one(
    solved: NotebookNode, read: Read, released: NotebookNode
) -> None:
    """It may stand elsewhere in the notebook: a person has to look."""
    del solved.cells[index(solved, "why_two_losses")]
    assert set(read_answers(read(solved).notebook, released)) == {"why_sgd_diverges"}


def test_a_script_of_one_piece_still_runs(
    solved: NotebookNode, hand_in: HandIn, released: NotebookNode
) -> None:
    """Plain Python without cells: given code above, checks below, and the functions in between."""
    functions = [cell.source for cell in solved.cells if cell.source.startswith("def ")]
    submission = read_submission(
        hand_in(
            "import torch\n\n\n"
            + "\n\n\n".join(functions)
            + "\n\nsgd_params = adam_params = torch.ones(2)\n",
            "optimizers.py",
        ),
        released,
    )
    order = [cell.id for cell in submission.cells]
    assert order[0] == "data"
    assert order.index("model") < order.index("test_model") < order.index("test_adam_run")
    namespace = run_cells(
        NotebookNode(
            cells=[
                cell
                for cell in submission.notebook.cells
                if cell.id not in ("test_lecture_run", "test_adam_run")
            ]
        )
    )
    assert callable(namespace["training_loop"])


def test_the_restored_notebook_is_nbgraders(solved: NotebookNode, read: Read) -> None:
    """However it was mangled, nbgrader's metadata check passes on it."""
    checks = pytest.importorskip("nbgrader.preprocessors").CheckCellMetadata()
    mangle(solved, 1)
    submission = read(solved)
    nbformat.validate(submission.notebook)
    checks.preprocess(submission.notebook, {})


def mangle(notebook: NotebookNode, seed: int) -> None:
    """What students do to notebooks, at random."""
    chance = random.Random(seed)
    cells = notebook.cells
    for number in range(chance.randrange(12)):
        at = chance.randrange(len(cells))
        match chance.randrange(6):
            case 0:
                cells.pop(at)
            case 1:
                cells.insert(chance.randrange(len(cells)), cells.pop(at))
            case 2:
                cells.insert(
                    at, NotebookNode(copy.deepcopy(cells[at]) | {"id": f"copy-{seed}-{number}"})
                )
            case 3:
                cells[at].source += "\n# changed"
            case 4:
                cells[at].metadata = NotebookNode()
            case _:
                cells.insert(
                    at,
                    new_code_cell(chance.choice(["x = 1", "def model(): ...", "sgd_params = 1"])),
                )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_restoring_is_idempotent(hand_in: HandIn, released: NotebookNode, seed: int) -> None:
    """Locked cells end in the released order and text; a restored notebook, handed in again, stays
    as it is.
    """
    notebook = copy.deepcopy(released)
    mangle(notebook, seed)
    first = read_submission(hand_in(notebook), released)
    locked = [cell for cell in released.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    assert [
        cell for cell in first.notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")
    ] == locked
    assert len({cell.id for cell in first.notebook.cells}) == len(first.notebook.cells)
    assert [cell.id for cell in first.cells] == [
        cell.id for cell in first.notebook.cells if cell.cell_type == "code"
    ]
    second = read_submission(hand_in(first.notebook), released)
    assert [cell.source for cell in second.notebook.cells] == [
        cell.source for cell in first.notebook.cells
    ]
    assert not [notice for notice in second.notices if notice.startswith("The locked")]
