"""From the launches of a case, and its telemetry, to its summary; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from results import metrics
from results.device import device_times, shared_share, throttling
from results.notes import notes
from results.percentiles import percentiles
from results.rules import STATISTICS_VERSION, UNDISTURBED_CPU
from results.spacing import own_time_share
from results.summary import ColdPath, Latency, Load, Rates, Summary
from results.utilization import utilization
from results.work import work

if TYPE_CHECKING:
    from results.record import Block, CaseRecord, LaunchRecord
    from results.summary import Utilization
    from results.telemetry import TelemetryRecord


def summarise(
    case: CaseRecord, launches: Sequence[LaunchRecord], telemetry: TelemetryRecord | None = None
) -> Summary:
    """Return what the launches of one case say together, and its telemetry of the same attempt.

    Raises ValueError where there is no launch, or one without queries or blocks.
    """
    _check(case, launches)
    protocol, rates = launches[0].protocol, _rates(case, launches)
    found = Summary(
        statistics_version=STATISTICS_VERSION,
        protocol=protocol,
        precision=launches[0].facts.get("effective_precision") or case.effective_precision,
        launches=len(launches),
        queries=sum(len(launch.wall_ns) for launch in launches),
        steady_share=_steady_share(launches),
        own_time_share=own_time_share(launches),
        latency=_latency(launches) if protocol.streams == 1 else None,
        rates=rates,
        cold=_cold(case, launches),
        device=device_times(launches),
        load=_load(case, launches),
        utilization=_utilization(case, launches, telemetry),
        work=work(case.cost, rates) if case.cost else None,
        remarks=_remarks(case, launches),
    )
    return replace(found, notes=notes(case, launches, found))


def _latency(launches: Sequence[LaunchRecord]) -> Latency:
    walls = [launch.wall_ns for launch in launches]
    medians = [metrics.launch_statistic(launch) for launch in launches]
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


def _rates(case: CaseRecord, launches: Sequence[LaunchRecord]) -> Rates:
    blocks = _blocks(launches)
    queries_per_s = sum(block.queries for block in blocks) / _elapsed_s(blocks)
    samples_per_s = queries_per_s * case.case.batch
    sequence = dict(case.case.dims).get("sequence")
    steps_per_s = None if sequence is None else samples_per_s * sequence
    return Rates(
        queries_per_s=queries_per_s,
        samples_per_s=samples_per_s,
        steps_per_s=steps_per_s,
        per_query=metrics.launch_interval([metrics.time_per_query(launch) for launch in launches]),
    )


def _cold(case: CaseRecord, launches: Sequence[LaunchRecord]) -> ColdPath:
    return ColdPath(
        start_ns=_median([launch.start_ns for launch in launches]),
        build_ns=case.build_ns,
        open_ns=_median([launch.open_ns for launch in launches]),
        first_query_ns=_median([launch.first_query_ns for launch in launches]),
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
        throttling=throttling(launches),
        shared_share=shared_share(launches),
    )


def _utilization(
    case: CaseRecord, launches: Sequence[LaunchRecord], telemetry: TelemetryRecord | None
) -> Utilization | None:
    if telemetry is None or telemetry.attempt != launches[0].attempt:
        return None
    return utilization(telemetry, case.case.batch)


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


def _disturbed_share(case: CaseRecord, launches: Sequence[LaunchRecord]) -> float | None:
    if case.options.get("threads") != 1 or launches[0].protocol.loop != "blocking":
        return None
    blocks = _blocks(launches)
    return sum(_is_disturbed(block) for block in blocks) / len(blocks)


def _is_disturbed(block: Block) -> bool:
    return block.cpu_ns < UNDISTURBED_CPU * block.elapsed_ns


def _remarks(case: CaseRecord, launches: Sequence[LaunchRecord]) -> tuple[str, ...]:
    """Return what the engine said of itself, each sentence once, in the order it was said."""
    said = [case.facts, *(launch.facts for launch in launches)]
    return tuple(dict.fromkeys(str(note) for facts in said for note in facts.get("notes", ())))
