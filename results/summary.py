"""The stored summary of a case: what its launches say together, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.record import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval of a time.

    `half_width` is the distance from the estimate to the farther bound, as a fraction of the
    estimate (0.02 = 2 %).
    """

    low_ns: float
    high_ns: float
    half_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A percentile over all queries of a case, every launch weighing the same.

    `have` is the effective number of queries behind it. `interval` is None where only one launch
    was made: nothing from within one process says how the next one will be.
    """

    value_ns: float
    interval: Interval | None
    have: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TooFewQueries:
    """A percentile that cannot be told: it has `have` effective queries and needs `need`."""

    have: int
    need: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Wall time of a query.

    `p50_ns` is the geometric mean of the launches' medians, `p50_interval` None for one launch.
    The rest is over all queries, every launch weighing the same however many it has; `cv` is
    the standard deviation over the mean, None for a single query.
    """

    p50_ns: float
    p50_interval: Interval | None
    p90: Percentile | TooFewQueries
    p95: Percentile | TooFewQueries
    p99: Percentile | TooFewQueries
    p99_9: Percentile | TooFewQueries
    mean_ns: float
    iqr_ns: float
    cv: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Throughput, from the elapsed time of the timed blocks; steps need a `sequence` dimension.

    `per_query` is the interval over launches of the elapsed time per query, None for one launch.
    """

    queries_per_s: float
    samples_per_s: float
    steps_per_s: float | None
    per_query: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdPath:
    """The way to the first answer: medians over launches; `build_ns` None where nothing was built.

    The parts are those of CaseRecord and LaunchRecord.
    """

    start_ns: float
    build_ns: int | None
    open_ns: float
    first_query_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimes:
    """Medians over all queries and a percentile; None where there is no such clock.

    The times are those of trtexec: `host_latency_ns` is H2D + GPU compute + D2H of a query, GPU
    compute alone where nothing is copied; with several streams there is none, and no percentile.
    `enqueue_share` is enqueue over GPU compute, a fraction.
    """

    enqueue_ns: float | None
    gpu_compute_ns: float | None
    h2d_ns: float | None
    d2h_ns: float | None
    host_latency_ns: float | None = None
    gpu_compute_p99: Percentile | TooFewQueries | None = None
    enqueue_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the timed blocks took from the machine, and what it took from them.

    `cpu_percent` is 100 for one core kept busy; `peak_rss_bytes` is the greatest of the launches.
    `disturbed_share` is the fraction of blocks in which the process had less than 97 % of a CPU,
    None where that says nothing (more than one thread, or a device). `throttling` is the fraction
    of launches with each reason for a throttled GPU before or after them, by name, `shared_share`
    the fraction beside which other processes were on it, None where nothing told.
    """

    cpu_percent: float
    peak_rss_bytes: int | None
    disturbed_share: float | None
    involuntary_switches_per_s: float
    throttling: Mapping[str, float] = field(default_factory=dict)
    shared_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilization:
    """What the device said of itself in the telemetry pass; None where it did not.

    Percentages, watts and PCIe are means over the loop, memory and temperature the greatest, clocks
    medians but for the least one. `idle_watts` was read before the loop, when nothing ran; the
    energy is that of the whole device, idle power included. `throttling` is the fraction of samples
    with each reason for a lowered clock, by name, `clock_settings` that of the other reasons: idle,
    or a clock that somebody set. `unknown` has why a reading is missing, by its name in
    TelemetryRecord.
    """

    sm_percent: float | None = None
    memory_percent: float | None = None
    memory_used_bytes: int | None = None
    process_memory_bytes: int | None = None
    watts: float | None = None
    idle_watts: float | None = None
    joules_per_sample: float | None = None
    sm_mhz: float | None = None
    sm_mhz_least: float | None = None
    memory_mhz: float | None = None
    temperature_c: float | None = None
    pcie_rx_bytes_per_s: float | None = None
    pcie_tx_bytes_per_s: float | None = None
    throttling: Mapping[str, float] = field(default_factory=dict)
    clock_settings: Mapping[str, float] = field(default_factory=dict)
    other_processes: int | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a query does by its graph, and how fast the queries did it.

    `flops` are the model's own floating-point operations, `bytes` those that its prepared graph
    reads and writes where nothing is fused or kept in a cache. `flops_per_byte` is the arithmetic
    intensity, None where the graph moves nothing.
    """

    flops: int
    bytes: int
    flops_per_s: float
    bytes_per_s: float
    flops_per_byte: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the launches of one case say together, by version `statistics_version` of the rules.

    `precision` is the one that really ran, None where no engine said so. `steady_share` is the
    fraction of launches that reached steady state, of those where it could be judged, None where it
    never could. `own_time_share` is the fraction of the time from the first launch's start to the
    last one's end that the launches themselves took, None for a single one. `latency` is None for
    several streams, where only throughput compares, `utilization` where there was no telemetry,
    `work` where nobody counted what the graph costs. `notes` are codes of what a reader must know
    (`results/notes.py`); `remarks` is what the engine said of itself.
    """

    statistics_version: int
    protocol: Protocol
    precision: str | None
    launches: int
    queries: int
    steady_share: float | None
    own_time_share: float | None
    latency: Latency | None
    rates: Rates
    cold: ColdPath
    device: DeviceTimes
    load: Load
    utilization: Utilization | None = None
    work: Work | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def interval(self) -> Interval | None:
        """Return the interval that the stopping rule judged: of p50, or of the time per query."""
        return self.rates.per_query if self.latency is None else self.latency.p50_interval
