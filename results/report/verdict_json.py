"""A gate as JSON: every number, with units and fractions as the names say."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from results.codec import encodable, plain
from results.record import Failed
from results.report.verdict_words import counts, word
from results.totals import state_word
from results.verdict import Estimate

if TYPE_CHECKING:
    from results.baseline import Baseline
    from results.gate_record import GateResult
    from results.verdict import CaseVerdict, Verdict

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""


def text(result: GateResult, *, exit_code: int | None = None, alarms: Sequence[str] = ()) -> str:
    """Return the gate as one object, its keys in a fixed order; a number that is none is null."""
    made = {
        "schema": SCHEMA,
        "gate": {
            **plain(result.record),
            "state": state_word(result.end, live=False),
            "ended_at": result.end.ended_at if result.end else None,
        },
        "baseline": _baseline(result.baseline),
        "totals": {name.lower(): count for name, count in counts(result.cases).items()},
        "exit_code": exit_code,
        "alarms": list(alarms),
        "cases": [case_fields(case) for case in result.cases],
    }
    return dumped(made)


def _baseline(baseline: Baseline) -> dict[str, Any]:
    """Return what is known of the baseline beside its cases: `dyno baseline show` has those."""
    names = [field.name for field in fields(baseline) if field.name != "cases"]
    return {name: plain(getattr(baseline, name)) for name in names}


def case_fields(case: CaseVerdict) -> dict[str, Any]:
    """Return what came of a case, its word first."""
    outcome = case.outcome
    head = {"position": case.position, "id": case.case_id}
    if isinstance(outcome, Failed):
        return {**head, "word": word(case), **plain(outcome)}
    return {**head, **_verdict(outcome)}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict; a percentile's ratio that cannot be told has `have` and `need`."""
    confirmation = verdict.confirmation
    return {
        **plain(verdict),
        "estimate": _estimate(verdict.estimate),
        "confirmation": confirmation
        and {**plain(confirmation), "estimate": _estimate(confirmation.estimate)},
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return {"ratio": estimate.ratio, **plain(estimate)} if estimate else None


def dumped(value: Any) -> str:
    """Return the value as a text of JSON; a number that is none is null."""
    made = json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, indent=2)
    return encodable(f"{made}\n")


def _finite(value: Any) -> Any:
    """Return the value with null for every NaN and infinity in it."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
