import pytest

from results.record import CaseResult, Failed, Measured, RunEnd, RunResult, Skipped
from results.totals import Totals, measured, state_word, totals


@pytest.fixture
def run(make_run, make_case):
    outcomes = (
        Measured(stopped_by="target"),
        Skipped(reason="excluded"),
        Failed(kind="crash", message="m", hint="h"),
        None,
        None,
    )
    cases = tuple(
        CaseResult(record=make_case(position), outcome=outcome, launches=0)
        for position, outcome in enumerate(outcomes)
    )
    end = RunEnd(ended_at=1_767_323_055.0, state="interrupted")
    return RunResult(record=make_run(), end=end, cases=cases)


def test_cases_are_counted_by_outcome_and_the_time_is_from_start_to_end(run):
    assert totals(run) == Totals(measured=1, skipped=1, failed=1, open=2, elapsed_s=10.0)


def test_a_run_without_an_end_is_open_and_has_no_duration(run):
    unended = RunResult(record=run.record, end=None, cases=())

    assert totals(unended) == Totals(measured=0, skipped=0, failed=0, open=0, elapsed_s=None)
    assert state_word(unended.end) == "open"
    assert state_word(run.end) == "interrupted"


def test_measured_cases_come_with_their_summaries(run):
    summary = object()

    assert measured(run, {0: summary}) == ((run.cases[0], summary),)
