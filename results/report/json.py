"""A run's report as JSON: every number, with units and fractions as the names say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from results.codec import encodable, outcome_fields, plain, summary_fields
from results.totals import state_word, totals

if TYPE_CHECKING:
    from results.frame import Pairs
    from results.record import CaseResult, RunResult
    from results.summary import Summary

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""
_INDENT = 4 * " "


def parts(run: RunResult, pairs: Pairs, *, live: bool = False) -> Iterator[str]:
    """Yield the report in parts, one a case, its keys in a fixed order.

    `pairs` are the run's cases with their summaries. A number that there is not is null.
    """
    head = {
        "schema": SCHEMA,
        "run": {
            **plain(run.record),
            "state": state_word(run.end, live=live),
            "ended_at": run.end.ended_at if run.end else None,
            "resumed_at": [resume.resumed_at for resume in run.resumes],
        },
        "totals": plain(totals(run)),
        "cases": [],
    }
    before, after = _dumped(head).rsplit("[]", 1)
    separator = f"{before}[\n{_INDENT}"
    for case, summary in pairs:
        yield separator + _dumped(_case(case, summary)).replace("\n", f"\n{_INDENT}")
        separator = f",\n{_INDENT}"
    yield f"\n  ]{after}\n" if run.cases else f"{before}[]{after}\n"


def _dumped(value: object) -> str:
    return encodable(json.dumps(value, allow_nan=False, ensure_ascii=False, indent=2))


def _case(result: CaseResult, summary: Summary | None) -> dict[str, Any]:
    record = result.record
    return {
        "position": record.position,
        "id": record.id,
        "case": record.case.to_dict(),
        "options": dict(record.options),
        "model_sha256": record.model_sha256,
        "inputs_sha256": record.inputs_sha256,
        "engine_bytes": record.engine_bytes,
        "engine_key": record.engine_key,
        "engine_cached": record.engine_cached,
        "facts": dict(record.facts),
        "effect": record.effect and plain(record.effect),
        "cost": record.cost and plain(record.cost),
        "outcome": outcome_fields(result.outcome) if result.outcome else {"outcome": "open"},
        "launches": result.launches,
        "accuracy": result.accuracy and plain(result.accuracy),
        "summary": _summary(summary) if summary else None,
    }


def _summary(summary: Summary) -> dict[str, Any]:
    fields = summary_fields(summary)
    return {
        **fields,
        "protocol": {"fingerprint": summary.protocol.fingerprint, **fields["protocol"]},
    }
