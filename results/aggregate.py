"""From the launches of a case to its summary; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from results import metrics
from results.percentiles import percentiles
from results.rules import (
    DISTURBED_SHARE,
    LAUNCHES,
    OWN_TIME_SHARE,
    STATISTICS_VERSION,
    UNDISTURBED_CPU,
)
from results.spacing import own_time_share
from results.summary import (
    ColdPath,
    DeviceTimes,
    Latency,
    Load,
    Percentile,
    Rates,
    Summary,
    TooFewQueries,
)

if TYPE_CHECKING:
    from results.record import Block, CaseRecord, LaunchRecord, Nanoseconds
    from results.summary import Interval


def summarise(case: CaseRecord, launches: Sequence[LaunchRecord]) -> Summary:
    """Return what the launches of one case say together.

    Raises ValueError where there is no launch, or one without queries or blocks.
    """
    _check(case, launches)
    latency, load = _latency(launches), _load(case, launches)
    own_share = own_time_share(launches)
    precision = launches[0].facts.get("effective_precision") or case.effective_precision
    return Summary(
        statistics_version=STATISTICS_VERSION,
        protocol=launches[0].protocol,
        precision=precision,
        launches=len(launches),
        queries=sum(len(launch.wall_ns) for launch in launches),
        steady_share=_steady_share(launches),
        own_time_share=own_share,
        latency=latency,
        rates=_rates(case, _blocks(launches)),
        cold=_cold(case, launches),
        device=_device(launches),
        load=load,
        notes=_codes(
            {
                "few-queries": _lacks_queries(latency),
                "few-launches": len(launches) < LAUNCHES,
                "consecutive": (own_share or 0) > OWN_TIME_SHARE,
                "no-steady-state": any(launch.steady is False for launch in launches),
                "warm-up-not-judged": any(launch.steady is None for launch in launches),
                "wide-interval": _is_wide(latency.p50_interval, launches[0].protocol.target),
                "levels": _is_crossed(latency),
                "disturbed": (load.disturbed_share or 0) > DISTURBED_SHARE,
                "precision": precision not in (None, case.case.precision),
            }
        ),
        remarks=_remarks(case, launches),
    )


def _latency(launches: Sequence[LaunchRecord]) -> Latency:
    walls = [launch.wall_ns for launch in launches]
    medians = [metrics.launch_median(wall) for wall in walls]
    p90, p95, p99, p99_9 = percentiles(walls)
    pooled = metrics.spread(walls)
    return Latency(
        p50_ns=metrics.launch_estimate(medians),
        p50_interval=metrics.launch_interval(medians),
        p90=p90,
        p95=p95,
        p99=p99,
        p99_9=p99_9,
        mean_ns=pooled.mean_ns,
        iqr_ns=pooled.iqr_ns,
        cv=pooled.cv,
    )


def _steady_share(launches: Sequence[LaunchRecord]) -> float | None:
    """Return the fraction of the judged launches that were steady; None where none was judged."""
    judged = [launch.steady for launch in launches if launch.steady is not None]
    return sum(judged) / len(judged) if judged else None


def _rates(case: CaseRecord, blocks: Sequence[Block]) -> Rates:
    queries_per_s = sum(block.queries for block in blocks) / _elapsed_s(blocks)
    samples_per_s = queries_per_s * case.case.batch
    sequence = dict(case.case.dims).get("sequence")
    steps_per_s = None if sequence is None else samples_per_s * sequence
    return Rates(queries_per_s=queries_per_s, samples_per_s=samples_per_s, steps_per_s=steps_per_s)


def _cold(case: CaseRecord, launches: Sequence[LaunchRecord]) -> ColdPath:
    return ColdPath(
        start_ns=_median([launch.start_ns for launch in launches]),
        build_ns=case.build_ns,
        open_ns=_median([launch.open_ns for launch in launches]),
        first_query_ns=_median([launch.first_query_ns for launch in launches]),
    )


def _device(launches: Sequence[LaunchRecord]) -> DeviceTimes:
    return DeviceTimes(
        enqueue_ns=_device_median([launch.enqueue_ns for launch in launches]),
        gpu_compute_ns=_device_median([launch.gpu_compute_ns for launch in launches]),
        h2d_ns=_device_median([launch.h2d_ns for launch in launches]),
        d2h_ns=_device_median([launch.d2h_ns for launch in launches]),
    )


def _load(case: CaseRecord, launches: Sequence[LaunchRecord]) -> Load:
    blocks = _blocks(launches)
    elapsed_s = _elapsed_s(blocks)
    peaks = [launch.peak_rss_bytes for launch in launches]
    return Load(
        cpu_percent=sum(block.cpu_ns for block in blocks) / elapsed_s / 1e7,
        peak_rss_bytes=max((peak for peak in peaks if peak is not None), default=None),
        disturbed_share=_disturbed_share(case, launches),
        involuntary_switches_per_s=sum(block.involuntary_switches for block in blocks) / elapsed_s,
    )


def _check(case: CaseRecord, launches: Sequence[LaunchRecord]) -> None:
    if not launches:
        raise ValueError(f"{case.id}: expected at least one launch, got none")
    for launch in launches:
        timed = sum(block.queries for block in launch.blocks)
        if not timed or timed != len(launch.wall_ns):
            raise ValueError(
                f"{case.id}: expected blocks that hold every query of launch {launch.number}, "
                f"got {timed} of {len(launch.wall_ns)} queries in {len(launch.blocks)} blocks"
            )


def _median(values: Sequence[int]) -> float:
    return float(np.median(values))


def _blocks(launches: Sequence[LaunchRecord]) -> list[Block]:
    return [block for launch in launches for block in launch.blocks]


def _elapsed_s(blocks: Sequence[Block]) -> float:
    return sum(block.elapsed_ns for block in blocks) / 1e9


def _device_median(launches: Sequence[Nanoseconds | None]) -> float | None:
    """Return the median over all queries of all launches [ns]; None where a launch has none."""
    present = [launch for launch in launches if launch is not None]
    if len(present) < len(launches):
        return None
    return float(np.median(np.concatenate(present)))


def _disturbed_share(case: CaseRecord, launches: Sequence[LaunchRecord]) -> float | None:
    if case.options.get("threads") != 1 or launches[0].protocol.loop != "blocking":
        return None
    blocks = _blocks(launches)
    return sum(_is_disturbed(block) for block in blocks) / len(blocks)


def _is_disturbed(block: Block) -> bool:
    return block.cpu_ns < UNDISTURBED_CPU * block.elapsed_ns


def _lacks_queries(latency: Latency) -> bool:
    return any(isinstance(percentile, TooFewQueries) for percentile in _tail(latency))


def _is_crossed(latency: Latency) -> bool:
    """Return whether p50, a mean over launches, lies above a percentile, one over queries."""
    told = [found.value_ns for found in _tail(latency) if isinstance(found, Percentile)]
    return any(value_ns < latency.p50_ns for value_ns in told)


def _tail(latency: Latency) -> tuple[Percentile | TooFewQueries, ...]:
    return latency.p90, latency.p95, latency.p99, latency.p99_9


def _is_wide(interval: Interval | None, target: float) -> bool:
    return interval is not None and interval.half_width > target


def _codes(found: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(code for code, holds in found.items() if holds)


def _remarks(case: CaseRecord, launches: Sequence[LaunchRecord]) -> tuple[str, ...]:
    """Return what the engine said of itself, each sentence once, in the order it was said."""
    said = [case.facts, *(launch.facts for launch in launches)]
    return tuple(dict.fromkeys(str(note) for facts in said for note in facts.get("notes", ())))
