"""What the device told of itself while a case ran in a pass of its own, as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SERIES = (
    "sm_percent",
    "memory_percent",
    "memory_used_bytes",
    "process_memory_bytes",
    "watts",
    "temperature_c",
    "sm_mhz",
    "memory_mhz",
    "pcie_rx_bytes_per_s",
    "pcie_tx_bytes_per_s",
)
"""The names of `TelemetryRecord.samples`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryRecord:
    """Readings of one device beside one loop of `queries` in `elapsed_ns` of host time.

    `at_s` are the times of the samples from the loop's start; `samples` has a sequence as long for
    each name of `SERIES`, with None where a sample has no reading; one that could never be read may
    be left out. `idle_watts` was read before, when nothing ran.
    `energy_joules` is between two readings of the device's counter within the loop, and
    `energy_queries` the queries done between them. `clock_reasons` is the fraction of the samples
    in which each reason for the clock held, by name. `unknown` is why a reading is missing, by its
    name; `telemetry` in it is why there is none at all.
    """

    attempt: int
    started_at: float
    elapsed_ns: int
    queries: int
    device_uuid: str
    at_s: tuple[float, ...] = ()
    samples: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    idle_watts: float | None = None
    energy_joules: float | None = None
    energy_queries: float | None = None
    clock_reasons: Mapping[str, float] = field(default_factory=dict)
    other_processes: int | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
