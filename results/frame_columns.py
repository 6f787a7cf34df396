"""The columns that a summary has in flat rows, each with what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.summary import Summary

Value = str | int | float | None
Read = Callable[["Summary"], Value]

_TELEMETRY = (
    "sm_percent",
    "memory_percent",
    "memory_used_bytes",
    "process_memory_bytes",
    "watts",
    "idle_watts",
    "joules_per_sample",
    "sm_mhz",
    "sm_mhz_least",
    "memory_mhz",
    "temperature_c",
    "pcie_rx_bytes_per_s",
    "pcie_tx_bytes_per_s",
    "other_processes",
)
_BOUNDS = ("low_ns", "high_ns", "half_width")
_TAIL = ("p90", "p95", "p99", "p99_9")
_DEVICE = ("enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns", "host_latency_ns", "enqueue_share")
_LOAD = (
    "cpu_percent",
    "peak_rss_bytes",
    "disturbed_share",
    "involuntary_switches_per_s",
    "shared_share",
)
WHOLE = (
    "queries",
    "build_ns",
    "peak_rss_bytes",
    "memory_used_bytes",
    "process_memory_bytes",
    "other_processes",
    "flops_per_query",
    "bytes_per_query",
    "statistics_version",
)
TEXTS = ("ran_precision", "throttling", "telemetry_unknown", "protocol", "notes", "remarks")


def _path(path: str) -> Read:
    """Return the reader of an attribute by its dotted path, None where a part of it is None."""

    def read(summary: Summary) -> Value:
        found: Any = summary
        for name in path.split("."):
            found = getattr(found, name, None)
        value: Value = found
        return value

    return read


def _throttling(summary: Summary) -> str:
    """Return each reason with the greater share, of launches or of the telemetry's samples."""
    told = summary.utilization.throttling if summary.utilization else {}
    both = (summary.load.throttling, told)
    shares = {name: max(part.get(name, 0.0) for part in both) for part in both for name in part}
    return "; ".join(f"{name} {share:.3g}" for name, share in shares.items())


def _unknown(summary: Summary) -> str:
    found = summary.utilization.unknown if summary.utilization else {}
    return "; ".join(f"{name}: {reason}" for name, reason in found.items())


def _joined(field: str) -> Read:
    return lambda summary: "; ".join(getattr(summary, field))


def _tail(field: str) -> dict[str, str]:
    """Return the columns of a percentile; of its value or `have` and `need` one kind is there."""
    return {
        f"{field}_ns": f"latency.{field}.value_ns",
        **{f"{field}_{bound}": f"latency.{field}.interval.{bound}" for bound in _BOUNDS},
        **{f"{field}_{name}": f"latency.{field}.{name}" for name in ("have", "need")},
    }


def _paths() -> dict[str, str]:
    tail = [_tail(field) for field in _TAIL]
    return {
        "ran_precision": "precision",
        **{name: name for name in ("queries", "steady_share", "own_time_share")},
        "p50_ns": "latency.p50_ns",
        **{f"p50_{bound}": f"latency.p50_interval.{bound}" for bound in _BOUNDS},
        **{name: path for columns in tail for name, path in columns.items()},
        **{name: f"latency.{name}" for name in ("mean_ns", "iqr_ns", "cv")},
        **{name: f"rates.{name}" for name in ("queries_per_s", "samples_per_s", "steps_per_s")},
        **{f"per_query_{bound}": f"rates.per_query.{bound}" for bound in _BOUNDS},
        **{name: f"cold.{name}" for name in ("start_ns", "build_ns", "open_ns", "first_query_ns")},
        **{name: f"device.{name}" for name in _DEVICE},
        "gpu_compute_p99_ns": "device.gpu_compute_p99.value_ns",
        **{name: f"load.{name}" for name in _LOAD},
        **{name: f"utilization.{name}" for name in _TELEMETRY},
        **{f"{name}_per_query": f"work.{name}" for name in ("flops", "bytes")},
        **{name: f"work.{name}" for name in ("flops_per_s", "bytes_per_s", "flops_per_byte")},
        "protocol": "protocol.fingerprint",
        "statistics_version": "statistics_version",
    }


PATHS: Mapping[str, str] = _paths()
"""Where a summary has each column that is a value of its own."""
READERS: Mapping[str, Read] = {
    **{name: _path(path) for name, path in PATHS.items()},
    "throttling": _throttling,
    "telemetry_unknown": _unknown,
    **{name: _joined(name) for name in ("notes", "remarks")},
}
"""Every column of a summary, in order."""
