import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from harness.cli import progress as module
from harness.cli.progress import Display, Lines, make_observer
from harness.plan import Plan, PlannedCase
from harness.rotation import CaseProgress
from results.record import Failed, Measured, Skipped
from suites.case import Case
from suites.suite import Suite

CASE = Case(model="a[b]", backend="fake", precision="fp32", batch=1)
OTHER = Case(model="c", backend="fake", precision="fp32", batch=1)
TWO = CaseProgress(position=0).after(1_000_000.0, 1.0).after(1_000_000.0, 1.0)


@pytest.fixture
def plan():
    suite = Suite(name="night", path=None, sha256="0", models=(), matrix=())
    cases = (
        PlannedCase(position=0, case=CASE, options={}, outcome=None),
        PlannedCase(position=1, case=OTHER, options={}, outcome=Skipped(reason="not here")),
    )
    return Plan(suite=suite, models={}, devices={}, cases=cases, estimate_s=12.0)


def test_without_a_terminal_there_is_a_line_an_event(plan, capsys):
    lines = Lines()
    lines.started("r1", plan, closed=None)
    lines.settled(plan.settled)
    lines.preparing("engines", 0, 1)
    lines.preparing("engines", 1, 1)
    lines.prepared(1, 1, built=1, cached=0)
    lines.prepared(3, 4, built=1, cached=2)
    lines.prepared(3, 3, built=0, cached=1)
    lines.prepared(0, 3, built=0, cached=0)
    lines.launching(CASE, CaseProgress(position=0), left_s=9.0)
    lines.launched(CASE, TWO)
    lines.closed(CASE, Measured(stopped_by="launches"))
    assert capsys.readouterr().err == (
        "run r1: 2 cases of night, 1 of them settled already, about 12.0 s\n"
        "[1/2] c/fake/fp32/b1  skipped: not here\n"
        "1 of 1 case ready: 1 engine built\n"
        "3 of 4 cases ready: 1 engine built, 2 from the cache\n"
        "3 of 3 cases ready: 1 engine from the cache\n"
        "0 of 3 cases ready\n"
        "[2/2] a[b]/fake/fp32/b1  1.00 ms ± 0 %  (2 launches, stopped by launches)\n"
    )


def test_cases_with_the_same_story_share_a_line(plan, capsys):
    failed = Failed(kind="build", message="no such op?", hint="Mend it.")
    third, last = (replace(OTHER, batch=batch) for batch in (2, 3))
    lines = Lines()
    lines.started("r1", replace(plan, cases=plan.cases * 3), closed=1)
    lines.settled(
        [
            (OTHER, Skipped(reason="not\nhere")),
            (CASE, failed),
            (third, Skipped(reason="not\nhere")),
            (last, Skipped(reason="not\nhere")),
        ]
    )
    assert capsys.readouterr().err.splitlines()[1:] == [
        "[4/6] c/fake/fp32/b1 and 2 more  skipped: not here",
        "[5/6] a[b]/fake/fp32/b1  FAILED (build): no such op? Mend it.",
    ]


def test_with_several_streams_a_time_is_told_not_to_be_a_latency(plan, capsys):
    one, other = plan.cases
    lines = Lines()
    lines.started(
        "r1", replace(plan, cases=(replace(one, options={"streams": 2}), other)), closed=0
    )
    lines.launched(CASE, TWO)
    lines.launched(OTHER, TWO)
    lines.closed(CASE, Measured(stopped_by="target"))
    lines.closed(OTHER, Measured(stopped_by="target"))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "[1/2] a[b]/fake/fp32/b1  1.00 ms ± 0 % elapsed per query  (2 launches, stopped by target)",
        "[2/2] c/fake/fp32/b1  1.00 ms ± 0 %  (2 launches, stopped by target)",
    ]


def test_a_failure_is_told_with_its_hint_and_one_full_stop(capsys):
    lines = Lines()
    lines.closed(CASE, Failed(kind="build", message="It broke.", hint="Mend it."))
    told = capsys.readouterr().err
    assert told == "[1/0] a[b]/fake/fp32/b1  FAILED (build): It broke. Mend it.\n"


def test_the_first_launch_has_no_interval_yet(capsys):
    lines = Lines()
    lines.launched(CASE, CaseProgress(position=0).after(2_500.0, 1.0))
    lines.closed(CASE, Measured(stopped_by="time"))
    assert "  2.50 µs  (1 launch, stopped by time)\n" in capsys.readouterr().err


@pytest.fixture
def terminal(monkeypatch):
    """The observer of a terminal 100 columns wide, and what it has written."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    with make_observer() as observer:
        assert isinstance(observer, Display)
        yield observer, written


def screen(written):
    """Return what was written last, without control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())


def test_a_terminal_shows_the_case_its_interval_and_the_time_left(terminal, plan):
    observer, written = terminal
    observer.started("r1", plan, closed=None)
    observer.launching(CASE, TWO, left_s=90.0)
    shown = screen(written)
    assert "run r1: 2 cases of night" in shown
    assert "0/12 launches · 0/2 cases · about 90.0 s left" in shown
    assert "a[b]/fake/fp32/b1  launch 3 of 12 at most · 1.00 ms ± 0 %" in shown


def test_nothing_is_drawn_while_a_launch_is_timed(terminal, plan):
    observer, written = terminal
    observer.started("r1", plan, closed=None)
    observer.launching(CASE, TWO, left_s=90.0)
    before = written.getvalue()
    observer.launched(CASE, TWO)
    assert observer._live.auto_refresh is False
    assert written.getvalue() == before


def test_a_failure_stays_on_the_terminal(terminal, plan):
    observer, written = terminal
    observer.started("r1", plan, closed=None)
    observer.closed(CASE, Failed(kind="crash", message="SIGSEGV in 'open'", hint="Look."))
    assert "a[b]/fake/fp32/b1  FAILED (crash): SIGSEGV in 'open'. Look." in screen(written)
