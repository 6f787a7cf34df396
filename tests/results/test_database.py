import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from results import database
from results.database import translated
from results.record import Failed, Measured, RunEnd, Skipped
from results.store import Store, StoreError
from results.summaries import summaries
from results.upgrades import UPGRADES

GOLDEN = Path(__file__).parent / "data" / "schema1"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_the_database_is_in_wal_mode_and_says_whose_it_is(store):
    connection = sqlite3.connect(store.folder / "dyno.db")
    try:
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "application_id", "user_version")
        ]
    finally:
        connection.close()

    assert found == ["wal", 0x64796E6F, 2]


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


def change(path, statement):
    connection = sqlite3.connect(path)
    try:
        connection.execute(statement)
        connection.commit()
    finally:
        connection.close()


def refusal(folder, **options):
    with pytest.raises(StoreError) as caught:
        Store(folder, **options)
    return str(caught.value)


def test_a_newer_schema_is_refused(store):
    change(store.folder / "dyno.db", "PRAGMA user_version = 7")

    assert refusal(store.folder) == (
        f"{store.folder}/dyno.db: expected a store of schema 1 to 2, got schema 7. "
        "Use the dyno that made it or a newer one, or name another folder with --store."
    )


def test_another_program_s_database_is_refused_and_left_alone(tmp_path):
    change(tmp_path / "dyno.db", "CREATE TABLE guests (name TEXT)")
    before = (tmp_path / "dyno.db").read_bytes()

    assert refusal(tmp_path) == (
        f"{tmp_path}/dyno.db: expected a dyno store, got another program's database. "
        "Move it away, or name another folder with --store."
    )
    assert (tmp_path / "dyno.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "dyno.db").write_bytes(b"not a database, and longer than a header of one" * 9)

    assert refusal(tmp_path) == (
        f"{tmp_path}/dyno.db: expected a dyno store, got a file that is no SQLite database. "
        "Move it away, or name another folder with --store."
    )


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "store").write_text("")

    assert refusal(tmp_path / "store") == (
        f"{tmp_path}/store: expected a folder for the store, got 'File exists'. "
        "Name another folder with --store."
    )


def test_a_store_locked_for_too_long_is_an_error(store, make_run):
    impatient = Store(store.folder, busy_s=0.01)
    holder = sqlite3.connect(store.folder / "dyno.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            impatient.add_run(make_run())
    finally:
        holder.close()

    assert str(caught.value) == (
        f"{store.folder}/dyno.db: expected a turn to write, got none: another process holds the "
        "store. Wait for it to end, then start again."
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "SQLITE_READONLY_DIRECTORY",
            (
                "expected a folder to write to, got a read-only one. "
                "Change its permissions, or name another folder with --store."
            ),
        ),
        (
            "SQLITE_FULL",
            "expected room on the disk, got none. Free space, or name another folder with --store.",
        ),
        (
            "SQLITE_CORRUPT",
            (
                "expected a whole database, got a damaged one. "
                "Recover it with 'sqlite3 dyno.db .recover', or name another folder with --store."
            ),
        ),
    ],
)
def test_what_sqlite_reports_becomes_one_line(code, message):
    original = sqlite3.OperationalError("as SQLite words it")
    original.sqlite_errorname = code

    with pytest.raises(StoreError) as caught, translated(Path("s/dyno.db")):
        raise DBAPIError("INSERT", {}, original)

    assert str(caught.value) == f"s/dyno.db: {message}"


def test_every_failure_of_sqlite_has_its_remedy():
    assert all(
        remedy.endswith(".") and not expected.endswith(".")
        for expected, remedy in database._FAILURES.values()
    )
