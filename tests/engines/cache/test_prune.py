import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engines.cache import prune as module
from engines.cache.prune import Pruned, Stuck, prune, uses
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
        stuck=(),
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


def test_what_a_live_run_used_stays_though_the_clock_was_set_back(cache, filled, wanted, builder):
    with cache.in_use():
        (user,) = cache.folder.users.iterdir()
        os.utime(user, ns=(9 * DAY_NS, 9 * DAY_NS))
        path = cache.obtain(wanted("middle"), builder()).path
        os.utime(path.with_name("entry.json"), ns=(0, 0))
        prune(cache.folder, to_bytes=0)
    assert left(filled) == ["middle"]


def test_what_no_live_run_used_goes_though_its_time_is_to_come(cache, filled):
    later = 2**62
    os.utime(filled["new"] / "entry.json", ns=(later, later))
    with cache.in_use():
        prune(cache.folder, to_bytes=0)
    assert left(filled) == []


def test_a_run_that_was_killed_keeps_nothing(cache, filled):
    (cache.folder.users / "1-dead.lock").write_text(f"{filled['new'].name}\n")
    prune(cache.folder, to_bytes=0)
    assert left(filled) == []


def test_lock_files_of_the_dead_go_even_where_all_fits_and_those_of_the_living_stay(cache, filled):
    (cache.folder.users / "1-dead.lock").touch()
    cache.folder.lock("ab" * 32).touch()
    building = Lock.take(cache.folder.lock("cd" * 32))
    with cache.in_use():
        prune(cache.folder, to_bytes=10**9)
        assert [path.name for path in cache.folder.locks.iterdir()] == [f"{'cd' * 32}.lock"]
        (user,) = cache.folder.users.iterdir()
        assert user.name.startswith(f"{os.getpid()}-")
    building.release(remove=True)
    assert left(filled) == ["old", "middle", "new"]


def test_a_user_that_is_not_to_be_read_keeps_everything(cache, filled, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(module, "noted", refuse)
    with cache.in_use():
        (user,) = cache.folder.users.iterdir()
        told = prune(cache.folder, to_bytes=0)
    assert left(filled) == ["old", "middle", "new"]
    assert told.stuck == (Stuck(path=user, reason="permission denied"),) * 3


def test_a_user_that_ends_meanwhile_keeps_nothing(cache, filled, monkeypatch):
    def gone(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(module, "noted", gone)
    with cache.in_use():
        prune(cache.folder, to_bytes=0)
    assert left(filled) == []


def test_folders_that_were_deleted_by_hand_are_made_again(cache, filled):
    for path in (cache.folder.tmp, cache.folder.locks, cache.folder.users):
        path.rmdir()
    assert prune(cache.folder, to_bytes=0).removed == 3
    assert left(filled) == []


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
    assert told.stuck == (Stuck(path=filled["old"], reason="permission denied"),)
    assert (told.removed, told.left, left(filled)) == (2, 1, ["old"])


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
