import os

import pytest

from results import access as module
from results.access import Access, access, caution, uri


@pytest.fixture
def path(tmp_path):
    (tmp_path / "dyno.db").touch()
    return tmp_path / "dyno.db"


@pytest.fixture
def read_only(monkeypatch):
    """Nothing can be written: whoever runs the tests may be root, whom permissions let through."""
    monkeypatch.setattr(module.os, "access", lambda _path, _mode: False)


def beside(path, suffix, content=b"log"):
    path.with_name(path.name + suffix).write_bytes(content)


def test_a_store_that_can_be_written_is_opened_to_write(path):
    assert access(path) is Access.WRITE
    assert caution(path) is None


def test_a_file_in_a_folder_that_cannot_be_written_is_not(path, monkeypatch):
    monkeypatch.setattr(module.os, "access", lambda where, _mode: where == path)

    assert access(path) is Access.FROZEN


@pytest.mark.usefixtures("read_only")
def test_a_read_only_store_without_a_log_is_read_as_it_is(path):
    assert access(path) is Access.FROZEN
    assert caution(path) is None


@pytest.mark.usefixtures("read_only")
def test_a_read_only_store_with_a_log_and_its_index_is_read_with_both(path):
    beside(path, "-wal")
    beside(path, "-shm")

    assert access(path) is Access.READ
    assert caution(path) is None


@pytest.mark.usefixtures("read_only")
def test_a_log_without_its_index_is_told_for_it_cannot_be_applied(path):
    beside(path, "-wal")

    assert access(path) is Access.FROZEN
    assert caution(path) == (
        f"{path}-wal: cannot be applied in a read-only folder, so the newest results are missing. "
        "Copy the folder to where you may write, and name the copy instead."
    )


@pytest.mark.usefixtures("read_only")
def test_an_empty_log_hides_nothing(path):
    beside(path, "-wal", b"")

    assert caution(path) is None


def test_an_address_spells_out_what_means_something_in_one(tmp_path):
    path = tmp_path / os.fsdecode(b"a b?mode=ro#c%20\xff") / "dyno.db"

    assert uri(path, Access.READ) == (
        f"file:{tmp_path}/a%20b%3Fmode%3Dro%23c%2520%FF/dyno.db?mode=ro"
    )
