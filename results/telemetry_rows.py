"""Telemetry as rows of the store's table and back: readings and series as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from results import schema
from results.codec import dump
from results.columns import check_columns
from results.telemetry import TelemetryRecord

Row = Mapping[str, Any]

_FLAT = ("attempt", "started_at", "elapsed_ns", "queries", "device_uuid")
_NUMBERS = ("idle_watts", "energy_joules", "energy_queries", "other_processes")
_TIMES = "at_s"


def telemetry_row(record: TelemetryRecord) -> dict[str, Any]:
    """Return a row of `telemetry`, without its run and case."""
    numbers = {name: getattr(record, name) for name in _NUMBERS}
    named = {"clock_reasons": dict(record.clock_reasons), "unknown": dict(record.unknown)}
    return {
        **{name: getattr(record, name) for name in _FLAT},
        "readings": dump({**numbers, **named}),
        "samples": dump({_TIMES: record.at_s, **record.samples}),
    }


def read_telemetry(row: Row) -> TelemetryRecord:
    """Return the record of a row of `telemetry`.

    Raises ValueError for a series cut short, and for a reading that is no finite number.
    """
    check_columns(schema.telemetry, row)
    series = {name: tuple(values) for name, values in json.loads(row["samples"]).items()}
    at_s = series.pop(_TIMES)
    for name, values in series.items():
        if len(values) != len(at_s):
            raise ValueError(f"expected {name} of {len(at_s)} samples, got {len(values)}")
    readings = json.loads(row["readings"])
    numbers = {name: (readings.get(name),) for name in _NUMBERS}
    for name, values in {_TIMES: at_s, **series, **numbers}.items():
        _check_numbers(name, values)
    return TelemetryRecord(
        **{name: row[name] for name in _FLAT},
        at_s=at_s,
        samples=series,
        **readings,
    )


def _check_numbers(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ValueError(f"expected numbers in {name!r}, got {value!r}")
