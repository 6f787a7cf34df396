import io
import math
import re

import pytest
from rich.console import Console

from harness.cli import verdict_lines as module
from harness.cli.verdict_lines import VerdictDisplay, VerdictLines, make_gate_observer
from results.record import Failed
from results.verdict import CaseVerdict, Confirmation, Estimate, Verdict

CASE, OTHER = "a[b]/fake/fp32/b1", "c/fake/fp32/b1"


def estimate(ratio, pairs=5):
    return Estimate(
        log_ratio=math.log(ratio),
        se=0.002,
        df=7.0,
        pairs=pairs,
        low=ratio - 0.01,
        high=ratio + 0.01,
    )


def closed(case_id, outcome):
    return CaseVerdict(position=0, case_id=case_id, outcome=outcome)


SAME = Verdict(word="SAME", reason="it is", estimate=estimate(1.002))
SLOWER = Verdict(
    word="SLOWER",
    reason="p = 1e-06",
    estimate=estimate(1.034),
    confirmation=Confirmation(confirmed=True, estimate=estimate(1.036), p_value=1e-6),
)
GONE = Verdict(word="INCOMPARABLE", reason="gone since the pin")


def test_a_gate_of_settled_cases_says_that_nothing_is_measured(capsys):
    VerdictLines().started("gate g1 of rnn against main", 2, estimate_s=0.0)

    assert capsys.readouterr().err == "gate g1 of rnn against main: 2 cases, none to be measured\n"


def test_a_case_that_no_pair_can_decide_is_unsure(capsys):
    VerdictLines().rested(CASE, "UNSURE", estimate(1.01, 12))

    assert capsys.readouterr().err == (
        "[0/0] a[b]/fake/fp32/b1  ×1.010 (1.000…1.020)  12 pairs, is UNSURE\n"
    )


def test_without_a_terminal_there_is_a_line_an_event(capsys):
    lines = VerdictLines()
    lines.waiting("another dyno measures on the CPU")
    lines.preparing("engines", 1, 2)
    lines.started("gate g1 of rnn against main", 4, estimate_s=80.0)
    lines.settled([closed(OTHER, GONE), closed("d", GONE)])
    lines.pairing(CASE, phase="look", number=0, of=5, left_s=80.0)
    lines.rested(CASE, None, estimate(1.01))
    lines.rested(CASE, "SLOWER", estimate(1.034, 8))
    lines.confirming(1)
    lines.closed(closed(CASE, SLOWER))
    lines.closed(closed("e", Failed(kind="crash", message="candidate: it died", hint="Look.")))
    assert capsys.readouterr().err == (
        "another dyno measures on the CPU\n"
        "gate g1 of rnn against main: 4 cases, about 80.0 s\n"
        "[2/4] INCOMPARABLE  c/fake/fp32/b1 and 1 more  gone since the pin\n"
        "[2/4] a[b]/fake/fp32/b1  ×1.010 (1.000…1.020)  5 pairs, goes on\n"
        "[2/4] a[b]/fake/fp32/b1  ×1.034 (1.024…1.044)  8 pairs, looks SLOWER\n"
        "1 change to be confirmed by fresh pairs\n"
        "[3/4] SLOWER  a[b]/fake/fp32/b1  ×1.034 (1.024…1.044)  5 pairs, confirmed ×1.036\n"
        "[4/4] FAILED (crash)  e  candidate: it died. Look.\n"
    )


def test_a_case_that_is_the_same_is_told_once_and_at_once(capsys):
    lines = VerdictLines()
    lines.started("gate", 1, estimate_s=20.0)
    lines.rested(CASE, "SAME", SAME.estimate)
    lines.closed(closed(CASE, SAME))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "[1/1] SAME  a[b]/fake/fp32/b1  ×1.002 (0.992…1.012)  5 pairs"
    ]


def test_a_case_that_turns_out_otherwise_is_told_again_and_counted_once(capsys):
    lines = VerdictLines()
    lines.started("gate", 2, estimate_s=20.0)
    lines.rested(CASE, "SAME", SAME.estimate)
    lines.closed(closed(CASE, Verdict(word="UNSURE", reason="the gate was interrupted")))
    assert capsys.readouterr().err.splitlines()[2:] == [
        "[1/2] UNSURE  a[b]/fake/fp32/b1  the gate was interrupted"
    ]


def test_a_look_without_a_ratio_says_so(capsys):
    lines = VerdictLines()
    lines.rested(CASE, None, None)
    lines.confirming(2)
    assert capsys.readouterr().err == (
        "[0/0] a[b]/fake/fp32/b1  no ratio yet, goes on\n2 changes to be confirmed by fresh pairs\n"
    )


def test_a_name_cannot_reach_the_terminal_with_control_characters(capsys):
    lines = VerdictLines()
    lines.closed(closed("a\x1b[31m\nb", GONE))
    lines.rested("a\x1b[31m\nb", None, None)
    assert "\x1b" not in capsys.readouterr().err


def test_off_a_terminal_the_observer_writes_lines(monkeypatch):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: False, raising=False)
    with make_gate_observer() as observer:
        assert type(observer) is VerdictLines


@pytest.fixture
def terminal(monkeypatch):
    """The observer of a terminal 100 columns wide, and what it has written."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    with make_gate_observer() as observer:
        assert isinstance(observer, VerdictDisplay)
        yield observer, written


def screen(written):
    """Return what was written, without control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())


def test_a_terminal_shows_the_case_its_ratio_and_the_time_left(terminal):
    observer, written = terminal
    observer.preparing("models", 1, 3)
    observer.started("gate g1", 2, estimate_s=80.0)
    observer.rested(CASE, None, estimate(1.01))
    observer.pairing(CASE, phase="look", number=5, of=8, left_s=60.0)
    observer.pairing(OTHER, phase="confirm", number=0, of=5, left_s=20.0)
    shown = screen(written)
    assert "preparing models: 1 of 3" in shown
    assert "━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 0/2 cases · about 60.0 s left" in shown
    assert "a[b]/fake/fp32/b1  pair 6 of 8 · ×1.010 (1.000…1.020)  5 pairs" in shown
    assert "━━━━━━━━━━━━━━━━━━╌╌╌╌╌╌ 0/2 cases · about 20.0 s left" in shown
    assert "c/fake/fp32/b1  confirming pair 1 of 5" in shown


def test_a_gate_that_takes_longer_than_guessed_starts_its_bar_again(terminal):
    observer, written = terminal
    observer.started("gate g1", 2, estimate_s=0.0)
    observer.pairing(CASE, phase="look", number=0, of=5, left_s=0.0)
    observer.pairing(CASE, phase="look", number=1, of=5, left_s=90.0)
    assert screen(written).count("╌" * 24) == 2


def test_nothing_is_drawn_of_itself(terminal):
    observer, _ = terminal
    assert observer._live.auto_refresh is False


def test_a_verdict_stays_on_the_terminal(terminal):
    observer, written = terminal
    observer.started("gate g1", 2, estimate_s=80.0)
    observer.closed(closed(CASE, SLOWER))
    assert "[1/2] SLOWER  a[b]/fake/fp32/b1  ×1.034" in screen(written)
