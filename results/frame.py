"""A run as flat rows, one a case: what the CSV report writes and pandas reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

from results.codec import outcome_fields
from results.summary import Percentile

if TYPE_CHECKING:
    import pandas as pd

    from results.record import CaseResult, RunResult
    from results.summary import Summary

Value = str | int | float | None
Read = Callable[["Summary"], Value]
Pairs = Iterable[tuple["CaseResult", "Summary | None"]]

_BEFORE = {
    "ran_precision": "precision",
    "queries": "queries",
    "steady_share": "steady_share",
    "own_time_share": "own_time_share",
    "p50_ns": "latency.p50_ns",
}
_AFTER = {
    "mean_ns": "latency.mean_ns",
    "iqr_ns": "latency.iqr_ns",
    "cv": "latency.cv",
    **{name: f"rates.{name}" for name in ("queries_per_s", "samples_per_s", "steps_per_s")},
    **{name: f"cold.{name}" for name in ("start_ns", "build_ns", "open_ns", "first_query_ns")},
    **{name: f"device.{name}" for name in ("enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")},
    "cpu_percent": "load.cpu_percent",
    "peak_rss_bytes": "load.peak_rss_bytes",
    "disturbed_share": "load.disturbed_share",
    "involuntary_switches_per_s": "load.involuntary_switches_per_s",
    "protocol": "protocol.fingerprint",
    "statistics_version": "statistics_version",
}
_BOUNDS = ("low_ns", "high_ns", "half_width")
_CASE = ("position", "case_id", "model", "backend", "precision", "batch")
_OF_FILES = ("model_sha256", "inputs_sha256", "engine_bytes")
_WHOLE = (
    "position",
    "batch",
    "engine_bytes",
    "launches",
    "queries",
    "build_ns",
    "peak_rss_bytes",
    "statistics_version",
)
_TEXTS = ("ran_precision", "protocol", "notes", "remarks")
_ENDED = ("stopped_by", "reason", "kind", "message", "hint")


def flat_rows(run: RunResult, pairs: Pairs) -> Iterator[dict[str, Value]]:
    """Yield a row a case of `pairs`, all with the same columns in the same order.

    `pairs` are cases of the run with their summaries. A dimension is a column `dim_<name>`, an
    option `option_<name>`; units are in the names, half-widths and shares are fractions. What a
    case does not have is None, and `outcome` says why; a percentile without a value has its
    effective queries in `<name>_have` and those it needs in `<name>_need`.
    """
    cases = [case.record for case in run.cases]
    dims = dict.fromkeys(name for record in cases for name, _ in record.case.dims)
    options = dict.fromkeys(name for record in cases for name in record.options)
    for case, summary in pairs:
        yield {
            "run_id": run.record.id,
            **_identity(case, tuple(dims), tuple(options)),
            **_ending(case),
            **_numbers(summary),
        }


def column_types(runs: Iterable[RunResult]) -> dict[str, str]:
    """Return the columns of `flat_rows` of the runs, each with its type whatever the values are.

    The types are Arrow's. An option is text: what it may be differs from backend to backend.
    """
    dims: dict[str, None] = {}
    options: dict[str, None] = {}
    for run in runs:
        for case in run.cases:
            dims |= dict.fromkeys(f"dim_{name}" for name, _ in case.record.case.dims)
            options |= dict.fromkeys(f"option_{name}" for name in case.record.options)
    names = ("run_id", *_CASE, *dims, *options, *_OF_FILES, "outcome", *_ENDED, "launches")
    return {name: "int64" if name in dims else _type(name) for name in (*names, *_READERS)}


def _type(name: str) -> str:
    if name in _WHOLE or name.endswith(("_have", "_need")):
        return "int64"
    return "double" if name in _READERS and name not in _TEXTS else "string"


def frame(run: RunResult, summaries: Mapping[int, Summary]) -> pd.DataFrame:
    """Return `flat_rows` as a frame.

    The dtypes are pandas' nullable ones: whole numbers stay whole beside missing ones.
    """
    import pandas as pd

    pairs = ((case, summaries.get(case.record.position)) for case in run.cases)
    rows = list(flat_rows(run, pairs))
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return pd.DataFrame(
        {name: pd.Series(found, dtype=_dtype(found)) for name, found in columns.items()}
    )


def _dtype(values: list[Value]) -> str:
    """Return the dtype by the types alone: 2.0 stays a float. Nothing at all is taken for one."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return "Int64" if kinds == {int} else "Float64"
    return "boolean" if kinds == {bool} else "string"


def _identity(
    result: CaseResult, dims: tuple[str, ...], options: tuple[str, ...]
) -> dict[str, Value]:
    record, case = result.record, result.record.case
    sizes = dict(case.dims)
    return {
        "position": record.position,
        "case_id": record.id,
        "model": case.model,
        "backend": case.backend,
        "precision": case.precision,
        "batch": case.batch,
        **{f"dim_{name}": sizes.get(name) for name in dims},
        **{f"option_{name}": record.options.get(name) for name in options},
        "model_sha256": record.model_sha256,
        "inputs_sha256": record.inputs_sha256,
        "engine_bytes": record.engine_bytes,
    }


def _ending(result: CaseResult) -> dict[str, Value]:
    ended = outcome_fields(result.outcome) if result.outcome else {"outcome": "open"}
    named = {name: ended.get(name) for name in _ENDED}
    return {"outcome": ended["outcome"], **named, "launches": result.launches}


def _numbers(summary: Summary | None) -> dict[str, Value]:
    return {name: None if summary is None else read(summary) for name, read in _READERS.items()}


def _bound(field: str, bound: str) -> Read:
    """Return the reader of a bound of the interval of `p50` or of a percentile."""

    def read(summary: Summary) -> Value:
        latency = summary.latency
        found = latency.p50_interval if field == "p50" else getattr(latency, field)
        interval = found.interval if isinstance(found, Percentile) else found
        return getattr(interval, bound, None)

    return read


def _tail(field: str, name: str) -> Read:
    def read(summary: Summary) -> Value:
        value: Value = getattr(getattr(summary.latency, field), name, None)
        return value

    return read


def _joined(field: str) -> Read:
    return lambda summary: "; ".join(getattr(summary, field))


def _readers() -> dict[str, Read]:
    before: dict[str, Read] = {name: attrgetter(path) for name, path in _BEFORE.items()}
    after: dict[str, Read] = {name: attrgetter(path) for name, path in _AFTER.items()}
    between = {f"p50_{bound}": _bound("p50", bound) for bound in _BOUNDS}
    for field in ("p90", "p95", "p99", "p99_9"):
        between[f"{field}_ns"] = _tail(field, "value_ns")
        between |= {f"{field}_{bound}": _bound(field, bound) for bound in _BOUNDS}
        between |= {f"{field}_{name}": _tail(field, name) for name in ("have", "need")}
    words = {name: _joined(name) for name in ("notes", "remarks")}
    return {**before, **between, **after, **words}


_READERS = _readers()
