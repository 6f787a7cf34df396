import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy.exc import DBAPIError

from results import access, database
from results.database import translated
from results.store import Store, StoreError
from results.summaries import summaries

GOLDEN = Path(__file__).parent / "data" / "schema1"
DAMAGED = (
    "expected a whole database, got a damaged one. "
    "Recover it with 'sqlite3 dyno.db .recover', or name another folder with --store."
)


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

    assert found == ["wal", 0x64796E6F, 5]


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
        f"{store.folder}/dyno.db: expected a store of schema 1 to 5, got schema 7. "
        "Use the dyno that made it."
    )


def test_a_newer_schema_is_refused_with_the_dyno_that_can_read_it(store, make_run):
    store.add_run(make_run())
    change(store.folder / "dyno.db", "PRAGMA user_version = 7")

    assert refusal(store.folder).endswith("got schema 7. Use dyno 0.1.0 or a newer one.")


def test_a_newer_schema_without_a_table_of_runs_is_refused_too(store):
    change(store.folder / "dyno.db", "PRAGMA user_version = 7")
    change(store.folder / "dyno.db", "ALTER TABLE run RENAME TO runs")

    assert refusal(store.folder).endswith("got schema 7. Use the dyno that made it.")


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
        ("SQLITE_CORRUPT", DAMAGED),
    ],
)
def test_what_sqlite_reports_becomes_one_line(code, message):
    assert told(code) == f"s/dyno.db: {message}"


@pytest.fixture
def disk(monkeypatch):
    """The disk as statvfs tells it: blocks of 4 KiB, and whether others may write there."""

    def make(*, free_blocks=1000, free_inodes=1000, inodes=2000, writable=True):
        told = SimpleNamespace(
            f_bavail=free_blocks, f_frsize=4096, f_files=inodes, f_favail=free_inodes
        )
        monkeypatch.setattr(database.os, "statvfs", lambda _: told)
        monkeypatch.setattr(database.os, "access", lambda _path, _mode: writable)

    return make


def told(code):
    original = sqlite3.OperationalError("as SQLite words it")
    original.sqlite_errorname = code
    with pytest.raises(StoreError) as caught, translated(Path("s/dyno.db")):
        raise DBAPIError("INSERT", {}, original)
    return str(caught.value)


NO_ROOM = "expected room on the disk, got none. Free space, or name another folder with --store."
NO_INODE = (
    "expected room for one more file, got no free inode. "
    "Remove files, or name another folder with --store."
)
IO_ERROR = (
    "expected a disk that works, got an I/O error. "
    "Check the disk, or name another folder with --store."
)
UNOPENED = (
    "expected a file to open, got none that SQLite can open. "
    "Change its permissions, or name another folder with --store."
)
READ_ONLY = (
    "expected a folder to write to, got a read-only one. "
    "Change its permissions, or name another folder with --store."
)


@pytest.mark.parametrize(
    ("code", "found", "message"),
    [
        ("SQLITE_IOERR_WRITE", {}, IO_ERROR),
        ("SQLITE_IOERR_WRITE", {"free_blocks": 15}, NO_ROOM),
        ("SQLITE_IOERR_SHMSIZE", {"free_blocks": 0}, NO_ROOM),
        ("SQLITE_CANTOPEN", {}, UNOPENED),
        ("SQLITE_CANTOPEN", {"free_inodes": 0}, NO_INODE),
        ("SQLITE_CANTOPEN", {"free_inodes": 0, "inodes": 0}, UNOPENED),
        ("SQLITE_CANTOPEN", {"writable": False}, READ_ONLY),
        ("SQLITE_FULL", {"free_inodes": 0}, NO_INODE),
        ("SQLITE_CORRUPT", {"free_blocks": 0}, DAMAGED),
    ],
)
def test_a_full_disk_is_told_however_sqlite_words_it(disk, code, found, message):
    disk(**found)

    assert told(code) == f"s/dyno.db: {message}"


def test_a_folder_that_is_gone_leaves_the_failure_as_it_is():
    assert told("SQLITE_FULL") == f"s/dyno.db: {NO_ROOM}"


def test_the_driver_s_own_errors_are_told_too(tmp_path):
    with pytest.raises(StoreError) as caught, translated(tmp_path / "dyno.db"):
        sqlite3.connect("file:/nowhere/dyno.db?mode=ro", uri=True)

    assert str(caught.value) == f"{tmp_path}/dyno.db: {UNOPENED}"


def test_a_disk_that_fills_up_damages_nothing_and_loses_nothing_acknowledged(
    mounted, make_run, make_case, make_launch
):
    folder = mounted("-t", "tmpfs", "-o", "size=512k", "tmpfs")
    store, noise = Store(folder / "store"), np.random.default_rng(0)
    store.add_run(make_run())
    store.add_case(make_run().id, make_case())
    acknowledged = 0
    with pytest.raises(StoreError) as caught:
        for acknowledged in range(1000):
            wall_ns = noise.integers(0, 1 << 30, 2000)
            store.add_launch(make_run().id, 0, make_launch(acknowledged, wall_ns))

    subprocess.run(["mount", "-o", "remount,size=8m", folder], check=True)
    reopened = Store(folder / "store")
    launches = reopened.launches(make_run().id, 0)

    assert str(caught.value) == f"{store.folder}/dyno.db: {NO_ROOM}"
    assert acknowledged > 10
    assert [launch.number for launch in launches] == list(range(acknowledged))
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_disk_without_inodes_is_told(mounted):
    folder = mounted("-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs")
    (folder / "a").touch()

    assert refusal(folder) == f"{folder}/dyno.db: {NO_INODE}"


@pytest.fixture
def frozen(tmp_path, mounted):
    """Lay a store out on a read-only mount."""

    def make(source):
        shutil.copytree(source, tmp_path / "source")
        folder = mounted("--bind", tmp_path / "source")
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        return folder

    return make


def test_a_store_on_a_read_only_mount_is_read_and_left_as_it_is(frozen):
    folder = frozen(GOLDEN.with_name("schema5"))
    store = Store(folder, create=False)

    run = store.read_run(store.find_run("golden"))

    assert {place: summary.queries for place, summary in summaries(store, run).items()} == {
        0: 200,
        4: 200,
    }
    assert refusal(folder) == f"{folder}/dyno.db: {READ_ONLY}"
    assert [path.name for path in folder.iterdir()] == ["dyno.db"]


def test_an_older_store_on_a_read_only_mount_is_refused_with_the_remedy(frozen):
    folder = frozen(GOLDEN)

    assert refusal(folder, create=False) == (
        f"{folder}/dyno.db: expected a store of schema 5, got schema 1 in a read-only folder, "
        "where it cannot be upgraded. Copy the folder to where you may write, and name the copy "
        "with --store."
    )


def test_a_store_that_cannot_be_written_is_read_and_not_written(tmp_path, monkeypatch, make_run):
    shutil.copytree(GOLDEN.with_name("schema5"), tmp_path / "store")
    monkeypatch.setattr(access.os, "access", lambda _path, _mode: False)
    store = Store(tmp_path / "store", create=False)

    assert store.find_run("golden") == "20260102-030405-1f3a"
    with pytest.raises(StoreError) as caught:
        store.add_run(make_run("other"))

    assert str(caught.value) == f"{store.folder}/dyno.db: {READ_ONLY}"
    assert [path.name for path in store.folder.iterdir()] == ["dyno.db"]


def test_every_failure_of_sqlite_has_its_remedy():
    assert all(
        remedy.endswith(".") and not expected.endswith(".")
        for expected, remedy in database._FAILURES.values()
    )


def test_an_empty_file_is_no_store_unless_one_is_to_be_made(tmp_path):
    (tmp_path / "dyno.db").touch()

    assert refusal(tmp_path, create=False) == (
        f"{tmp_path}/dyno.db: expected a dyno store, got an empty file. "
        "Remove it, or name another folder with --store."
    )
    assert (tmp_path / "dyno.db").read_bytes() == b""
    assert Store(tmp_path).runs() == ()
