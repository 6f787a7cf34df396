import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.record import LaunchRecord
from results.rules import STATISTICS_VERSION as VERSION
from results.store import Store, StoreError
from results.summaries import summaries
from results.upkeep.merge import Fate, Merged, merge
from results.upkeep.verify import verify

GOLDEN = Path(__file__).parent.parent / "data"
RUN = "20260102-030405-1f3a"
OTHER_ID = f"{RUN} nightly"
DIFFER = "another run has this id here: they differ in"


@pytest.fixture
def other(tmp_path):
    return Store(tmp_path / "other")


def merged(fate, *, run_id=RUN, name="nightly", reason="", cases=0, launches=0, outcomes=0):
    new = {"case": cases, "launch": launches, "outcome": outcomes}
    return Merged(kind="run", id=run_id, name=name, fate=fate, new=new, reason=reason)


def content(store):
    """Everything that a store says of its runs, but the numbers of rows."""
    runs = [store.read_run(overview.record.id) for overview in store.runs()]
    launches = {
        (run.record.id, case.record.position): [
            [np.asarray(getattr(launch, name)).tolist() for name in LaunchRecord.__slots__]
            for launch in store.launches(run.record.id, case.record.position)
        ]
        for run in runs
        for case in run.cases
    }
    return runs, launches


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_the_runs_of_another_store_are_added_oldest_first(store, other, fill):
    fill(other, "b", started_at=2.0)
    fill(other, "a", started_at=3.0, parts=5)
    fill(store, "mine", started_at=1.0)

    found = list(merge(store, other.folder))

    assert found == [
        merged(Fate.ADDED, cases=3, launches=3, outcomes=2, run_id="b"),
        merged(Fate.ADDED, cases=3, launches=4, outcomes=3, run_id="a"),
    ]
    assert [overview.record.id for overview in store.runs()] == ["a", "b", "mine"]
    assert content(store)[0][:2] == content(other)[0]
    assert verify(store).problems == ()


def test_a_merged_run_is_the_same_in_all_that_is_stored(store, other, fill):
    summaries(fill(other, parts=5), other.read_run(RUN))
    list(merge(store, other.folder))

    assert content(store) == content(other)
    assert store.summaries(RUN, VERSION) == other.summaries(RUN, VERSION) != {}


def test_telemetry_is_merged_and_compared(store, other, fill, make_telemetry):
    fill(store)
    fill(other)
    other.add_telemetry(RUN, 0, make_telemetry())

    assert list(merge(store, other.folder)) == [merged(Fate.EXTENDED)]
    assert store.telemetry(RUN, 0) == make_telemetry()
    assert list(merge(store, other.folder)) == [merged(Fate.SAME)]

    store.add_telemetry(RUN, 2, make_telemetry())
    other.add_telemetry(RUN, 2, make_telemetry(idle_watts=1.0))
    reason = f"{DIFFER} telemetry"
    assert list(merge(store, other.folder)) == [merged(Fate.REFUSED, reason=reason)]


def test_accuracy_is_merged_and_compared(store, other, fill, make_accuracy):
    fill(store)
    fill(other)
    other.add_accuracy(RUN, 0, make_accuracy())

    assert list(merge(store, other.folder)) == [merged(Fate.EXTENDED)]
    assert store.accuracy(RUN, 0) == make_accuracy()
    assert list(merge(store, other.folder)) == [merged(Fate.SAME)]

    store.add_accuracy(RUN, 2, make_accuracy())
    other.add_accuracy(RUN, 2, make_accuracy(reference="another"))
    reason = f"{DIFFER} accuracy"
    assert list(merge(store, other.folder)) == [merged(Fate.REFUSED, reason=reason)]


def test_the_other_store_is_left_as_it_is(store, other, fill):
    fill(other)
    before = files(other.folder)

    list(merge(store, other.folder))

    assert files(other.folder) == before


def test_a_run_that_is_here_is_not_added_again(store, other, fill):
    fill(other)
    list(merge(store, other.folder))

    assert list(merge(store, other.folder)) == [merged(Fate.SAME)]
    assert content(store) == content(other)


def test_a_run_of_which_the_other_has_more_is_extended(store, other, fill):
    fill(other, parts=2)
    list(merge(store, other.folder))
    fill(store, "between")
    shutil.rmtree(other.folder)
    longer = fill(Store(other.folder), parts=5)

    found = list(merge(store, other.folder))

    assert found == [merged(Fate.EXTENDED, launches=2, outcomes=3)]
    assert content(longer)[0] == [store.read_run(RUN)]
    assert content(longer)[1].items() <= content(store)[1].items()
    assert verify(store).problems == ()


def test_a_run_of_which_this_store_has_more_stays(store, other, fill):
    fill(store, parts=5)
    fill(other, parts=3)
    before = content(store)

    assert list(merge(store, other.folder)) == [merged(Fate.LONGER_HERE)]
    assert content(store) == before


def test_two_runs_with_one_id_are_not_mixed(store, other, fill, make_case):
    fill(store, parts=3)
    fill(other, parts=2)
    other.add_case(RUN, make_case(3))
    before = content(store)

    found = list(merge(store, other.folder))

    assert found == [merged(Fate.REFUSED, reason=f"{DIFFER} case, outcome")]
    assert content(store) == before


def test_a_refused_run_does_not_hold_up_the_others(store, other, fill):
    fill(store, name="mine")
    fill(other, name="theirs")
    fill(other, "newer", started_at=1_800_000_000.0)

    found = list(merge(store, other.folder))

    assert found == [
        merged(Fate.REFUSED, name="theirs", reason=f"{DIFFER} run"),
        merged(Fate.ADDED, run_id="newer", cases=3, launches=3, outcomes=2),
    ]


def test_a_run_whose_raw_timings_differ_is_refused(store, other, fill, change):
    fill(store)
    fill(other)
    change("UPDATE timings SET wall_ns = x'00' WHERE launch_id = 2")

    found = list(merge(store, other.folder))

    assert found == [merged(Fate.REFUSED, reason=f"{DIFFER} raw timings")]


def test_raw_timings_that_were_pruned_here_are_not_brought_back(store, other, fill, change):
    fill(store)
    fill(other, parts=5)
    change("DELETE FROM timings")

    found = list(merge(store, other.folder))

    assert found == [merged(Fate.EXTENDED, launches=1, outcomes=1)]
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        assert connection.execute("SELECT count(*) FROM timings").fetchall() == [(1,)]


def test_a_run_that_goes_on_here_is_not_extended(store, other, fill):
    fill(store, parts=3)
    fill(other, parts=5)

    found = list(merge(store, other.folder, live={RUN}))

    assert found == [
        merged(Fate.REFUSED, reason="the other store has more of it, and it goes on here")
    ]


def test_a_store_of_an_older_schema_is_merged_from_an_upgraded_copy(store):
    before = files(GOLDEN / "schema1")

    found = list(merge(store, GOLDEN / "schema1"))

    assert found == [merged(Fate.ADDED, cases=4, launches=2, outcomes=3, name="golden")]
    assert store.launches(RUN, 0)[1].wall_ns.tolist() == list(range(1_001_000, 1_001_100))
    assert files(GOLDEN / "schema1") == before
    assert [path.name for path in store.folder.iterdir()] == ["dyno.db"]
    assert verify(store).problems == ()


def test_models_inputs_and_logs_of_merged_runs_come_along(store, other, fill):
    fill(other)
    for name in (f"models/{'ab' * 32}.onnx", f"inputs/{'cd' * 32}.npz", f"logs/{RUN}/0.log"):
        (other.folder / name).parent.mkdir(parents=True)
        (other.folder / name).write_text(name)
    (other.folder / "models" / f"{'ef' * 32}.onnx").write_text("no case names it")

    list(merge(store, other.folder))

    copied = sorted(path for path in store.folder.rglob("*/*") if path.is_file())
    assert [str(path.relative_to(store.folder)) for path in copied] == [
        f"inputs/{'cd' * 32}.npz",
        f"logs/{RUN}/0.log",
        f"models/{'ab' * 32}.onnx",
    ]
    assert [path.read_text() for path in copied] == [
        str(path.relative_to(store.folder)) for path in copied
    ]


def test_a_merge_that_ends_half_way_through_a_run_leaves_none_of_it(
    store, other, fill, monkeypatch
):
    fill(other)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("results.upkeep.merge._copy_timings", killed)
    with pytest.raises(KeyboardInterrupt):
        list(merge(store, other.folder))
    monkeypatch.undo()

    assert store.runs() == ()
    assert list(merge(store, other.folder)) == [merged(Fate.ADDED, cases=3, launches=3, outcomes=2)]


def refusal(store, folder):
    with pytest.raises(StoreError) as caught:
        list(merge(store, folder))
    return str(caught.value)


def test_a_folder_without_a_store_is_refused(store, tmp_path):
    assert refusal(store, tmp_path / "none") == (
        f"{tmp_path}/none: expected a store to merge, got no dyno.db there. "
        "Name the folder of a store."
    )


def test_a_store_is_not_merged_into_itself(store):
    folder = store.folder / ".." / "store"

    assert refusal(store, folder) == (
        f"{folder}: expected another store to merge, got the one to merge into. "
        "Name another folder."
    )


def test_a_newer_store_is_refused_with_the_dyno_that_can_read_it(store, other, fill, change):
    fill(other)
    change("PRAGMA user_version = 9", of=other)

    assert refusal(store, other.folder) == (
        f"{other.folder}/dyno.db: expected a store of schema 1 to 5, got schema 9. "
        "Use dyno 0.1.0 or a newer one."
    )


def test_a_damaged_store_is_refused_before_anything_is_copied(store, other, fill):
    fill(other)
    path = other.folder / "dyno.db"
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'timings'"
        ((page,),) = connection.execute(query).fetchall()
    data = bytearray(path.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = b"\xff" * 4096
    path.write_bytes(data)

    told = refusal(store, other.folder)

    assert told.startswith(f"{path}: expected a whole database, got a damaged one (")
    assert told.endswith("). Recover it with 'sqlite3 dyno.db .recover'.")
    assert "\n" not in told
    assert store.runs() == ()


def test_a_log_that_cannot_be_applied_is_no_reason_to_lose_its_results(
    store, other, fill, monkeypatch
):
    fill(other)
    (other.folder / "dyno.db-wal").write_bytes(b"log")
    monkeypatch.setattr(
        "results.access.os.access", lambda path, _mode: other.folder not in (path, path.parent)
    )

    assert refusal(store, other.folder) == (
        f"{other.folder}/dyno.db-wal: cannot be applied in a read-only folder, so the newest "
        "results are missing. Copy the folder to where you may write, and name the copy instead."
    )


def test_runs_named_alike_are_told_apart_by_their_id(store, other, fill, make_run):
    fill(other, "x")
    store.add_run(replace(make_run("y")))

    list(merge(store, other.folder))

    assert [overview.record.name for overview in store.runs()] == ["nightly", "nightly"]


def test_files_are_there_before_the_rows_that_name_them(store, other, fill, monkeypatch):
    fill(other)
    log = other.folder / "logs" / RUN / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("log")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("results.upkeep.merge.copy_logs", killed)
    with pytest.raises(KeyboardInterrupt):
        list(merge(store, other.folder))
    assert store.runs() == ()
    monkeypatch.undo()
    list(merge(store, other.folder))

    assert (store.folder / "logs" / RUN / "0.log").read_text() == "log"


def test_logs_that_were_pruned_here_are_not_brought_back(store, other, fill):
    fill(other)
    log = other.folder / "logs" / RUN / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("log")
    list(merge(store, other.folder))
    shutil.rmtree(store.folder / "logs")

    assert list(merge(store, other.folder)) == [merged(Fate.SAME)]
    assert not (store.folder / "logs").exists()


def test_damage_is_told_of_the_store_that_has_it(store, other, fill, change):
    fill(other)
    change("UPDATE run SET name = CAST(x'6eff' AS TEXT)", of=other)

    assert refusal(store, other.folder) == (
        f"{other.folder}/dyno.db: expected text, got bytes that are not UTF-8. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )
