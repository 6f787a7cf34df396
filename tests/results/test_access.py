import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from results import access as module
from results.access import Access, access, caution, readable, uri
from results.store import Store, StoreError

GOLDEN = Path(__file__).parent / "data" / "schema5"


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


@pytest.mark.parametrize(
    ("free_blocks", "log", "found"),
    [
        (16, None, Access.WRITE),
        (15, None, Access.FROZEN),
        (15, b"", Access.FROZEN),
        (15, b"log", Access.WRITE),
    ],
)
def test_on_a_full_disk_a_store_without_a_log_is_read_as_it_is(
    path, monkeypatch, free_blocks, log, found
):
    disk = SimpleNamespace(f_bavail=free_blocks, f_frsize=4096)
    monkeypatch.setattr(module.os, "statvfs", lambda _: disk)
    if log is not None:
        beside(path, "-wal", log)

    assert readable(path) is found


def test_a_store_on_a_full_disk_is_read_and_not_written(mounted, make_run):
    folder = mounted("-t", "tmpfs", "-o", "size=512k", "tmpfs")
    shutil.copytree(GOLDEN, folder / "store")
    with (folder / "fill").open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(bytes(4096)):
            pass

    store = Store(folder / "store", create=False)

    assert store.find_run("golden") == "20260102-030405-1f3a"
    with pytest.raises(StoreError) as caught:
        store.add_run(make_run("other"))
    assert str(caught.value) == (
        f"{store.folder}/dyno.db: expected room on the disk, got none. "
        "Free space, or name another folder with --store."
    )
