"""Baselines, gates, pairs and verdicts as rows of the store's tables and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from results import schema
from results.baseline import Baseline, PinnedCase, Splice
from results.codec import check_object, dump, encodable, load, load_object, plain
from results.columns import check_columns, check_numbers
from results.gate_record import Changes, GateRecord
from results.record import Failed, RunEnd
from results.summary import TooFewQueries
from results.verdict import WORDS, CaseVerdict, Confirmation, Estimate, TailRatio, Verdict

Row = Mapping[str, Any]

FAILED = "FAILED"
"""The word in the table of a case that failed; the others are `results/verdict.py`'s."""
_BASELINE_JSON = ("python", "versions", "devices", "left_out")
"""The path of the interpreter too: one that is no UTF-8 must come back as it was."""
_GATE_JSON = ("environment", "changes")
_SIGNED = ("log_ratio", "se")
_ESTIMATE = ("log_ratio", "se", "df", "pairs", "low", "high")
_VERDICT = ("p_value", "disturbed_share", "baseline_ns", "candidate_ns")


def baseline_row(record: Baseline) -> dict[str, Any]:
    """Return a row of `baseline`, without its cases."""
    flat = _flat(record, _BASELINE_JSON)
    del flat["cases"]
    return flat


def read_baseline(row: Row, cases: Sequence[PinnedCase] = ()) -> Baseline:
    """Return the record of a row of `baseline` with these cases. Raises ValueError."""
    check_columns(schema.baseline, row)
    found = {name: load(row[name]) for name in _BASELINE_JSON}
    if not isinstance(found["python"], str):
        raise ValueError(  # noqa: TRY004 - a damaged file, not a wrong call
            f"expected a path in 'python', got {row['python']!r}"
        )
    for name in ("versions", "devices", "left_out"):
        check_object(name, found[name])
    return Baseline(**{**row, **found, "cases": tuple(cases)})


def pinned_row(record: PinnedCase) -> dict[str, Any]:
    """Return a row of `pinned`, without its baseline."""
    told = {**plain(record), "case": record.case.to_dict()}
    del told["position"]
    return {
        "case_id": encodable(record.case.id),
        "position": record.position,
        "pinned": dump(told),
    }


def read_pinned(row: Row) -> PinnedCase:
    """Return the record of a row of `pinned`. Raises ValueError."""
    from suites.case import Case

    check_columns(schema.pinned, row)
    told = load_object("pinned", row["pinned"])
    for name in ("options", "model", "inputs"):
        check_object(name, told[name])
    if (splice := told["splice"]) is not None:
        check_numbers(splice, _SIGNED)
        told["splice"] = Splice(**splice)
    made = PinnedCase(**{**told, "position": row["position"], "case": Case.from_dict(told["case"])})
    if encodable(made.case.id) != row["case_id"]:
        raise ValueError(f"expected the id {made.case.id!r}, got {row['case_id']!r}")
    return made


def gate_row(record: GateRecord) -> dict[str, Any]:
    """Return a row of `gate`."""
    return _flat(record, _GATE_JSON)


def read_gate_row(row: Row) -> GateRecord:
    """Return the record of a row of `gate`. Raises ValueError."""
    check_columns(schema.gate, {**row, "threshold": 0.0})
    if not (isinstance(row["threshold"], float) and 0 <= row["threshold"] <= 1):
        raise ValueError(f"expected a fraction in 'threshold', got {row['threshold']!r}")
    changes = load_object("changes", row["changes"])
    check_object("changed", changes["changed"])
    made = Changes(
        new=tuple(changes["new"]), gone=tuple(changes["gone"]), changed=changes["changed"]
    )
    environment = load_object("environment", row["environment"])
    return GateRecord(**{**row, "environment": environment, "changes": made})


def read_gate_end(row: Row) -> RunEnd:
    """Return the record of a row of `gate_end`. Raises ValueError."""
    check_columns(schema.gate_end, row)
    return RunEnd(ended_at=row["ended_at"], state=row["state"])


def verdict_row(record: CaseVerdict) -> dict[str, Any]:
    """Return a row of `verdict`, without its gate. Raises ValueError for NaN and infinities."""
    outcome = record.outcome
    estimate = outcome.estimate if isinstance(outcome, Verdict) else None
    return {
        "case_id": encodable(record.case_id),
        "position": record.position,
        "word": FAILED if isinstance(outcome, Failed) else outcome.word,
        "log_ratio": None if estimate is None else estimate.log_ratio,
        "se": None if estimate is None else estimate.se,
        "detail": dump(plain(outcome)),
    }


def read_verdict(row: Row) -> CaseVerdict:
    """Return the record of a row of `verdict`. Raises ValueError for one that is not whole."""
    check_columns(schema.verdict, {name: row[name] for name in row if name not in _SIGNED})
    check_numbers(row, _SIGNED)
    detail = load_object("detail", row["detail"])
    outcome = Failed(**detail) if row["word"] == FAILED else _verdict(detail)
    made = CaseVerdict(position=row["position"], case_id=row["case_id"], outcome=outcome)
    told = {name: row[name] for name in ("word", *_SIGNED)}
    given = {name: value for name, value in verdict_row(made).items() if name in told}
    if told != given:
        raise ValueError(f"expected {given} as in its detail, got {told}")
    return made


def _verdict(detail: dict[str, Any]) -> Verdict:
    if detail["word"] not in WORDS:
        raise ValueError(f"expected one of {', '.join(WORDS)}, got {detail['word']!r}")
    check_numbers(detail, _VERDICT)
    confirmation = detail["confirmation"]
    nested = {
        "estimate": _estimate(detail["estimate"]),
        "p95": _tail(detail["p95"]),
        "p99": _tail(detail["p99"]),
        "confirmation": None if confirmation is None else _confirmation(confirmation),
        "notes": tuple(detail["notes"]),
    }
    return Verdict(**{**detail, **nested})


def _estimate(fields: Mapping[str, Any] | None) -> Estimate | None:
    if fields is None:
        return None
    check_numbers(fields, _ESTIMATE)
    return Estimate(**fields)


def _tail(fields: Mapping[str, Any] | None) -> TailRatio | TooFewQueries | None:
    if fields is None:
        return None
    check_numbers(fields, fields)
    return TooFewQueries(**fields) if "need" in fields else TailRatio(**fields)


def _confirmation(fields: Mapping[str, Any]) -> Confirmation:
    check_numbers(fields, ("p_value",))
    return Confirmation(**{**fields, "estimate": _estimate(fields["estimate"])})


def _flat(record: Baseline | GateRecord, nested: Sequence[str]) -> dict[str, Any]:
    """Return the record's own fields, those of these names as JSON."""
    found = {field.name: getattr(record, field.name) for field in fields(record)}
    return {
        name: dump(_plain(value))
        if name in nested
        else encodable(value)
        if isinstance(value, str)
        else value
        for name, value in found.items()
    }


def _plain(value: Any) -> Any:
    return plain(dict(value) if isinstance(value, Mapping) else value)
