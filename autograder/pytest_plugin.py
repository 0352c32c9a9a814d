"""GradStep's pytest plugin: the marks `points`, `call`, `cell` and the fixtures `run` and
`reference`.

``pytest assignments/optimizers --submission alice.ipynb`` judges one submission; without
``--submission``, `run` is the reference's own, which must pass every check.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from autograder.checks.docket import RUNS, VALUES, specify
from autograder.reports.isolation import NO_SANDBOX
from autograder.reports.plain import plain

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from autograder.judgement.observation import Observation

MARKS = (
    "points(worth): points of each parameter set of a check (autograder.checks.points)",
    "call(cases): the call that a check wants made (autograder.checks.call)",
    "cell(wanted): the cell whose run a check looks at (autograder.checks.cell)",
    (
        "needs_torch(minimum): the check is left out where torch is older"
        " (autograder.checks.needs_torch)"
    ),
)

REPORT_CHARS = 100_000
"""Shown of one check's failure."""

_COLLECTED: pytest.StashKey[Sequence[pytest.Function]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a stand-alone run."""
    group = parser.getgroup("autograder")
    group.addoption(
        "--submission",
        type=Path,
        default=None,
        metavar="NOTEBOOK",
        help="judge this notebook (.ipynb or .py) instead of the reference",
    )
    group.addoption(
        "--isolation",
        default=None,
        choices=["none"],
        help="run without any sandbox: only for code that you trust",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per case of ``@call(... each(...))``."""
    mark = metafunc.definition.get_closest_marker("call")
    if mark is None or "" in mark.args[0]:
        return
    # pytest refuses to parametrize names that the function does not take; a fixture name added here
    # is no argument of the function
    metafunc.fixturenames.append("case")
    metafunc.parametrize("case", list(mark.args[0]), ids=list(mark.args[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the checks that this torch can't make; remember all others.

    Those that -k leaves out are still needed, since visible cells quote their reference.
    """
    items[:] = [
        item
        for item in items
        if all(_torch_is(*mark.args) for mark in item.iter_markers("needs_torch"))
    ]
    config.stash[_COLLECTED] = [item for item in items if isinstance(item, pytest.Function)]


def _torch_is(minimum: str) -> bool:
    """Tell whether the installed torch is of release `minimum` or newer; a build of it counts."""
    return Version(metadata.version("torch")).release >= Version(minimum).release


@pytest.fixture
def case(request: pytest.FixtureRequest) -> object:
    """The case of ``each`` that this check is about."""
    return getattr(request, "param", None)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Observation:
    """The run to judge: of the submission, or of the reference when there is no submission."""
    _stand_alone(request)
    return request.config.stash[RUNS].run(
        specify(request.node, request.config.stash.get(VALUES, None))
    )


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Observation:
    """The reference's run of the same call or cell."""
    _stand_alone(request)
    return request.config.stash[RUNS].reference(
        specify(request.node, request.config.stash.get(VALUES, None))
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A warning where students' code ran without a sandbox."""
    if config.option.isolation == "none":
        terminalreporter.write_line(f"WARNING {NO_SANDBOX}", red=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what a check's report quotes of a submission fit for a terminal and for XML."""
    report = yield
    if item.get_closest_marker("call") or item.get_closest_marker("cell"):
        text = report.longreprtext
        if (clean := plain(text, REPORT_CHARS)) != text:
            report.longrepr = clean
        report.sections = [
            (name, plain(content, REPORT_CHARS)) for name, content in report.sections
        ]
        if item.config.option.isolation == "none":
            report.user_properties.append(("isolation", NO_SANDBOX))
    return report


def _stand_alone(request: pytest.FixtureRequest) -> None:
    """Execute reference and submission when the first check asks.

    This is for use outside of the grading pipeline.
    """
    if RUNS not in request.config.stash:
        # only here: the pipeline's own sessions never need it
        from autograder.standalone import StandaloneRuns

        options = request.config.option
        runs = StandaloneRuns(
            request.config.stash[_COLLECTED],
            request.path.parent,
            options.submission,
            options.isolation,
        )
        request.config.stash[RUNS], request.config.stash[VALUES] = runs, runs.values
