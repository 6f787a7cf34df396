"""A run's report as JSON: every number, with units and fractions as the names say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from results.codec import encodable, outcome_fields, summary_fields
from results.totals import state_word, totals

if TYPE_CHECKING:
    from results.record import CaseResult, RunResult, Summary

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""


def render(run: RunResult, summaries: Mapping[int, Summary]) -> str:
    """Return the report, its keys in a fixed order; a number that there is not is null."""
    report = {
        "schema": SCHEMA,
        "run": {
            **asdict(run.record),
            "state": state_word(run.end),
            "ended_at": run.end.ended_at if run.end else None,
            "resumed_at": [resume.resumed_at for resume in run.resumes],
        },
        "totals": asdict(totals(run)),
        "cases": [_case(case, summaries.get(case.record.position)) for case in run.cases],
    }
    return encodable(json.dumps(report, allow_nan=False, ensure_ascii=False, indent=2)) + "\n"


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
        "outcome": outcome_fields(result.outcome) if result.outcome else {"outcome": "open"},
        "launches": result.launches,
        "summary": _summary(summary) if summary else None,
    }


def _summary(summary: Summary) -> dict[str, Any]:
    fields = summary_fields(summary)
    return {
        **fields,
        "protocol": {"fingerprint": summary.protocol.fingerprint, **fields["protocol"]},
    }
