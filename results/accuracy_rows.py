"""Accuracy as rows of the store's table and back: figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from results import schema
from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore
from results.codec import dump, plain
from results.columns import check_columns, check_numbers

Row = Mapping[str, Any]

_PARITY = ("values", "max_abs", "max_rel", "cosine", "snr_db", "top1", "nan", "inf")
_CLASS = ("precision", "recall", "f1", "support")


def accuracy_row(record: AccuracyRecord) -> dict[str, Any]:
    """Return a row of `accuracy`, without its run and case. Raises ValueError for NaN."""
    return {
        "attempt": record.attempt,
        "started_at": record.started_at,
        "reference": record.reference,
        "parity": dump([plain(each) for each in record.parity]),
        "task": record.task and dump(plain(record.task)),
        "skipped": dump(dict(record.skipped)),
    }


def read_accuracy(row: Row) -> AccuracyRecord:
    """Return the record of a row of `accuracy`. Raises ValueError for what is no finite number."""
    check_columns(schema.accuracy, row)
    return AccuracyRecord(
        attempt=row["attempt"],
        started_at=row["started_at"],
        reference=row["reference"],
        parity=tuple(map(_parity, _loaded(row["parity"]))),
        task=None if row["task"] is None else _task(_loaded(row["task"])),
        skipped=dict(_loaded(row["skipped"])),
    )


def _parity(fields: Mapping[str, Any]) -> OutputParity:
    check_numbers(fields, _PARITY)
    return OutputParity(**fields)


def _task(fields: Mapping[str, Any]) -> TaskScore:
    for one in fields["classes"]:
        check_numbers(one, _CLASS)
    for found in (fields["metrics"], fields["reference"]):
        check_numbers(found, found)
    classes = tuple(ClassScore(**each) for each in fields["classes"])
    return TaskScore(**{**fields, "classes": classes})


def _loaded(text: str) -> Any:
    return json.loads(text, parse_constant=_refused)


def _refused(name: str) -> None:
    raise ValueError(f"expected finite numbers, got {name}")
