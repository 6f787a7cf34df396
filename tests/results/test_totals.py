import pytest

from results.record import CaseResult, Failed, Measured, RunEnd, RunResult, RunResume, Skipped
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
    counts = {"measured": 1, "skipped": 1, "failed": 1, "open": 2}
    assert totals(run) == Totals(**counts, elapsed_s=10.0, starts=1, timed_starts=1)


def test_a_run_without_an_end_has_no_duration(run):
    unended = RunResult(record=run.record, end=None, cases=())

    found = totals(unended)

    assert (found.elapsed_s, found.starts, found.timed_starts) == (None, 1, 0)


def test_a_resumed_run_took_what_its_starts_took_each_to_its_own_last_end(run):
    started_at = run.record.started_at
    resumes = tuple(
        RunResume(number=number, resumed_at=started_at + 100 * number, environment={})
        for number in (1, 2)
    )
    ends = tuple(RunEnd(ended_at=started_at + s, state="interrupted") for s in (10, 205, 230))

    found = totals(RunResult(record=run.record, end=None, cases=(), resumes=resumes, ends=ends))

    assert (found.elapsed_s, found.starts, found.timed_starts) == (40.0, 3, 2)


def test_a_run_goes_on_or_ended_or_was_killed(run):
    assert state_word(None, live=True) == "running"
    assert state_word(run.end, live=False) == "interrupted"
    assert state_word(None, live=False) == "killed"


def test_measured_cases_come_with_their_summaries(run):
    summary = object()

    assert measured(run, {0: summary}) == ((run.cases[0], summary),)
