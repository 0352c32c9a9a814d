"""Check reports made by hand, with texts of students who try something."""

from autograder.assignment import Disclosure
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.grade import Cause, CheckResult, Grade, Outcome, Provenance, Visibility
from autograder.reports.check_report import CheckReport, Place

HOSTILE = (
    "Observed: x\n::error file=a,line=1::gotcha\n  ::set-output name=a::b\n##[error]old\ntext"
    " ##[add-mask]e\r::warning::cr\n</text>]]><script>alert(1)</script> &"
    " \x1b[31mred\x1b]0;title\x07 \x00\x0b\ufffe \ud800 `````` | <img src=x onerror=alert(1)>"
    " [a](javascript:alert(1)) @everyone %0A"
)
OUTCOMES = {
    Outcome.PASSED: Cause.AGREES,
    Outcome.FAILED: Cause.DISAGREES,
    Outcome.NOT_REACHED: Cause.UNDEFINED,
    Outcome.NEEDS_REVIEW: Cause.UNDECIDED,
    Outcome.UNGRADABLE: Cause.MACHINE_FAILED,
}


def result(name, outcome=Outcome.PASSED, message="", points=2.0, **more):
    return CheckResult(
        id=f"test_{name}",
        title=f"The {name}",
        part="The part",
        outcome=outcome,
        cause=OUTCOMES[outcome],
        points=points if outcome is Outcome.PASSED else 0.0,
        max_points=points,
        visibility=Visibility.VISIBLE,
        message=message,
        **more,
    )


def report(*checks, notices=(), problem="", **more):
    grade = Grade(
        "",
        "tiny",
        checks,
        notices,
        problem,
        Provenance("0", "a" * 64, "key", "", {"isolation": "good"}),
    )
    return CheckReport("Tiny", grade, Disclosure.CONCEPT, **more)


def mixed():
    """One check of each outcome, a finding, a hostile message, a place."""
    finding = Finding(
        "never-clears",
        Contract.CLEARING,
        "before epoch 2's backward, .grad held [1.0]",
        "None or zeros",
        2,
    )
    return report(
        result("first"),
        result("second", Outcome.FAILED, HOSTILE, findings=(finding,)),
        result("third", Outcome.NOT_REACHED, "It is not defined."),
        result("fourth", Outcome.NEEDS_REVIEW, "A person will look."),
        result("fifth", Outcome.UNGRADABLE, "The machine failed."),
        result("answer", Outcome.NEEDS_REVIEW, question=True),
        notices=(HOSTILE,),
        problem=HOSTILE,
        places={"test_second": Place(17, 4)},
        left_out=(("One epoch", "only the grader can"),),
    )
