"""The codes of what a reader must know of a summary's numbers; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from results.rules import DISTURBED_SHARE, ENQUEUE_BOUND, LAUNCHES, OWN_TIME_SHARE
from results.summary import Percentile, TooFewQueries

if TYPE_CHECKING:
    from results.record import CaseRecord, LaunchRecord
    from results.summary import DeviceTimes, Latency, Summary


def notes(case: CaseRecord, launches: Sequence[LaunchRecord], summary: Summary) -> tuple[str, ...]:
    """Return the codes that hold for a summary of these launches, in the order of this function."""
    latency, load, device = summary.latency, summary.load, summary.device
    streams = summary.protocol.streams
    found = {
        "few-queries": latency is not None and _lacks_queries(latency),
        "few-launches": len(launches) < LAUNCHES,
        "consecutive": (summary.own_time_share or 0) > OWN_TIME_SHARE,
        "no-steady-state": any(launch.steady is False for launch in launches),
        "warm-up-not-judged": any(launch.steady is None for launch in launches),
        "wide-interval": _is_wide(summary),
        "levels": latency is not None and _is_crossed(latency),
        "streams": streams > 1,
        "disturbed": (load.disturbed_share or 0) > DISTURBED_SHARE,
        "throttled": _is_throttled(summary),
        "shared-gpu": _is_shared(summary),
        "enqueue-bound": _is_enqueue_bound(device, streams),
        "transfer-bound": _is_transfer_bound(device),
        "precision": summary.precision not in (None, case.case.precision),
    }
    return tuple(code for code, holds in found.items() if holds)


def _lacks_queries(latency: Latency) -> bool:
    return any(isinstance(percentile, TooFewQueries) for percentile in _tail(latency))


def _is_crossed(latency: Latency) -> bool:
    """Return whether p50, a mean over launches, lies above a percentile, one over queries."""
    told = [found.value_ns for found in _tail(latency) if isinstance(found, Percentile)]
    return any(value_ns < latency.p50_ns for value_ns in told)


def _tail(latency: Latency) -> tuple[Percentile | TooFewQueries, ...]:
    return latency.p90, latency.p95, latency.p99, latency.p99_9


def _is_wide(summary: Summary) -> bool:
    interval = summary.interval
    return interval is not None and interval.half_width > summary.protocol.target


def _is_throttled(summary: Summary) -> bool:
    telemetry = summary.utilization
    return bool(summary.load.throttling or (telemetry and telemetry.throttling))


def _is_shared(summary: Summary) -> bool:
    telemetry = summary.utilization
    return bool(summary.load.shared_share or (telemetry and telemetry.other_processes))


def _is_enqueue_bound(device: DeviceTimes, streams: int) -> bool:
    """Return whether the host is nearly as slow as the device, or slower, at any queue depth.

    One thread enqueues for all streams, whose queries compute side by side.
    """
    return (device.enqueue_share or 0) * streams > ENQUEUE_BOUND


def _is_transfer_bound(device: DeviceTimes) -> bool:
    if device.gpu_compute_ns is None:
        return False
    return (device.h2d_ns or 0) + (device.d2h_ns or 0) > device.gpu_compute_ns
