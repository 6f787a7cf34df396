"""Whether baselines and gates of a store can be read and agree with each other and their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from results import queries, schema
from results.gate_record import KINDS
from results.gate_rows import (
    read_baseline,
    read_gate_end,
    read_gate_row,
    read_pinned,
    read_verdict,
)
from results.pair_rows import read_pair
from results.paired import PHASES
from results.upkeep.files import PINNED_INPUTS, pinned_problems
from results.upkeep.launches import Row, stream, unreadable
from results.upkeep.plausible import pair_problem
from results.verdict import Verdict

_LOOK, _CONFIRM = PHASES


@dataclass(slots=True, kw_only=True)
class GateCensus:
    """What was counted so far: pairs by gate, case and phase; the files that baselines need."""

    gates: int = 0
    pairs: int = 0
    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)


def gate_problems(connection: Connection, census: GateCensus) -> Iterator[str]:
    """Yield what is wrong with the rows of baselines and gates, and count them."""
    yield from _baseline_problems(connection, census)
    for row in stream(connection, select(schema.gate)):
        census.gates += 1
        yield from unreadable(f"gate {row['id']}", row, _read_gate)
    for row in stream(connection, select(schema.gate_end)):
        yield from unreadable(f"gate {row['gate_id']}, its end", row, _read_end)
    table = schema.pair
    key = (table.c.gate_id, table.c.case_id, table.c.phase, table.c.number)
    for row in stream(connection, queries.pairs().order_by(*key)):
        yield from _pair_problems(row, census)
    for row in stream(connection, select(schema.verdict)):
        yield from unreadable(_where(row), row, partial(_read_verdict, census))


def gate_file_problems(store: Path, census: GateCensus) -> Iterator[str]:
    """Yield which files that baselines need are not there, or no longer what they were."""
    for model, files in sorted(census.models.items()):
        yield from pinned_problems(store, model, files)
    folder, suffix = PINNED_INPUTS
    for name in sorted(census.inputs):
        path = f"{folder}/{name}{suffix}"
        if not (store / path).is_file():
            yield f"{path}: expected the pinned inputs, got nothing there"


def _baseline_problems(connection: Connection, census: GateCensus) -> Iterator[str]:
    known = {}
    for row in stream(connection, select(schema.baseline)):
        yield from unreadable(f"baseline {row['id']}", row, read_baseline)
        known[row["id"]] = (row["replaces"], row["name"], row["suite"])
    for baseline_id, (replaces, *whose) in known.items():
        if replaces and list(known.get(replaces, ())[1:]) != whose:
            yield (
                f"baseline {baseline_id}: expected to replace one of its name and suite, "
                f"got {replaces!r}"
            )
    for row in stream(connection, select(schema.pinned)):
        where = f"baseline {row['baseline_id']}, case {row['case_id']}"
        yield from unreadable(where, row, partial(_note_files, census))


def _note_files(census: GateCensus, row: Row) -> None:
    case = read_pinned(row)
    files = case.model.get("files", {})
    census.models.setdefault(case.model_sha256, {}).update(files)
    census.inputs.add(case.inputs_sha256)


def _pair_problems(row: Row, census: GateCensus) -> Iterator[str]:
    where = f"{_where(row)}, pair {row['number']} to {row['phase']}"
    key = (row["gate_id"], row["case_id"], row["phase"])
    expected = census.numbers.get(key, 0)
    if row["number"] != expected:
        yield f"{where}: expected pair {expected}"
    census.numbers[key] = expected + 1
    census.pairs += 1
    yield from unreadable(where, row, _read_pair)


def _read_verdict(census: GateCensus, row: Row) -> None:
    outcome = read_verdict(row).outcome
    if not isinstance(outcome, Verdict):
        return
    confirmation = outcome.confirmation
    for phase, word, estimate in (
        (_LOOK, "estimate", outcome.estimate),
        (_CONFIRM, "confirmation", None if confirmation is None else confirmation.estimate),
    ):
        told = 0 if estimate is None else estimate.pairs
        have = census.numbers.get((row["gate_id"], row["case_id"], phase), 0)
        if told > have:
            raise ValueError(f"expected the {told} pairs of its {word}, got {have}")


def _read_gate(row: Row) -> None:
    kind = read_gate_row(row).kind
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")


def _read_end(row: Row) -> None:
    state = read_gate_end(row).state
    if state not in {"done", "interrupted"}:
        raise ValueError(f"expected done or interrupted, got {state!r}")


def _read_pair(row: Row) -> None:
    if problem := pair_problem(read_pair(row)):
        raise ValueError(problem)


def _where(row: Row) -> str:
    return f"gate {row['gate_id']}, case {row['case_id']}"
