"""What the instructor sees: the terminal's table and grades.csv."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from report_samples import check, grade
from rich.console import Console

from autograder.assignment import Disclosure
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.grade import (
    RULINGS,
    Cause,
    CheckResult,
    JudgedVariant,
    Outcome,
    Visibility,
)
from autograder.reports.grades_csv import COLUMNS, grades_csv, write_grades_csv
from autograder.reports.plain import counted, listed, number, plain, plain_line
from autograder.reports.terminal.class_table import (
    class_lines,
    class_table,
    gone_lines,
    same_code_lines,
    what_went_wrong,
)
from autograder.reports.told import told_of


def show(*grades: object, names: dict[str, str] | None = None) -> str:
    """The table as a terminal prints it."""
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(class_table(grades, names))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def rows(text: str) -> list[dict[str, str]]:
    """A CSV read back."""
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_is_sorted_and_says_what_went_wrong() -> None:
    """Students by name whatever their case; the submission's problem first."""
    text = show(
        grade(check("a"), student="zoe"),
        grade(check("loop"), check("b", Outcome.FAILED, 0), student="Bea", problem="CPU limit"),
    )
    assert text.index("Bea") < text.index("zoe")
    assert "10/20" in text
    assert "CPU limit; lost: b" in text


def test_markup_and_escapes_in_names_are_text() -> None:
    """rich would read [red] as a colour and the terminal an escape as a command."""
    text = show(
        grade(
            check("a", Outcome.FAILED, 0, title="[bold]t[/bold]\x1b[2J"),
            check("b"),
            student="[red]x[/red]\x1b]0;pwned\x07",
        )
    )
    assert "[red]x[/red]" in text
    assert "[bold]t[/bold]" in text
    assert "\x1b" not in text
    assert "pwned" not in text


def test_a_long_list_of_losses_is_shortened() -> None:
    """Two titles, cut, then a count; all checks lost is said in two words."""
    lost = [check(f"check number {index} {'x' * 80}", Outcome.FAILED, 0) for index in range(5)]
    words = what_went_wrong(grade(check("a"), *lost))
    assert "3 more" in words
    assert len(words) < 120
    assert what_went_wrong(grade(*lost)) == "every check"


def test_two_losses_are_both_named_and_nothing_more() -> None:
    """No "0 more" behind them; with a third there is one more."""
    lost = [check(name, Outcome.FAILED, 0) for name in ("loop", "loss", "step")]
    assert what_went_wrong(grade(check("a"), *lost[:2])) == "lost: loop; loss"
    assert what_went_wrong(grade(check("a"), *lost)) == "lost: loop; loss; 1 more"


def test_waiting_points_are_named() -> None:
    """Ungradable ones are not counted among the lost."""
    assert (
        what_went_wrong(grade(check("a"), check("b", Outcome.UNGRADABLE, 0)))
        == "ungradable (10 points)"
    )


def test_class_lines_count_statuses_and_average_only_finished_grades() -> None:
    """A submission that nobody could grade is no zero in the mean."""
    grades = [
        grade(check("a")),
        grade(check("a", Outcome.FAILED, 5)),
        grade(check("a", Outcome.UNGRADABLE, 0)),
    ]
    assert class_lines(grades) == [
        "3 submissions: 2 graded, 1 ungradable",
        "mean 7.5, median 7.5 of 10 points, over the 2 fully graded",
    ]
    assert class_lines([]) == ["no submissions"]


def test_mean_and_median_are_told_apart_and_out_of_the_most_points() -> None:
    """Three grades, the best far off; one student has no second check, of others it is a bonus."""
    grades = [
        grade(check("a", Outcome.FAILED, 1)),
        grade(check("a", Outcome.FAILED, 2)),
        grade(check("a"), check("b")),
    ]
    assert "mean 7.67, median 2 of 20 points" in class_lines(grades)


def test_a_bonus_that_nobody_earned_is_no_loss() -> None:
    """Nor is an open answer, where every check is lost."""
    bonus = check("extra", Outcome.FAILED, 0, max_points=0, bonus=5)
    assert what_went_wrong(grade(check("a"), bonus)) == ""
    assert (
        what_went_wrong(grade(check("a", Outcome.FAILED, 0), question(Cause.TO_BE_MARKED)))
        == "every check"
    )


def test_points_that_students_can_read_are_told_at_their_most() -> None:
    """Of a class in which one has no such run."""
    beside = [grade(check("a"), check("b", readable=True)), grade(check("a"))]
    assert any(
        line.startswith("10 points are given by test cells that run beside student code")
        for line in class_lines(beside)
    )
    assert not any("beside student code" in line for line in class_lines(beside[1:]))


def test_anothers_data_are_told_in_the_row() -> None:
    """Before what was lost."""
    note = "handed in the notebook of bob"
    assert what_went_wrong(grade(check("a"), variant=JudgedVariant("tag", 0, note))) == note


def test_grades_csv_has_a_column_per_check_and_words_where_nobody_decided() -> None:
    """Empty where a submission was not judged on a check."""
    table = rows(
        grades_csv(
            [
                grade(check("a"), check("b", Outcome.UNGRADABLE, 0), student="y"),
                grade(check("c", Outcome.FAILED, 2.5), student="x"),
            ]
        )
    )
    assert list(table[0]) == [*COLUMNS, "a", "b", "c"] or list(table[0]) == [
        *COLUMNS,
        "c",
        "a",
        "b",
    ]
    assert [row["student_id"] for row in table] == ["x", "y"]
    assert (
        table[1]["a"],
        table[1]["b"],
        table[1]["c"],
        table[1]["pending_points"],
        table[1]["status"],
    ) == (
        "10",
        "ungradable",
        "",
        "10",
        "ungradable",
    )
    assert (table[0]["points"], table[0]["c"]) == ("2.5", "2.5")


def question(cause: Cause, points: float = 0.0) -> CheckResult:
    """A question's result."""
    return check("why", RULINGS[cause].outcome, points, cause=cause, question=True)


def test_answers_to_be_marked_have_a_column_and_no_word_in_the_others() -> None:
    """Points are of what is decided; nothing went wrong."""
    text = show(
        grade(check("a"), question(Cause.TO_BE_MARKED), student="ada"),
        grade(check("a"), question(Cause.UNANSWERED), student="bob"),
    )
    assert [line.split() for line in text.splitlines()] == [
        ["Student", "Points", "To", "be", "marked", "What", "went", "wrong"],
        ["ada", "10/10", "10"],
        ["bob", "10/20", "lost:", "why"],
    ]
    assert "To be marked" not in show(grade(check("a"), question(Cause.MARKED, 5)))


def test_while_answers_wait_the_mean_is_of_the_checks() -> None:
    """All submissions wait for the same person: a mean over none of them would say nothing.

    Marked, they count.
    """
    waiting = [
        grade(check("a"), question(Cause.TO_BE_MARKED)),
        grade(check("a", Outcome.FAILED, 5), question(Cause.UNANSWERED)),
    ]
    assert class_lines(waiting) == [
        "2 submissions: 1 graded, 1 needs review",
        "mean 7.5, median 7.5 of 10 points for checks",
        "10 points in answers of 1 submission wait to be marked, in formgrader",
    ]
    marked = [grade(check("a"), question(Cause.MARKED_FULL, 10)), waiting[1]]
    assert class_lines(marked) == ["2 submissions: 2 graded", "mean 12.5, median 12.5 of 20 points"]
    ungradable = [*waiting, grade(check("a", Outcome.UNGRADABLE, 0), question(Cause.TO_BE_MARKED))]
    assert (
        "mean 7.5, median 7.5 of 10 points for checks, over the 2 whose checks are all decided"
        in class_lines(ungradable)
    )


def test_grades_csv_counts_open_answers_neither_as_0_nor_as_given() -> None:
    """Ten points out of ten, ten more to come; marked, they are in the points."""
    waiting, marked = rows(
        grades_csv(
            [
                grade(check("a"), question(Cause.TO_BE_MARKED), student="x"),
                grade(check("a"), question(Cause.MARKED, 7.5), student="y"),
            ]
        )
    )
    columns = ("points", "decided_max_points", "pending_points", "max_points", "why")
    assert [waiting[name] for name in columns] == ["10", "10", "10", "20", "to be marked"]
    assert [marked[name] for name in columns] == ["17.5", "20", "0", "20", "7.5"]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", " =1", "\x00=1", "＝1"]
)
def test_formulas_are_neutralised(name: str) -> None:
    """A spreadsheet shows them and runs nothing."""
    assert rows(grades_csv([grade(check("a"), student=name)]))[0]["student_id"].startswith("'")


def test_commas_quotes_and_line_feeds_stay_in_their_cell() -> None:
    """nbgrader's own export does not quote."""
    row = rows(grades_csv([grade(check("a,b"), student='Lovelace, "Ada"', problem="one\ntwo")]))[0]
    assert (row["student_id"], row["problem"], row["a,b"]) == ('Lovelace, "Ada"', "one\ntwo", "10")


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    """Temporary file, then rename; the same grades give the same bytes."""
    path = tmp_path / "results" / "grades.csv"
    for _ in range(2):
        write_grades_csv([grade(check("a"), student="Zoë")], path)
    assert path.read_text(encoding="utf-8") == grades_csv([grade(check("a"), student="Zoë")])
    assert [file.name for file in path.parent.iterdir()] == ["grades.csv"]


def test_plain_text_keeps_letters_and_drops_what_acts() -> None:
    """Colours, links, cursor moves, direction overrides and halves of surrogates go; tabs, accents
    and emoji stay.
    """
    assert (
        plain("a\tb\r\nZoë 🎓\x1b[1;31mr\x1b[0m\x1b]8;;x\x1b\\l\x1b(B\u202eq\x08\udc80")
        == "a\tb\nZoë 🎓rlq\ufffd"
    )
    assert plain("x" * 50, limit=10) == "xxxxxxxxxx\n[cut: 10 characters shown]"
    assert plain_line(" a \n b " * 100, 10).endswith("…")
    assert [number(value) for value in (4.0, 2.5, 1 / 3, 100.0, 0.0)] == [
        "4",
        "2.5",
        "0.33",
        "100",
        "0",
    ]


def test_unterminated_escapes_take_linear_time() -> None:
    """Fifty megabytes of them must not stop a class."""
    assert plain("\x1bP" * 2_000_000) is not None
    assert plain("\x1b]" * 2_000_000) is not None


def test_names_have_a_column_where_they_are_known() -> None:
    """Plain, and of those whose names are not known nothing; without any, no column."""
    text = show(
        grade(check("a"), student="x1"),
        grade(check("a"), student="x2"),
        names={"x1": "Lee, [red]Ann\x1b[2J", "other": "Nobody"},
    )
    assert text.splitlines()[0].split()[:2] == ["Student", "Name"]
    assert "Lee, [red]Ann" in text
    assert "\x1b" not in text
    assert "Nobody" not in text
    assert "Name" not in show(grade(check("a"), student="x1"), names={"other": "Nobody"})


def test_late_work_is_counted_and_marked() -> None:
    """In a line and a column; what is not known is neither late nor on time."""
    grades = [
        grade(check("a"), student=name, late=late)
        for name, late in (("x", True), ("y", False), ("z", None))
    ]
    assert "1 of them handed in late; nothing is taken off for it here" in class_lines(grades)
    assert not any("late" in line for line in class_lines(grades[1:]))
    assert [row["late"] for row in rows(grades_csv(grades))] == ["late", "on time", ""]


def test_names_and_groups_stand_in_the_csv_where_they_are_asked_for() -> None:
    """Beside the id, formulas neutralised."""
    (row,) = rows(grades_csv([grade(check("a"), student="x")], {"x": ("=1+1", 'Team "A", B')}))
    assert list(row)[:4] == ["assignment", "student_id", "name", "group"]
    assert (row["name"], row["group"], row["points"]) == ("'=1+1", 'Team "A", B', "10")


def test_equal_code_is_named_up_to_a_number() -> None:
    """A trivial task makes half a class alike."""
    assert same_code_lines([["ann", "b\x1b[2Job"]]) == [
        "same code (but for layout and comments): ann, bob"
    ]
    assert same_code_lines([[f"s{number:02}" for number in range(30)]])[0].endswith(
        "s19 and 10 more"
    )
    assert same_code_lines([]) == []


def test_who_is_gone_is_named() -> None:
    """Of a class; nobody, where everybody is there, and nobody, where one submission was graded by
    itself. Names do nothing in the terminal.
    """
    place, grades = Path("submitted"), Path("results/grades/tiny")
    assert gone_lines(["ada", "bob", "wang"], ["ada", "bob"], place, grades) == [
        "In the table, and not in submitted: wang. They stay until their folders in"
        " results/grades/tiny are removed."
    ]
    assert gone_lines(["ada", "bob"], ["bob", "ada", "new"], place, grades) == []
    assert gone_lines(["ada", "bob", "wang"], ["ada"], place, grades) == []
    (line,) = gone_lines([f"\x1b[2J{number:03}" for number in range(30)], ["a", "b"], place, grades)
    assert "\x1b" not in line
    assert "019 and 10 more." in line


def test_one_and_many() -> None:
    """As people write them."""
    assert [counted(number, "cell") for number in (0, 1, 2)] == ["0 cells", "1 cell", "2 cells"]
    assert [listed(["a", "b"], most) for most in (1, 2, 3)] == ["a and 1 more", "a, b", "a, b"]


def test_a_finding_at_two_checks_of_one_name_refers_to_the_other() -> None:
    """Not to itself by its own name; checks of other names are named."""
    finding = Finding("never-clears", Contract.CLEARING, "30 in .grad", "zeros")
    first, same, other = (
        CheckResult(
            name,
            title,
            "",
            Outcome.FAILED,
            Cause.DISAGREES,
            0,
            1,
            Visibility.VISIBLE,
            findings=(finding,),
        )
        for name, title in (("a[1]", "Any optimizer"), ("a[2]", "Any optimizer"), ("b", "The loop"))
    )
    told = told_of([first, same, other], Disclosure.WHERE)
    assert "30 in .grad" in told["a[1]"][0]
    assert told["a[2]"] == ("The same as at the other check of this name.",)
    assert told["b"] == ("The same as at “Any optimizer”.",)
