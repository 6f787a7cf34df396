"""Verdicts of gates as flat rows: a case of a gate each, for an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from results import schema
from results.damage import of_row, reading
from results.gate_rows import read_verdict
from results.store import FILE
from results.upkeep.launches import Row, stream
from results.verdict import TailRatio, Verdict

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from results.store import Store

VERDICT = {
    **dict.fromkeys(("gate_id", "kind", "baseline_id", "baseline", "suite"), "string"),
    "started_at": "double",
    "position": "int32",
    **dict.fromkeys(("case_id", "word", "reason"), "string"),
    **dict.fromkeys(("ratio", "low", "high", "log_ratio", "se", "df"), "double"),
    "pairs": "int32",
    "p_value": "double",
    "shifted": "bool",
    **dict.fromkeys(("disturbed_share", "baseline_ns", "candidate_ns"), "double"),
    **dict.fromkeys(("p95_ratio", "p95_low", "p95_high"), "double"),
    **dict.fromkeys(("p99_ratio", "p99_low", "p99_high"), "double"),
    "confirmed": "bool",
    "confirmation_ratio": "double",
    "detail_json": "string",
}
"""The columns and their types. Ratios are candidate over baseline, and 95 % intervals of them."""
_OF_GATE = ("kind", "baseline_id", "suite", "started_at")
_OF_VERDICT = ("reason", "p_value", "shifted", "disturbed_share", "baseline_ns", "candidate_ns")
_OF_ESTIMATE = ("ratio", "low", "high", "df", "pairs")


def verdict_rows(
    store: Store, connection: Connection, gate_ids: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each verdict of the gates, in the order of their suites."""
    verdict, gate, baseline = schema.verdict, schema.gate, schema.baseline
    query = (
        select(verdict, *(gate.c[name] for name in _OF_GATE), baseline.c.name.label("baseline"))
        .select_from(verdict.join(gate).join(baseline))
        .order_by(verdict.c.position)
    )
    for gate_id in gate_ids:
        for row in stream(connection, query.where(verdict.c.gate_id == gate_id)):
            yield _flat(store, row)


def _flat(store: Store, row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in schema.verdict.c.keys()}  # noqa: SIM118 - no mapping
    outcome = reading(store.folder / FILE, of_row(told), told, read_verdict).outcome
    same = ("gate_id", *_OF_GATE, "baseline", "position", "case_id", "word", "log_ratio", "se")
    flat = {**{name: row[name] for name in same}, "detail_json": row["detail"]}
    if isinstance(outcome, Verdict):
        return {**flat, **_numbers(outcome)}
    return {**flat, "reason": outcome.message}


def _numbers(verdict: Verdict) -> dict[str, Any]:
    found = {name: getattr(verdict, name) for name in _OF_VERDICT}
    if verdict.estimate is not None:
        found |= {name: getattr(verdict.estimate, name) for name in _OF_ESTIMATE}
    for name, tail in (("p95", verdict.p95), ("p99", verdict.p99)):
        if isinstance(tail, TailRatio):
            found |= {f"{name}_{part}": getattr(tail, part) for part in ("ratio", "low", "high")}
    if verdict.confirmation is not None:
        found["confirmed"] = verdict.confirmation.confirmed
        found["confirmation_ratio"] = verdict.confirmation.estimate.ratio
    return found
