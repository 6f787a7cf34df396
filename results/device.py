"""What a case's launches say of the device: times by its own clock, and its state beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from results.clock_reasons import throttles
from results.percentiles import percentile
from results.summary import DeviceTimes

if TYPE_CHECKING:
    from results.record import LaunchRecord, Nanoseconds

Spans = Sequence["Nanoseconds | None"]


def device_times(launches: Sequence[LaunchRecord]) -> DeviceTimes:
    """Return medians over all queries, and a percentile, of the times that every launch has.

    With several streams a query's time is not its own: there is no latency then. An enqueue that
    waits for the device is the query's whole time, and none of its own.
    """
    compute = _all_of([launch.gpu_compute_ns for launch in launches])
    compute_ns = _median(compute)
    is_alone = launches[0].protocol.streams == 1
    latencies = [_host_latency(launch) for launch in launches] if is_alone else []
    waits = any(launch.facts.get("enqueue_waits") for launch in launches)
    enqueue_ns = None if waits else _median(_all_of([launch.enqueue_ns for launch in launches]))
    return DeviceTimes(
        enqueue_ns=enqueue_ns,
        gpu_compute_ns=compute_ns,
        h2d_ns=_median(_all_of([launch.h2d_ns for launch in launches])),
        d2h_ns=_median(_all_of([launch.d2h_ns for launch in launches])),
        host_latency_ns=_median(_all_of(latencies)),
        gpu_compute_p99=percentile(compute, 990) if compute and is_alone else None,
        enqueue_share=enqueue_ns / compute_ns if enqueue_ns is not None and compute_ns else None,
    )


def throttling(launches: Sequence[LaunchRecord]) -> dict[str, float]:
    """Return the fraction of launches with each throttling reason before or after, by name."""
    found = Counter(
        name
        for launch in launches
        for name in {
            name
            for reading in _readings(launch)
            for name in reading.get("clock_reasons") or ()
            if throttles(name)
        }
    )
    return {name: found[name] / len(launches) for name in sorted(found)}


def shared_share(launches: Sequence[LaunchRecord]) -> float | None:
    """Return the fraction of launches with another process on the GPU; None where none told."""
    told = [
        max(counts)
        for launch in launches
        if (counts := [count for r in _readings(launch) if (count := _others(r)) is not None])
    ]
    return sum(count > 0 for count in told) / len(told) if told else None


def _host_latency(launch: LaunchRecord) -> Nanoseconds | None:
    """Return H2D + GPU compute + D2H of each query [ns], as trtexec defines host latency."""
    total = launch.gpu_compute_ns
    for copy in (launch.h2d_ns, launch.d2h_ns):
        if total is not None and copy is not None:
            total = total + copy
    return total


def _readings(launch: LaunchRecord) -> Iterator[Mapping[str, Any]]:
    for moment in ("before", "after"):
        if found := launch.covariates.get(moment, {}).get("gpu"):
            yield found


def _others(reading: Mapping[str, Any]) -> int | None:
    found: int | None = reading.get("other_processes")
    return found


def _all_of(launches: Spans) -> list[Nanoseconds]:
    """Return the launches' times, or nothing where one has none."""
    present = [launch for launch in launches if launch is not None]
    return present if len(present) == len(launches) else []


def _median(launches: Sequence[Nanoseconds]) -> float | None:
    """Return the median over all queries of all launches [ns]."""
    return float(np.median(np.concatenate(launches))) if launches else None
