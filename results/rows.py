"""Records as rows of the store's tables and back: nested values as JSON, timings as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from results import schema
from results.codec import (
    block_rows,
    dump,
    encodable,
    outcome_fields,
    read_blocks,
    read_outcome,
    read_summary,
)
from results.columns import check_columns, check_numbers
from results.effect import Effect, GraphCost
from results.record import (
    CaseRecord,
    LaunchRecord,
    Outcome,
    PastResult,
    Protocol,
    RunEnd,
    RunRecord,
    RunResume,
)
from results.summary import Summary
from results.timings import decode, encode
from suites.case import Case

Row = Mapping[str, Any]

_TIMINGS = ("wall_ns", "enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")
_LAUNCH_JSON = ("facts", "covariates")
_RUN_JSON = ("environment", "measure")


class PrunedError(ValueError):
    """A launch has no raw timings any more."""


def run_row(record: RunRecord) -> dict[str, Any]:
    """Return a row of `run`."""
    return {**_shallow(record), **{name: dump(getattr(record, name)) for name in _RUN_JSON}}


def read_run(row: Row) -> RunRecord:
    """Return the record of a row of `run`."""
    check_columns(schema.run, row)
    return RunRecord(**{**row, **{name: _mapping(row, name) for name in _RUN_JSON}})


def resume_row(record: RunResume) -> dict[str, Any]:
    """Return a row of `resume`, without its run."""
    return {**_shallow(record), "environment": dump(record.environment)}


def read_resume(row: Row) -> RunResume:
    """Return the record of a row of `resume`."""
    check_columns(schema.resume, row)
    return RunResume(
        number=row["number"],
        resumed_at=row["resumed_at"],
        environment=_mapping(row, "environment"),
    )


def read_end(row: Row) -> RunEnd:
    """Return the record of a row of `run_end`."""
    check_columns(schema.run_end, row)
    return RunEnd(ended_at=row["ended_at"], state=row["state"])


def case_row(record: CaseRecord) -> dict[str, Any]:
    """Return a row of `case`, without its run."""
    case = record.case
    flat = {name: value for name, value in _shallow(record).items() if name != "case"}
    return {
        **flat,
        "case_id": encodable(case.id),
        "model": encodable(case.model),
        "backend": case.backend,
        "precision": case.precision,
        "batch": case.batch,
        "dims": dump(dict(case.dims)),
        "given_options": dump(dict(case.options)),
        "options": dump(dict(record.options)),
        "facts": dump(dict(record.facts)),
        "effect": record.effect and dump(asdict(record.effect)),
        "cost": record.cost and dump(asdict(record.cost)),
    }


def read_case(row: Row) -> CaseRecord:
    """Return the record of a row of `case`."""
    check_columns(schema.case, row)
    case = Case.from_dict(
        {
            **row,
            "dims": _mapping(row, "dims"),
            "options": _mapping(row, "given_options"),
        }
    )
    flat = {f.name: row[f.name] for f in fields(CaseRecord) if f.name in row}
    nested: dict[str, Any] = {name: _mapping(row, name) for name in ("options", "facts")}
    nested["engine_cached"] = None if flat["engine_cached"] is None else bool(flat["engine_cached"])
    nested["effect"] = None if flat["effect"] is None else _effect(_mapping(row, "effect"))
    nested["cost"] = None if flat["cost"] is None else _cost(_mapping(row, "cost"))
    return CaseRecord(**{**flat, **nested, "case": case})


def _effect(fields: Mapping[str, Any]) -> Effect:
    for found in (fields["weights"], fields["flops"]):
        check_numbers(found, found)
    check_numbers(fields, ("nodes", "all_nodes", "bytes_before", "bytes_after"))
    return Effect(**{**fields, "kept": tuple(fields["kept"])})


def _cost(fields: Mapping[str, Any]) -> GraphCost:
    check_numbers(fields, ("flops", "parameter_bytes", "activation_bytes"))
    return GraphCost(**fields)


def launch_row(record: LaunchRecord) -> dict[str, Any]:
    """Return a row of `launch`, without its run, its case and its timings."""
    flat = {name: value for name, value in _shallow(record).items() if name not in _TIMINGS}
    return {
        **flat,
        **{name: dump(dict(flat[name])) for name in _LAUNCH_JSON},
        "protocol": dump(asdict(record.protocol)),
        "blocks": dump(block_rows(record.blocks)),
    }


def timings_row(record: LaunchRecord) -> dict[str, bytes | None]:
    """Return a row of `timings`, without its launch."""
    found = {name: getattr(record, name) for name in _TIMINGS}
    return {name: None if raw is None else encode(raw) for name, raw in found.items()}


def read_launch(row: Row) -> LaunchRecord:
    """Return the record of a row of `launch` joined with `timings`.

    Raises PrunedError where its timings are gone, ValueError where they are not whole.
    """
    if row["wall_ns"] is None:
        raise PrunedError("expected raw timings, got none: they were pruned")
    check_columns(schema.launch, row)
    check_columns(schema.timings, row)
    flat = {f.name: row[f.name] for f in fields(LaunchRecord)}
    timings = {name: flat[name] for name in _TIMINGS}
    nested = {
        **{name: None if found is None else decode(found) for name, found in timings.items()},
        **{name: _mapping(row, name) for name in _LAUNCH_JSON},
        "protocol": Protocol(**json.loads(flat["protocol"])),
        "blocks": read_blocks(json.loads(flat["blocks"])),
        "steady": None if flat["steady"] is None else bool(flat["steady"]),
    }
    return LaunchRecord(**{**flat, **nested})


def read_past(row: Row) -> PastResult:
    """Return the record of a row of a case's history."""
    return PastResult(
        run_id=row["id"],
        run_name=row["name"],
        started_at=row["started_at"],
        dyno_version=row["dyno_version"],
        position=row["position"],
        summary=read_summary_row(row),
    )


def read_summary_row(row: Row) -> Summary:
    """Return the summary of a row of `summary`."""
    return read_summary(json.loads(row["summary"]))


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """Return a row of `outcome`, without its run and case."""
    detail = outcome_fields(outcome)
    return {"outcome": detail.pop("outcome"), "detail": dump(detail)}


def read_closing(row: Row) -> Outcome:
    """Return the outcome of a row of `outcome`."""
    return read_outcome({"outcome": row["outcome"], **json.loads(row["detail"])})


def _mapping(row: Row, name: str) -> dict[str, Any]:
    """Return a JSON column that holds an object. Raises ValueError for any other."""
    value = json.loads(row[name])
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - a damaged file, not a wrong call
            f"expected an object in {name!r}, got {row[name]!r}"
        )
    return value


def _shallow(record: RunRecord | RunResume | CaseRecord | LaunchRecord) -> dict[str, Any]:
    found = {field.name: getattr(record, field.name) for field in fields(record)}
    return {
        name: encodable(value) if isinstance(value, str) else value for name, value in found.items()
    }
