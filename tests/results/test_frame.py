import numpy as np
import pandas as pd
import pytest

from results.aggregate import summarise
from results.frame import column_types, flat_rows, frame
from results.record import CaseResult, Measured, RunResult, Skipped


@pytest.fixture
def run(make_run, make_case):
    cases = (
        CaseResult(record=make_case(0), outcome=Measured(stopped_by="target"), launches=2),
        CaseResult(
            record=make_case(1, dims=(("height", 8),)), outcome=Skipped(reason="no"), launches=0
        ),
    )
    return RunResult(record=make_run(), end=None, cases=cases)


@pytest.fixture
def summaries(make_case, make_launch):
    return {0: summarise(make_case(0), [make_launch(0), make_launch(1)])}


def listed(run, summaries):
    return list(flat_rows(run, [(c, summaries.get(c.record.position)) for c in run.cases]))


def test_every_row_has_the_same_columns(run, summaries):
    rows = listed(run, summaries)

    assert list(rows[0]) == list(rows[1])
    assert [(row["dim_sequence"], row["dim_height"]) for row in rows] == [(16, None), (None, 8)]


def test_a_measured_case_has_its_numbers_and_a_skipped_one_its_reason(run, summaries):
    measured, skipped = listed(run, summaries)

    assert measured["p50_ns"] == measured["p50_low_ns"] == pytest.approx(1e6)
    assert (measured["p90_ns"], measured["p90_have"], measured["p90_need"]) == (None, 20, 36)
    assert (measured["queries_per_s"], measured["outcome"]) == (1000.0, "measured")
    assert (skipped["p50_ns"], skipped["outcome"], skipped["reason"]) == (None, "skipped", "no")


def test_a_percentile_has_its_bounds(run, make_case, make_launch):
    wall = np.random.default_rng(0).permutation(np.arange(1_000_000, 1_000_500))
    summary = summarise(make_case(0), [make_launch(n, wall) for n in range(2)])

    row = listed(run, {0: summary})[0]

    interval = summary.latency.p99.interval
    assert (row["p99_ns"], row["p99_need"]) == (summary.latency.p99.value_ns, None)
    assert (row["p99_low_ns"], row["p99_high_ns"]) == (interval.low_ns, interval.high_ns)


def test_the_frame_s_types_follow_the_values_types_and_not_their_luck(run, summaries):
    found = frame(run, summaries)

    expected = {
        "case_id": "string",
        "batch": "Int64",
        "dim_sequence": "Int64",
        "option_spinning": "boolean",
        "queries": "Int64",
        "p50_ns": "Float64",
        "mean_ns": "Float64",
        "enqueue_ns": "Float64",
        "outcome": "string",
    }
    assert {name: str(found.dtypes[name]) for name in expected} == expected
    assert found.loc[1, "p50_ns"] is pd.NA
    assert found.shape == (2, len(listed(run, summaries)[0]))


def test_a_run_without_cases_is_an_empty_frame(make_run):
    assert frame(RunResult(record=make_run(), end=None, cases=()), {}).empty


def test_the_columns_are_known_before_the_rows(run, summaries):
    types = column_types([run])

    assert list(types) == list(listed(run, summaries)[0])
    assert {name: types[name] for name in ("batch", "p50_ns", "notes", "dim_height")} == {
        "batch": "int64",
        "p50_ns": "double",
        "notes": "string",
        "dim_height": "int64",
    }
