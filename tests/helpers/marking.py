"""Grading, marking by hand and grading again, as an instructor does."""

import csv
import os
import subprocess
import sys

from nbgrader.api import Gradebook

from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.regrade import regrade_class


class Silent:
    def started(self, total):
        pass

    def done(self, grade):
        pass


def grade(course, **options):
    """Grade and project as the command does; grades by student, as they are on disk."""
    grades, _ = course.grade(**options)
    project_class(course.files, course.results, tuple(grades.values()), Silent())
    assert grades == {student: course.results.read_grade(student) for student in grades}
    return grades


def regrade(course):
    """Regrade and project as the command does; returns the moves."""
    moves, _ = regrade_class(course.files, course.results, course.executor)
    for move in moves:
        course.results.write_grade(move.after)
    project_class(course.files, course.results, tuple(move.after for move in moves), Silent())
    return moves


def person_marks(course, student, score, comment="", extra=None, cell="why"):
    """What formgrader's server does when a person types a score and a comment."""
    with Gradebook(f"sqlite:///{course.results.nbgrader.gradebook_file}") as gradebook:
        mark = gradebook.find_grade(cell, "tiny", "tiny", student)
        mark.manual_score, mark.extra_credit = score, extra
        mark.needs_manual_grade = mark.manual_score is None and mark.auto_score is None
        if cell == "why":
            gradebook.find_comment(cell, "tiny", "tiny", student).manual_comment = comment or None
        gradebook.db.commit()


def in_gradebook(course, student="ada"):
    """Automatic score, manual score, whether a person is asked, and the comment."""
    with Gradebook(f"sqlite:///{course.results.nbgrader.gradebook_file}") as gradebook:
        mark = gradebook.find_grade("why", "tiny", "tiny", student)
        comment = gradebook.find_comment("why", "tiny", "tiny", student)
        return mark.auto_score, mark.manual_score, mark.needs_manual_grade, comment.manual_comment


def totals(course):
    """Points by student, from grades.csv and from the real `nbgrader export`."""
    environment = os.environ | {
        "HOME": str(course.root),
        "JUPYTER_CONFIG_DIR": str(course.root / "config"),
    }
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "out.csv"]
    subprocess.run(
        command, cwd=course.results.root, env=environment, check=True, capture_output=True
    )
    with course.results.csv.open() as ours, (course.results.root / "out.csv").open() as theirs:
        return (
            {
                row["student_id"]: (float(row["points"]), float(row["max_points"]))
                for row in csv.DictReader(ours)
            },
            {
                row["student_id"]: (float(row["score"]), float(row["max_score"]))
                for row in csv.DictReader(theirs)
            },
        )
