import json

import pytest

from results.telemetry import SERIES, TelemetryRecord
from results.telemetry_rows import read_telemetry, telemetry_row


@pytest.fixture
def row(make_telemetry):
    return telemetry_row(make_telemetry())


def test_a_record_comes_back_as_it_was(make_telemetry, row):
    assert read_telemetry(row) == make_telemetry()


def test_a_pass_that_failed_comes_back_with_its_reason():
    failed = TelemetryRecord(
        attempt=2,
        started_at=1.0,
        elapsed_ns=0,
        queries=0,
        device_uuid="GPU-1",
        unknown={"telemetry": "the worker died"},
    )

    assert read_telemetry(telemetry_row(failed)) == failed


def test_readings_and_series_are_json_for_other_programs(row):
    assert json.loads(row["readings"])["clock_reasons"] == {"sw_power_cap": 0.5}
    samples = json.loads(row["samples"])
    assert set(samples) == {"at_s", *SERIES}
    assert samples["watts"] == [200.5, None]


def test_a_series_that_was_cut_short_is_refused(row):
    cut = row["samples"].replace("[200.5,null]", "[200.5]")

    with pytest.raises(ValueError, match=r"^expected watts of 2 samples, got 1$"):
        read_telemetry({**row, "samples": cut})


def test_nan_is_nobody_s_reading(make_telemetry):
    with pytest.raises(ValueError, match="not JSON compliant"):
        telemetry_row(make_telemetry(idle_watts=float("nan")))


@pytest.mark.parametrize(
    ("column", "whole", "broken", "problem"),
    [
        ("samples", "200.5", "NaN", "expected numbers in 'watts', got nan"),
        ("samples", "200.5", '"hot"', "expected numbers in 'watts', got 'hot'"),
        ("readings", "900.0", "Infinity", "expected numbers in 'energy_joules', got inf"),
    ],
)
def test_what_is_no_number_is_refused(row, column, whole, broken, problem):
    damaged = row[column].replace(whole, broken)

    with pytest.raises(ValueError, match=f"^{problem}$"):
        read_telemetry({**row, column: damaged})
