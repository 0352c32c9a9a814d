"""What an author should know before students use the autograder in Gradescope: what they see when,
and how to set it up there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.exchange.gradescope.results_json import shown_when
from autograder.judgement.grade import Visibility
from autograder.reports.plain import counted, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.assignment import Assignment
    from autograder.checks.docket import CheckSpec


def preview(assignment: Assignment, specs: Sequence[CheckSpec]) -> list[str]:
    """What students will see, in lines for the author."""
    groups = {
        when: [spec for spec in specs if shown_when(assignment, spec.worth.visibility) is when]
        for when in Visibility
    }
    lines = ["What students will see in Gradescope:"]
    for when, chosen in groups.items():
        if chosen:
            worth = number(sum(spec.worth.counted for spec in chosen))
            lines.append(f"  {_WHEN[when]}: {counted(len(chosen), 'check')}, {worth} points")
            lines += [
                f"    {number(spec.worth.points):>4}{' bonus' if spec.worth.bonus else ''} "
                f" {spec.title}"
                for spec in chosen
            ]
    concealed = sum(
        len(chosen) for when, chosen in groups.items() if when is not Visibility.VISIBLE
    )
    if concealed:
        lines += [
            (
                f"  No total score while {'one of these is' if concealed > 1 else 'this is'} not"
                " shown: Gradescope hides a student's total as long as any check is hidden. Above"
                " the checks they read the points of those they can see."
            ),
            (
                "  To show the total at once, with the checks' names and findings, put this into"
                " assignment.toml, and likewise for the others:"
            ),
            '    [gradescope]\n    show = { after_due_date = "visible" }',
        ]
    else:
        lines.append("  The total score, at once.")
    lines.append(
        f"In Gradescope's settings give the autograder {number(assignment.automatic_points)}"
        " points."
    )
    for question in assignment.questions:
        lines.append(
            f"  A person marks {number(question.points)} points: enable manual grading and add the"
            f" question “{question.title}”."
        )
    return lines


_WHEN = {
    Visibility.VISIBLE: "At once",
    Visibility.AFTER_DUE_DATE: "After the due date (the late one, where there is one)",
    Visibility.AFTER_PUBLISHED: "When you publish the grades",
    Visibility.HIDDEN: "Never",
}
