"""Every stored type: what a run, a case, a launch and an outcome are, as frozen values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from results.effect import Effect, GraphCost
from suites.case import Case, OptionValue
from suites.errors import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from results.accuracy import AccuracyRecord
    from results.summary import Summary

    Nanoseconds = NDArray[np.int64]

FAILURE_KINDS = (
    "invalid-model",
    "unsupported-op",
    "build",
    "shape-out-of-profile",
    "out-of-memory",
    "crash",
    "timeout",
    "fallback",
    "precision-mismatch",
    "bad-output",
    "accuracy",
    "import",
    "environment",
    "disk",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a case was measured, resolved. Two results compare only where their protocols agree.

    `clock` names the clock of the gated time; `loop` is blocking, host-synchronised or
    device-stamped; `transfers` is bound (I/O stays on the device) or copied (each query copies in
    and out); `sync` is none (enqueue blocks), spin or block; `l2` is hot, flushed or n/a.
    """

    clock: str
    loop: str
    transfers: str
    streams: int
    queue_depth: int
    cuda_graph: bool
    sync: str
    l2: str
    block_s: float
    block_queries: int
    warmup_s: float
    warmup_queries: int
    warmup_cap_s: float
    launch_s: float
    launches_min: int
    launches_max: int
    target: float
    case_s: float

    @property
    def fingerprint(self) -> str:
        """Return eight hex digits that differ when any field does."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One start of dyno: a suite on one machine. Times are seconds since the epoch, UTC.

    `environment` is nested JSON-ready data from `harness/environment.py`; `seed` orders the
    launches and fills the inputs; `estimate_s` is what `dyno plan` would have said; `only` and
    `measure` are the part of the suite that was asked for and how it was to be measured.
    """

    id: str
    name: str
    suite: str
    suite_sha256: str
    dyno_version: str
    started_at: float
    seed: int
    estimate_s: float
    environment: Mapping[str, Any]
    only: str = ""
    measure: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResume:
    """A later start of a run: attempt `number`, from 1; the run's own start is attempt 0."""

    number: int
    resumed_at: float
    environment: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended: `done` or `interrupted`. A run without one was killed or still goes on."""

    ended_at: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as it was planned and prepared.

    `position` is its place in the suite. `options` are the backend's options resolved.
    Hashes, times and facts are None or empty where the case never got that far. `build_ns` is host
    time inside the backend's build, process start excluded; where `engine_cached` the engine came
    out of the cache, and the build is the one that had put it there. `engine_key` is its key there.
    `effect` is what preparing did to the graph, None for one that was taken as it came; `cost` is
    None where nobody counted.
    """

    position: int
    case: Case
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    model_sha256: str | None = None
    inputs_sha256: str | None = None
    effective_precision: str | None = None
    build_ns: int | None = None
    engine_bytes: int | None = None
    engine_key: str | None = None
    engine_cached: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect | None = None
    cost: GraphCost | None = None

    @property
    def id(self) -> str:
        """Return the case's id."""
        return self.case.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of consecutive queries: how many, how long, and what disturbed it.

    `cpu_ns` is user + system time of the whole process over the block.
    """

    queries: int
    elapsed_ns: int
    cpu_ns: int
    voluntary_switches: int
    involuntary_switches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRecord:
    """One fresh process measuring one case.

    `number` counts from 0 within the case and `attempt`, which is 0 but in a resumed run. `wall_ns`
    are the raw timings in run order, one a query, blocks after each other; the device's, where it
    has a clock, are as long. `start_ns` is from exec to the worker's first answer, `open_ns` the
    backend's open, `first_query_ns` the first query after it. `peak_rss_bytes` is the process's
    peak above what it held before open. `steady` is None where queries were too slow to judge it
    within the warm-up's cap. `covariates` are readings of the machine before and after (load,
    frequency, steal, …).
    """

    number: int
    attempt: int = 0
    started_at: float
    protocol: Protocol
    wall_ns: Nanoseconds
    enqueue_ns: Nanoseconds | None = None
    gpu_compute_ns: Nanoseconds | None = None
    h2d_ns: Nanoseconds | None = None
    d2h_ns: Nanoseconds | None = None
    blocks: tuple[Block, ...]
    start_ns: int
    open_ns: int
    first_query_ns: int
    warmup_ns: int
    warmup_queries: int
    steady: bool | None
    peak_rss_bytes: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    covariates: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The case has numbers. `stopped_by` is the rule that ended it: target, launches or time."""

    stopped_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The case was not tried, on purpose or because it cannot be here."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The case was tried, or required, and did not work.

    Raises ValueError for a `kind` that is none of FAILURE_KINDS.
    """

    kind: str
    message: str
    hint: str

    def __post_init__(self) -> None:
        if self.kind not in FAILURE_KINDS:
            raise ValueError(
                f"Failed.kind: expected one of {', '.join(FAILURE_KINDS)}, got {self.kind!r}."
                f"{did_you_mean(self.kind, FAILURE_KINDS)}"
            )


Outcome = Measured | Skipped | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """A case of a stored run, its outcome (None while it is open), its last attempt's launches.

    `accuracy` is read apart (`results/summaries.py`), and None until then.
    """

    record: CaseRecord
    outcome: Outcome | None
    launches: int
    accuracy: AccuracyRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A stored run without its raw timings. `end` is None for a run that was killed or goes on.

    `ends` are those of all its attempts that had one, resumed ones included.
    """

    record: RunRecord
    end: RunEnd | None
    cases: tuple[CaseResult, ...]
    resumes: tuple[RunResume, ...] = ()
    ends: tuple[RunEnd, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverview:
    """A stored run in a list of them: its cases counted by outcome, those without one as open."""

    record: RunRecord
    end: RunEnd | None
    measured: int
    skipped: int
    failed: int
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """What one run found for a case, which is at `position` there."""

    run_id: str
    run_name: str
    started_at: float
    dyno_version: str
    position: int
    summary: Summary
