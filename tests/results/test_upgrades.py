import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from results.store import Store

DATA = Path(__file__).parent / "data"


@pytest.fixture
def upgraded(tmp_path):
    shutil.copytree(DATA / "schema1", tmp_path / "old")
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
    with closing(sqlite3.connect(DATA / "schema1" / "dyno.db")) as connection:
        before = connection.execute("SELECT id, wall_ns, gpu_compute_ns FROM launch").fetchall()

    assert len(before) == 2
    assert ask(upgraded, "SELECT launch_id, wall_ns, gpu_compute_ns FROM timings") == before
