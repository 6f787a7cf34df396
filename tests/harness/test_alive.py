import pytest

from engines.lock import Lock
from harness.alive import AliveError, alive, live_runs


def test_a_run_is_alive_while_it_goes_on(tmp_path):
    with alive(tmp_path, "r1"), alive(tmp_path, "r2"):
        assert live_runs(tmp_path) == {"r1", "r2"}
    assert live_runs(tmp_path) == set()
    assert list((tmp_path / "alive").iterdir()) == []


def test_one_run_cannot_go_on_twice(tmp_path):
    with alive(tmp_path, "r1"), pytest.raises(AliveError) as caught, alive(tmp_path, "r1"):
        pass
    assert str(caught.value) == (
        f"{tmp_path}: expected a run that has ended, got 'r1', which goes on in another process. "
        "Wait for it, or end it."
    )


def test_what_killed_runs_left_is_swept_by_the_next_one(tmp_path):
    (tmp_path / "alive").mkdir()
    killed = tmp_path / "alive" / "killed.lock"
    killed.write_text("")
    assert live_runs(tmp_path) == set()

    with alive(tmp_path, "r1"):
        assert not killed.exists()


def test_the_file_of_a_live_run_is_not_swept(tmp_path):
    (tmp_path / "alive").mkdir()
    held = Lock.take(tmp_path / "alive" / "other.lock")

    with alive(tmp_path, "r1"):
        assert live_runs(tmp_path) == {"other", "r1"}
    held.release()


def test_a_store_without_runs_has_none_alive(tmp_path):
    assert live_runs(tmp_path / "nowhere") == set()
