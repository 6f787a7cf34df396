import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engines.cache.prune import Pruned, prune, uses
from engines.lock import Lock

DAY_NS = 86_400 * 10**9


@pytest.fixture
def filled(cache, wanted, builder):
    """Three entries, used 1, 2 and 3 days after the epoch; returns their folders by model."""
    folders = {}
    for day, model in enumerate(("old", "middle", "new"), 1):
        path = cache.obtain(wanted(model), builder(bytes(10_000))).path
        os.utime(path.with_name("entry.json"), ns=(day * DAY_NS, day * DAY_NS))
        folders[model] = path.parent
    return folders


def left(filled):
    return [model for model, path in filled.items() if path.exists()]


def size(cache):
    return sum(use.bytes for use in uses(cache.folder))


def test_entries_are_listed_from_the_one_used_longest_ago(cache, filled):
    found = uses(cache.folder)
    assert [use.path for use in found] == list(filled.values())
    assert [use.used_ns // DAY_NS for use in found] == [1, 2, 3]
    real = sum(file.stat().st_size for file in filled["old"].iterdir())
    assert found[0].bytes == real > 10_000


def test_the_ones_used_longest_ago_go_until_the_rest_fits(cache, filled):
    told = prune(cache.folder, to_bytes=25_000)
    assert left(filled) == ["middle", "new"]
    assert told == Pruned(
        removed=1,
        freed_bytes=told.freed_bytes,
        left=2,
        left_bytes=size(cache),
        in_use=0,
        stuck=0,
    )
    assert 10_000 < told.freed_bytes < 12_500


def test_a_use_saves_an_entry(cache, filled, wanted, builder):
    assert cache.obtain(wanted("old"), builder()).cached
    prune(cache.folder, to_bytes=25_000)
    assert left(filled) == ["old", "new"]


def test_what_fits_stays(cache, filled):
    told = prune(cache.folder, to_bytes=size(cache))
    assert (told.removed, left(filled)) == (0, ["old", "middle", "new"])


def test_the_caches_own_cap_counts(cache, filled, tmp_path):
    type(cache).make(tmp_path / "cache", cap_bytes=0).prune()
    assert left(filled) == []
    assert list(cache.folder.locks.iterdir()) == list(cache.folder.tmp.iterdir()) == []


def test_what_a_live_run_used_stays_until_it_ends(cache, filled, wanted, builder):
    with cache.in_use():
        cache.obtain(wanted("middle"), builder())
        told = prune(cache.folder, to_bytes=0)
        assert left(filled) == ["middle"]
        assert (told.removed, told.in_use, told.left) == (2, 1, 1)
    prune(cache.folder, to_bytes=0)
    assert left(filled) == []


def test_the_oldest_live_run_counts(cache, filled, wanted, builder):
    with cache.in_use():
        cache.obtain(wanted("old"), builder())
        with cache.in_use():
            prune(cache.folder, to_bytes=0)
    assert left(filled) == ["old"]


def test_a_run_that_was_killed_keeps_nothing(cache, filled):
    (cache.folder.users / "1-dead.lock").touch()
    os.utime(cache.folder.users / "1-dead.lock", ns=(0, 0))
    prune(cache.folder, to_bytes=0)
    assert left(filled) == []
    assert list(cache.folder.users.iterdir()) == []


def test_what_somebody_builds_or_looks_up_just_now_stays(cache, filled):
    lock = Lock.take(cache.folder.lock(filled["old"].name))
    building = cache.folder.fresh(filled["old"].name)
    building.mkdir()
    told = prune(cache.folder, to_bytes=0)
    assert (told.removed, told.in_use, left(filled)) == (2, 1, ["old"])
    assert building.exists()
    lock.release(remove=True)


def test_what_dead_builders_left_goes_even_where_all_fits(cache, filled):
    leftover = cache.folder.fresh("ab" * 32)
    leftover.mkdir()
    (leftover / "engine").write_bytes(b"half")
    prune(cache.folder, to_bytes=10**9)
    assert list(cache.folder.tmp.iterdir()) == []
    assert left(filled) == ["old", "middle", "new"]


def test_an_entry_without_a_description_goes_first(cache, filled):
    (filled["new"] / "entry.json").unlink()
    prune(cache.folder, to_bytes=25_000)
    assert left(filled) == ["old", "middle"]


def test_a_link_goes_and_what_it_leads_to_stays(cache, filled, tmp_path):
    filled["old"].rename(tmp_path / "elsewhere")
    filled["old"].symlink_to(tmp_path / "elsewhere")
    prune(cache.folder, to_bytes=0)
    assert left(filled) == []
    assert not filled["old"].is_symlink()
    assert (tmp_path / "elsewhere" / "engine").exists()


def test_what_the_system_does_not_let_go_is_counted(cache, filled, monkeypatch):
    rename = type(filled["old"]).rename

    def refuse(path, target):
        if path == filled["old"]:
            raise PermissionError(13, "Permission denied", str(path))
        return rename(path, target)

    monkeypatch.setattr(type(filled["old"]), "rename", refuse)
    told = prune(cache.folder, to_bytes=0)
    assert (told.removed, told.stuck, told.left, left(filled)) == (2, 1, 1, ["old"])


def test_a_run_never_loses_an_engine_to_a_pruner_beside_it(cache, wanted, builder):
    done = threading.Event()

    def clear():
        rounds = 0
        while not done.is_set():
            prune(cache.folder, to_bytes=0)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(1) as pool:
        rounds = pool.submit(clear)
        try:
            for _ in range(20):
                with cache.in_use():
                    models = ("a", "b", "c")
                    found = [cache.obtain(wanted(m), builder(m.encode())).path for m in models]
                    assert [path.read_bytes() for path in found] == [b"a", b"b", b"c"]
        finally:
            done.set()
        assert rounds.result() > 0
