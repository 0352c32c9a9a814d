"""A pytest plugin of the suite's own: how long tests may take, and which did.

A test that is not `long` has SECONDS for each of its phases. One that needs more says why,
`@pytest.mark.seconds("why")`; what takes more without saying so is named at the end of the run.
"""

from __future__ import annotations

import pytest

SECONDS = 5
"""For a test's setup, call or teardown, in the short suite on the machine that docs/performance.md
describes.
"""
SHOWN = 10


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "long(why): run by `make test-all` only, and why it takes long"
    )
    config.addinivalue_line(
        "markers",
        f"seconds(why): in the short suite although it takes more than {SECONDS} s, and why",
    )


def pytest_itemcollected(item):
    for mark in item.iter_markers():
        if mark.name in ("long", "seconds"):
            if not (mark.args and mark.args[0]):
                raise pytest.UsageError(f"{item.nodeid}: {mark.name} needs a reason")
            item.user_properties.append((mark.name, mark.args[0]))


def pytest_terminal_summary(terminalreporter):
    """The slowest tests of the run, and those of the short suite that take longer than they may."""
    timed = [
        one
        for reports in terminalreporter.stats.values()
        for one in reports
        if getattr(one, "duration", 0)
    ]
    timed.sort(key=lambda report: -report.duration)
    if not timed or timed[0].duration < 1:
        return
    terminalreporter.section(f"the {SHOWN} slowest")
    for report in timed[:SHOWN]:
        terminalreporter.line(_line(report))
    reasons = [dict(report.user_properties) for report in timed]
    over = [
        (report, why)
        for report, why in zip(timed, reasons, strict=True)
        if report.duration > SECONDS and "long" not in why
    ]
    if over:
        terminalreporter.section(f"above {SECONDS} s in the short suite")
    for report, why in over:
        terminalreporter.line(f"{_line(report)}  {why.get('seconds', 'WARNING: does not say why')}")


def _line(report):
    return f"{report.duration:6.1f} s {report.when:<8} {report.nodeid}"
