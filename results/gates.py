"""Baselines and gates in a store: appended as they come and never changed.

What `add_*` returned from is on disk: a gate killed at any moment loses the pair in flight at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Select, Table, func, insert, select

from results import gate_rows, pair_rows, queries, schema
from results.codec import encodable
from results.damage import check_text, lenient, of_row, reading
from results.database import StoreError, driver_connection
from results.gate_record import GateOverview, GateRecord, GateResult
from results.paired import PHASES, PairRecord
from results.series import check_new, choose_baseline
from results.store import FILE, Store

if TYPE_CHECKING:
    from results.baseline import Baseline, PinnedCase
    from results.record import RunEnd
    from results.verdict import CaseVerdict

Row = Mapping[str, Any]
T = TypeVar("T")


class Gates:
    """The baselines and gates of a store. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        """Work on the open store."""
        self._store = store
        self._path = store.folder / FILE

    def add_baseline(self, record: Baseline) -> None:
        """Add a baseline with its cases.

        Raises StoreError where the suite is pinned under that name already, unless `replaces` is
        the newest of its series.
        """
        made = [{"baseline_id": record.id, **gate_rows.pinned_row(one)} for one in record.cases]
        with self._store.connection() as connection:
            # the turn to write comes first: of two that pin one name at once, one is refused
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            check_new(record, self.baselines(), where=str(self._store.folder))
            connection.execute(insert(schema.baseline), gate_rows.baseline_row(record))
            if made:
                connection.execute(insert(schema.pinned), made)
            connection.commit()

    def add_gate(self, record: GateRecord) -> None:
        """Add a gate that starts, against a baseline that was added before."""
        self._append(schema.gate, gate_rows.gate_row(record))

    def end_gate(self, gate_id: str, end: RunEnd) -> None:
        """Add how a gate ended; a gate ends once."""
        row = {"gate_id": gate_id, "ended_at": end.ended_at, "state": end.state}
        self._append(schema.gate_end, row)

    def add_pair(self, gate_id: str, case_id: str, record: PairRecord) -> None:
        """Add a pair of a case. Raises ValueError for NaN, which is nobody's result."""
        whose = {"gate_id": gate_id, "case_id": encodable(case_id)}
        self._append(schema.pair, {**whose, **pair_rows.pair_row(record)})

    def add_verdict(self, gate_id: str, record: CaseVerdict) -> None:
        """Close a case of a gate; a case is closed once. Raises ValueError for NaN."""
        self._append(schema.verdict, {"gate_id": gate_id, **gate_rows.verdict_row(record)})

    def baselines(self) -> tuple[Baseline, ...]:
        """Return all baselines with their cases, oldest first."""
        table, pinned = schema.baseline, schema.pinned
        cases: dict[str, list[PinnedCase]] = {}
        for row in self._rows(select(pinned).order_by(pinned.c.position)):
            read = self._reading(row, gate_rows.read_pinned)
            cases.setdefault(row["baseline_id"], []).append(read)
        found = self._rows(select(table).order_by(table.c.pinned_at, table.c.id))
        return tuple(
            self._reading(row, lambda row: gate_rows.read_baseline(row, cases.get(row["id"], ())))
            for row in found
        )

    def baseline(self, name: str, suite: str) -> Baseline:
        """Return the newest baseline of that name and suite; `name` may be an id too.

        Where the name has only an interpreter that waits for its first gate, that is returned.
        """
        return choose_baseline(self.baselines(), name, suite, where=str(self._store.folder))

    def gates(self) -> tuple[GateOverview, ...]:
        """Return all gates, newest first."""
        gate = schema.gate
        ends = {row["gate_id"]: row for row in self._rows(select(schema.gate_end))}
        pinned = [
            self._reading(row, gate_rows.read_baseline)
            for row in self._rows(select(schema.baseline))
        ]
        names, counts = {one.id: one.name for one in pinned}, self._counts()
        return tuple(
            GateOverview(
                record=self._reading(row, gate_rows.read_gate_row),
                baseline_name=self._reading(row, lambda row: _of_gate(names, row["baseline_id"])),
                end=self._end(ends.get(row["id"])),
                counts=counts.get(row["id"], {}),
            )
            for row in self._rows(select(gate).order_by(gate.c.started_at.desc(), gate.c.id.desc()))
        )

    def read_gate(self, gate_id: str) -> GateResult:
        """Return the gate with its verdicts and without its pairs."""
        found = self._rows(select(schema.gate).filter_by(id=gate_id))
        if not found:
            raise StoreError(
                f"{self._store.folder}: expected the id of a gate, got {gate_id!r}. "
                "List them with 'dyno runs --gates'."
            )
        (row,) = found
        record = self._reading(row, gate_rows.read_gate_row)
        ends = self._rows(select(schema.gate_end).filter_by(gate_id=gate_id))
        verdicts = select(schema.verdict).filter_by(gate_id=gate_id)
        by_id = {baseline.id: baseline for baseline in self.baselines()}
        return GateResult(
            record=record,
            baseline=self._reading(row, lambda row: _of_gate(by_id, row["baseline_id"])),
            end=self._end(ends[0] if ends else None),
            cases=tuple(
                self._reading(row, gate_rows.read_verdict)
                for row in self._rows(verdicts.order_by("position"))
            ),
        )

    def pairs(self, gate_id: str, case_id: str) -> tuple[PairRecord, ...]:
        """Return the pairs of a case of a gate in the order of their numbers, looks first."""
        query = queries.pairs().filter_by(gate_id=gate_id, case_id=encodable(case_id))
        found = [self._reading(row, pair_rows.read_pair) for row in self._rows(query)]
        return tuple(sorted(found, key=lambda pair: (PHASES.index(pair.phase), pair.number)))

    def _counts(self) -> dict[str, dict[str, int]]:
        """Return the verdicts of each gate by word."""
        verdict, found = schema.verdict, dict[str, dict[str, int]]()
        query = select(verdict.c.gate_id, verdict.c.word, func.count().label("n"))
        for row in self._rows(query.group_by("gate_id", "word").order_by("word")):
            found.setdefault(row["gate_id"], {})[row["word"]] = row["n"]
        return found

    def _end(self, row: Row | None) -> RunEnd | None:
        return None if row is None else self._reading(row, gate_rows.read_gate_end)

    def _rows(self, query: Select[Any]) -> Sequence[Row]:
        with self._store.connection() as connection:
            # a text that is damaged is told with the row that it is in
            driver_connection(connection).text_factory = lenient
            return [dict(row) for row in connection.execute(query).mappings()]

    def _reading(self, row: Row, read: Callable[[Row], T]) -> T:
        def checked(row: Row) -> T:
            check_text(row)
            return read(row)

        return reading(self._path, of_row(row), row, checked)

    def _append(self, table: Table, row: Row) -> None:
        with self._store.connection() as connection:
            connection.execute(insert(table).values(dict(row)))
            connection.commit()


def _of_gate(known: Mapping[str, T], baseline_id: str) -> T:
    if baseline_id not in known:
        raise ValueError(f"expected the id of a baseline, got {baseline_id!r}")
    return known[baseline_id]
