"""The stored types of a gate: how it started, how it ended, and the verdicts of its cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.baseline import Baseline
    from results.record import RunEnd
    from results.verdict import CaseVerdict

KINDS = ("gate", "nightly", "rebase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How the suite differs from what was pinned: ids of cases, and of those changed, in what."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """One start of a gate: a suite here against a baseline. Times are seconds since the epoch, UTC.

    `threshold` is the smallest change reported (0.02 = 2 %); `environment` is nested JSON-ready
    data from `harness/environment.py`, the candidate's; `only` is the part of the suite asked for.
    """

    id: str
    kind: str
    baseline_id: str
    suite: str
    suite_sha256: str
    started_at: float
    dyno_version: str
    threshold: float
    environment: Mapping[str, Any]
    changes: Changes
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate with its verdicts in the suite's order. `end` is None for one that was killed."""

    record: GateRecord
    baseline: Baseline
    end: RunEnd | None
    cases: tuple[CaseVerdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOverview:
    """A stored gate in a list of them: its verdicts counted by word, FAILED among them."""

    record: GateRecord
    baseline_name: str
    end: RunEnd | None
    counts: Mapping[str, int]
