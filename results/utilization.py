"""From a case's telemetry to what the report tells of it; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from results.clock_reasons import throttles
from results.summary import Utilization

if TYPE_CHECKING:
    from results.telemetry import TelemetryRecord


def utilization(record: TelemetryRecord, batch: int) -> Utilization:
    """Return means, extremes and medians over the loop, and the energy of a sample.

    A series without any reading is None. Energy is never made from power: a counter that cannot be
    read leaves none.
    """
    found = {name: _present(series) for name, series in record.samples.items()}
    return Utilization(
        sm_percent=_mean(found, "sm_percent"),
        memory_percent=_mean(found, "memory_percent"),
        memory_used_bytes=_whole(_greatest(found, "memory_used_bytes")),
        process_memory_bytes=_whole(_greatest(found, "process_memory_bytes")),
        watts=_mean(found, "watts"),
        idle_watts=record.idle_watts,
        joules_per_sample=_joules_per_sample(record, batch),
        sm_mhz=_median(found, "sm_mhz"),
        sm_mhz_least=min(found.get("sm_mhz", ()), default=None),
        memory_mhz=_median(found, "memory_mhz"),
        temperature_c=_greatest(found, "temperature_c"),
        pcie_rx_bytes_per_s=_mean(found, "pcie_rx_bytes_per_s"),
        pcie_tx_bytes_per_s=_mean(found, "pcie_tx_bytes_per_s"),
        throttling=_reasons(record, throttling=True),
        clock_settings=_reasons(record, throttling=False),
        other_processes=record.other_processes,
        unknown=dict(record.unknown),
    )


def _joules_per_sample(record: TelemetryRecord, batch: int) -> float | None:
    if record.energy_joules is None or not record.energy_queries:
        return None
    return record.energy_joules / (record.energy_queries * batch)


def _reasons(record: TelemetryRecord, *, throttling: bool) -> dict[str, float]:
    """Return the reasons that held in some sample, those of one kind."""
    found = sorted(record.clock_reasons.items())
    return {name: share for name, share in found if share and throttles(name) is throttling}


def _present(series: Sequence[float | None]) -> list[float]:
    return [value for value in series if value is not None]


def _mean(found: Mapping[str, Sequence[float]], name: str) -> float | None:
    return fmean(found[name]) if found.get(name) else None


def _median(found: Mapping[str, Sequence[float]], name: str) -> float | None:
    return float(median(found[name])) if found.get(name) else None


def _greatest(found: Mapping[str, Sequence[float]], name: str) -> float | None:
    return max(found.get(name, ()), default=None)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
