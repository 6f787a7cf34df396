import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from results import database, schema
from results.database import translated
from results.record import Failed, LaunchRecord, Measured, RunEnd, Skipped
from results.store import Store, StoreError
from results.summaries import summaries

GOLDEN = Path(__file__).parent / "data" / "schema1"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def filled(store, make_run, make_case, make_launch):
    """A store with one run: a measured, a skipped, a failed and an open case."""
    run = make_run()
    store.add_run(run)
    for position in range(4):
        store.add_case(run.id, make_case(position))
    store.add_launch(run.id, 0, make_launch(0))
    store.add_launch(run.id, 3, make_launch(0))
    store.add_launch(run.id, 0, make_launch(1))
    store.add_outcome(run.id, 0, Measured(stopped_by="target"))
    store.add_outcome(run.id, 1, Skipped(reason="excluded"))
    store.add_outcome(run.id, 2, Failed(kind="crash", message="m", hint="h"))
    return store


def same_launch(left, right):
    for name in LaunchRecord.__slots__:
        np.testing.assert_equal(getattr(left, name), getattr(right, name), err_msg=name)
    return True


def test_a_run_comes_back_as_it_was_added(filled, make_run, make_case):
    filled.end_run(make_run().id, RunEnd(ended_at=1_767_323_090.1, state="done"))

    found = filled.read_run(make_run().id)

    assert found.record == make_run()
    assert found.end == RunEnd(ended_at=1_767_323_090.1, state="done")
    assert [case.record for case in found.cases] == [make_case(n) for n in range(4)]
    assert [case.launches for case in found.cases] == [2, 0, 0, 1]
    assert [case.outcome for case in found.cases] == [
        Measured(stopped_by="target"),
        Skipped(reason="excluded"),
        Failed(kind="crash", message="m", hint="h"),
        None,
    ]


def test_launches_come_back_with_their_raw_timings_in_the_order_of_their_coming(
    filled, make_run, make_launch
):
    found = filled.launches(make_run().id, 0)

    assert len(found) == 2
    assert same_launch(found[0], make_launch(0))
    assert same_launch(found[1], make_launch(1))


def test_a_device_s_timings_come_back_too(filled, make_run, make_launch):
    times = np.arange(10, dtype=np.int64)
    launch = make_launch(
        2, enqueue_ns=times, gpu_compute_ns=times + 1, h2d_ns=times + 2, d2h_ns=times + 3
    )
    filled.add_launch(make_run().id, 0, launch)

    assert same_launch(filled.launches(make_run().id, 0)[2], launch)


def test_cases_come_in_the_order_of_the_suite(store, make_run, make_case):
    store.add_run(make_run())
    for position in (2, 0, 1):
        store.add_case(make_run().id, make_case(position))

    cases = store.read_run(make_run().id).cases

    assert [case.record.position for case in cases] == [0, 1, 2]


def test_the_last_of_several_ends_counts(filled, make_run):
    filled.end_run(make_run().id, RunEnd(ended_at=1.0, state="interrupted"))
    filled.end_run(make_run().id, RunEnd(ended_at=2.0, state="done"))

    assert filled.read_run(make_run().id).end == RunEnd(ended_at=2.0, state="done")
    assert filled.runs()[0].end == RunEnd(ended_at=2.0, state="done")


def test_runs_are_listed_newest_first_with_their_cases_counted(filled, make_run):
    later = make_run("20260103-000000-aaaa", started_at=1_767_400_000.0)
    filled.add_run(later)

    newest, oldest = filled.runs()

    assert (newest.record, newest.end) == (later, None)
    assert (newest.measured, newest.skipped, newest.failed, newest.open) == (0, 0, 0, 0)
    assert oldest.record == make_run()
    assert (oldest.measured, oldest.skipped, oldest.failed, oldest.open) == (1, 1, 1, 1)


def test_another_process_sees_each_row_as_soon_as_it_is_added(filled, make_run):
    other = Store(filled.folder)

    assert len(other.launches(make_run().id, 3)) == 1


def test_a_case_is_closed_once(filled, make_run):
    with pytest.raises(IntegrityError):
        filled.add_outcome(make_run().id, 0, Skipped(reason="late"))

    assert filled.read_run(make_run().id).cases[0].outcome == Measured(stopped_by="target")


def test_a_launch_needs_its_case(filled, make_run, make_launch):
    with pytest.raises(IntegrityError):
        filled.add_launch(make_run().id, 9, make_launch())


def test_an_unknown_run_cannot_be_read(store):
    with pytest.raises(StoreError) as caught:
        store.read_run("20990101")

    assert str(caught.value) == (
        f"{store.folder}: expected the id of a run, got '20990101'. List them with 'dyno runs'."
    )


def test_a_store_that_is_not_there_is_not_made_by_a_reader(tmp_path):
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "none", create=False)

    assert str(caught.value) == (
        f"{tmp_path / 'none'}: expected a store, got no dyno.db there. "
        "Make one with 'dyno run SUITE', or name another folder with --store."
    )
    assert not (tmp_path / "none").exists()


def test_a_folder_s_name_may_hold_what_means_something_in_an_address(tmp_path, make_run):
    folder = tmp_path / "a b?mode=ro#c%20"
    Store(folder).add_run(make_run())

    assert Store(folder, create=False).runs()[0].record == make_run()
    assert (folder / "dyno.db").exists()


def test_the_database_is_in_wal_mode_and_says_whose_it_is(store):
    connection = sqlite3.connect(store.folder / "dyno.db")
    try:
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "application_id", "user_version")
        ]
    finally:
        connection.close()

    assert found == ["wal", 0x64796E6F, 1]


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
    assert [launch.steady for launch in launches] == [True, False]
    assert (summary.launches, summary.queries, summary.rates.queries_per_s) == (2, 200, 1000.0)


def test_an_older_schema_is_upgraded_once(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path / "store")
    ran = []

    def upgrade(connection):
        ran.append(connection)
        connection.execute(text('ALTER TABLE run ADD COLUMN "comment" TEXT'))

    monkeypatch.setattr(schema, "UPGRADES", (upgrade,))

    Store(tmp_path / "store")
    store = Store(tmp_path / "store")

    assert len(ran) == 1
    assert store.find_run("golden") == "20260102-030405-1f3a"


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path / "store")

    def upgrade(connection):
        connection.execute(text("DROP TABLE summary"))
        raise RuntimeError("half way")

    monkeypatch.setattr(schema, "UPGRADES", (upgrade,))
    with pytest.raises(RuntimeError, match="half way"):
        Store(tmp_path / "store")
    monkeypatch.setattr(schema, "UPGRADES", ())

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
        f"{store.folder}/dyno.db: expected a store of schema 1 to 1, got schema 7. "
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


def test_damaged_timings_name_their_case(filled, make_run):
    change(filled.folder / "dyno.db", "UPDATE launch SET wall_ns = x'0901'")

    with pytest.raises(StoreError) as caught:
        filled.launches(make_run().id, 0)

    assert str(caught.value) == (
        f"{filled.folder}/dyno.db: run 20260102-030405-1f3a, case 0: expected timings of version "
        "1, got 9. Use the dyno that wrote it or a newer one, or measure again."
    )


COPY = """
import sys
from dataclasses import replace
from pathlib import Path

from results.store import Store

source, target, name = sys.argv[1:]
golden = Store(Path(source))
run = golden.read_run(golden.find_run())
launch = golden.launches(run.record.id, 0)[0]
store = Store(Path(target))
store.add_run(replace(run.record, id=name))
store.add_case(name, run.cases[0].record)
for number in range(10):
    store.add_launch(name, 0, replace(launch, number=number))
"""


def test_processes_that_make_a_store_and_append_at_once_lose_nothing(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "golden")
    target = tmp_path / "store"
    command = [sys.executable, "-c", COPY, str(tmp_path / "golden"), str(target)]

    processes = [subprocess.Popen([*command, name]) for name in ("one", "two")]

    assert [process.wait() for process in processes] == [0, 0]
    store = Store(target)
    for name in ("one", "two"):
        assert [launch.number for launch in store.launches(name, 0)] == list(range(10))
