import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from results import database
from results.baseline import Splice
from results.effect import Effect
from results.gates import Gates
from results.record import Failed, Measured, RunEnd, RunResume, Skipped
from results.store import Store
from results.summaries import summaries
from results.summary import TooFewQueries
from results.telemetry import TelemetryRecord
from results.upgrades import UPGRADES

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "schema1"


@pytest.fixture
def upgraded(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "old")
    return Store(tmp_path / "old")


def ask(store, query):
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        return connection.execute(query).fetchall()


def columns(store):
    tables = [name for (name,) in ask(store, "SELECT name FROM sqlite_schema WHERE type='table'")]
    return {
        table: {
            (name, kind, required, key)
            for _, name, kind, required, _, key in ask(store, f"PRAGMA table_info('{table}')")
        }
        for table in tables
    }


def indexes(store):
    names = ask(store, "SELECT name FROM sqlite_schema WHERE type='index' AND sql IS NOT NULL")
    return {name: ask(store, f"PRAGMA index_info('{name}')") for (name,) in sorted(names)}


def test_an_upgraded_store_has_the_tables_of_a_new_one(upgraded, tmp_path):
    new = Store(tmp_path / "new")

    assert columns(upgraded) == columns(new)
    assert [[row[2] for row in rows] for rows in indexes(upgraded).values()] == [
        [row[2] for row in rows] for rows in indexes(new).values()
    ]


def test_an_upgrade_gives_cases_their_id_and_leaves_no_foreign_key_dangling(upgraded):
    run = upgraded.read_run(upgraded.find_run("golden"))

    assert ask(upgraded, 'SELECT case_id FROM "case" ORDER BY position') == [
        (case.record.id,) for case in run.cases
    ]
    assert ask(upgraded, "PRAGMA foreign_key_check") == []
    assert ask(upgraded, "PRAGMA integrity_check") == [("ok",)]


def test_an_upgrade_moves_every_timing(upgraded):
    with closing(sqlite3.connect(GOLDEN / "dyno.db")) as connection:
        before = connection.execute("SELECT id, wall_ns, gpu_compute_ns FROM launch").fetchall()

    assert len(before) == 2
    assert ask(upgraded, "SELECT launch_id, wall_ns, gpu_compute_ns FROM timings") == before


def test_a_store_of_schema_1_still_opens(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "store")
    store = Store(tmp_path / "store", create=False)

    run = store.read_run(store.find_run("golden"))
    launches = store.launches(run.record.id, 0)
    summary = summaries(store, run)[0]

    assert run.record.environment == {"cpu": {"model": "AMD EPYC", "cores": 2}}
    assert run.end == RunEnd(ended_at=1_767_323_090.1, state="done")
    assert [case.record.id for case in run.cases] == [
        f"lstm/tensorrt/{precision}/b8/sequence=16/features=64/cuda_graph=true"
        for precision in ("fp16", "int8", "fp8", "fp32")
    ]
    assert [case.outcome for case in run.cases] == [
        Measured(stopped_by="launches"),
        Skipped(reason="excluded by the suite"),
        Failed(kind="crash", message="SIGSEGV", hint="See the log."),
        None,
    ]
    assert launches[1].wall_ns.tolist() == list(range(1_001_000, 1_001_100))
    assert launches[1].protocol.cuda_graph is True
    assert launches[1].gpu_compute_ns[0] == 500_500
    assert [launch.steady for launch in launches] == [True, None]
    assert summary.steady_share == 1.0
    assert (summary.launches, summary.queries, summary.rates.queries_per_s) == (2, 200, 1000.0)


def test_a_store_of_schema_2_still_opens(tmp_path):
    shutil.copytree(GOLDEN.with_name("schema2"), tmp_path / "store")
    store = Store(tmp_path / "store", create=False)

    run = store.read_run(store.find_run("golden"))
    launches = store.launches(run.record.id, 4)
    found = summaries(store, run)

    assert run.record.only == "batch=8"
    assert run.record.measure == {"launches_min": 2, "launches_max": 2}
    assert run.resumes == (
        RunResume(number=1, resumed_at=1_767_323_100.0, environment={"cpu": {"cores": 2}}),
    )
    assert run.end == RunEnd(ended_at=1_767_323_190.1, state="done")
    assert [case.record.engine_cached for case in run.cases] == [False, True, False, False, False]
    assert {case.record.engine_key for case in run.cases} == {"12" * 32}
    assert [case.launches for case in run.cases] == [2, 0, 0, 0, 2]
    assert [(launch.attempt, launch.number) for launch in launches] == [(1, 0), (1, 1)]
    assert launches[1].wall_ns.tolist() == list(range(1_001_000, 1_001_100))
    assert {position: summary.queries for position, summary in found.items()} == {0: 200, 4: 200}


def test_a_store_of_schema_3_still_opens(tmp_path):
    shutil.copytree(GOLDEN.with_name("schema3"), tmp_path / "store")
    store = Store(tmp_path / "store", create=False)

    run = store.read_run(store.find_run("golden"))
    found = summaries(store, run)

    assert [case.launches for case in run.cases] == [2, 0, 0, 0, 2]
    assert store.telemetry(run.record.id, 4) is None
    assert store.telemetry(run.record.id, 0) == TelemetryRecord(
        attempt=0,
        started_at=1_767_323_060.5,
        elapsed_ns=5_000_000_000,
        queries=5000,
        device_uuid="GPU-0123",
        at_s=(0.05, 0.1),
        samples={
            "sm_percent": (90.0, 92.0),
            "watts": (200.5, None),
            "memory_used_bytes": (2e9, 2e9),
        },
        idle_watts=20.5,
        energy_joules=900.0,
        energy_queries=4500.0,
        clock_reasons={"sw_power_cap": 0.5},
        other_processes=0,
        unknown={"temperature_c": "not supported"},
    )
    assert found[0].utilization.joules_per_sample == 0.025
    assert found[0].latency.p50_ns == pytest.approx(1_000_549.4, abs=0.1)
    assert (found[4].latency, found[4].rates.queries_per_s) == (None, 1000.0)


def test_a_store_of_schema_4_still_opens(tmp_path):
    shutil.copytree(GOLDEN.with_name("schema4"), tmp_path / "store")
    store = Store(tmp_path / "store", create=False)

    run = store.read_run(store.find_run("golden"))
    found = summaries(store, run)

    assert run.cases[3].record.effect is None
    assert run.cases[0].record.effect == Effect(
        nodes=5,
        all_nodes=9,
        weights={"int8": 0.99, "fp32": 0.01},
        flops={"int8": 0.97, "fp32": 0.03},
        bytes_before=1_450_000,
        bytes_after=380_000,
        kept=("LSTM: its state stays fp32",),
    )
    assert {case.record.cost for case in run.cases if case.record.cost.flops != 25_600_000} == set()
    assert run.cases[0].record.cost.uncounted == {"Loop": 2}
    accuracy = store.accuracy(run.record.id, 0)
    assert (accuracy.reference, accuracy.started_at) == ("fp32 by onnxruntime-cpu", 1_767_323_046.5)
    assert (accuracy.parity[0].cosine, accuracy.parity[0].snr_db) == (0.99957, None)
    assert (accuracy.task.classes[0].f1, accuracy.task.reference) == (0.904, {"accuracy": 0.975})
    assert store.accuracy(run.record.id, 2).skipped == {"parity": "no reference"}
    assert store.accuracy(run.record.id, 4) is None
    assert found[0].work.flops_per_s == 25_600_000 * 1000.0


def test_a_store_of_schema_5_still_opens(tmp_path):
    shutil.copytree(GOLDEN.with_name("schema5"), tmp_path / "store")
    store = Store(tmp_path / "store", create=False)
    gates = Gates(store)

    first, second = gates.baselines()
    result = gates.read_gate("20260103-040506-2b4c")
    slower, failed = result.cases
    pairs = gates.pairs(result.record.id, slower.case_id)

    assert len(store.read_run(store.find_run("golden")).cases) == 5
    assert (first.python, second.replaces) == ("/opt/main/bin/python", first.id)
    assert second.cases[0].splice == Splice(log_ratio=-0.01, se=0.002)
    assert second.cases[0].model["files"] == {"model.onnx": "ab" * 32}
    assert gates.baseline("main", "smoke") == result.baseline == second
    assert (result.record.changes.new, result.record.threshold) == (("lstm/new",), 0.02)
    assert result.end == RunEnd(ended_at=1_767_413_200.0, state="done")
    assert (slower.outcome.word, slower.outcome.estimate.log_ratio) == ("SLOWER", 0.03)
    assert slower.outcome.confirmation.estimate.pairs == 1
    assert slower.outcome.p99 == TooFewQueries(have=300, need=1000)
    assert failed.outcome == Failed(kind="crash", message="candidate: SIGSEGV", hint="See the log.")
    assert [(pair.phase, pair.number) for pair in pairs] == [
        ("look", 0),
        ("look", 1),
        ("confirm", 0),
    ]
    blocks = pairs[0].baseline.blocks
    assert blocks.median_ns.tolist() == [1e6, 1_001_000.0, 1_002_000.0, 1_003_000.0]
    assert blocks.disturbed.tolist() == [False, True, False, False]
    assert pairs[0].candidate.blocks.disturbed is None
    assert pairs[2].candidate.protocol.cuda_graph is True


def test_an_older_schema_is_upgraded_once(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path / "store")
    ran = []

    def upgrade(connection):
        ran.append(connection)
        connection.execute(text('ALTER TABLE run ADD COLUMN "comment" TEXT'))

    monkeypatch.setattr(database, "UPGRADES", (*UPGRADES, upgrade))

    Store(tmp_path / "store")
    store = Store(tmp_path / "store")

    assert len(ran) == 1
    assert store.find_run("golden") == "20260102-030405-1f3a"


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path / "store")

    def upgrade(connection):
        connection.execute(text("DROP TABLE summary"))
        raise RuntimeError("half way")

    monkeypatch.setattr(database, "UPGRADES", (*UPGRADES, upgrade))
    with pytest.raises(RuntimeError, match="half way"):
        Store(tmp_path / "store")
    monkeypatch.undo()

    store = Store(tmp_path / "store")

    assert len(store.summaries("20260102-030405-1f3a", 1)) == 1
