import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from results.record import Failed, LaunchRecord, Measured, RunEnd, Skipped
from results.store import Store, StoreError

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


def test_what_preparing_did_and_what_a_query_costs_come_back(
    store, make_run, make_case, make_effect, make_cost
):
    made = make_case(effect=make_effect(), cost=make_cost(ceiling="memory"))
    store.add_run(make_run())
    store.add_case(make_run().id, made)

    assert store.read_run(make_run().id).cases[0].record == made


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


def test_settled_cases_are_added_all_at_once(store, make_run, make_case):
    store.add_run(make_run())
    settled = [
        (make_case(0), Skipped(reason="excluded")),
        (make_case(1), Failed(kind="environment", message="m", hint="h")),
    ]

    store.add_settled(make_run().id, settled)

    found = store.read_run(make_run().id).cases
    assert [(case.record, case.outcome) for case in found] == settled


def test_settled_cases_are_added_all_or_none(store, make_run, make_case):
    store.add_run(make_run())
    twice = [(make_case(0), Skipped(reason="a")), (make_case(0), Skipped(reason="b"))]

    with pytest.raises(IntegrityError):
        store.add_settled(make_run().id, [(make_case(1), Skipped(reason="c")), *twice])

    assert store.read_run(make_run().id).cases == ()


def test_no_settled_cases_are_added_without_a_word(store, make_run):
    store.add_run(make_run())

    store.add_settled(make_run().id, [])

    assert store.read_run(make_run().id).cases == ()


def test_settled_cases_cost_one_transaction(store, make_run, make_case):
    store.add_run(make_run())
    commits = []
    event.listen(store._engine, "commit", commits.append)

    store.add_settled(make_run().id, [(make_case(n), Skipped(reason="r")) for n in range(50)])

    assert len(commits) == 1


def test_names_that_are_no_utf_8_are_stored_escaped(store, make_run, make_case):
    store.add_run(make_run(name="a\udcff"))
    failed = Failed(kind="invalid-model", message="m\udcff.onnx: not ONNX", hint="")

    store.add_settled(make_run().id, [(make_case(0, model="m\udcff"), failed)])

    found = store.read_run(make_run().id)
    assert found.record.name == "a\\udcff"
    assert found.cases[0].record.case.model == "m\\udcff"
    assert found.cases[0].outcome == failed


@pytest.mark.parametrize("steady", [True, False, None])
def test_whether_a_launch_was_steady_comes_back(filled, make_run, make_launch, steady):
    filled.add_launch(make_run().id, 1, make_launch(0, steady=steady))

    assert filled.launches(make_run().id, 1)[0].steady is steady


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


def test_damaged_timings_name_their_case(filled, make_run):
    connection = sqlite3.connect(filled.folder / "dyno.db")
    try:
        connection.execute("UPDATE timings SET wall_ns = x'0901'")
        connection.commit()
    finally:
        connection.close()

    with pytest.raises(StoreError) as caught:
        filled.launches(make_run().id, 0)

    assert str(caught.value) == (
        f"{filled.folder}/dyno.db: run 20260102-030405-1f3a, case 0: expected timings of version "
        "1 or 2, got 9. Use the dyno that wrote it or a newer one, or measure again."
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


LIST = "List all that is damaged with 'dyno store verify', and measure again."


@pytest.mark.parametrize(
    ("statement", "where", "told"),
    [
        (
            "UPDATE run SET environment = '{'",
            "",
            (
                "expected a row that can be read, got JSONDecodeError: Expecting property name "
                "enclosed in double quotes: line 1 column 2 (char 1)"
            ),
        ),
        (
            "UPDATE \"case\" SET facts = CAST(x'7bff7d' AS TEXT)",
            ", case 0",
            "expected text in 'facts', got bytes that are not UTF-8",
        ),
        (
            "UPDATE outcome SET outcome = 'lost'",
            ", case 0",
            "expected a row that can be read, got KeyError: 'lost'",
        ),
    ],
)
def test_a_damaged_row_is_one_line_with_its_run_and_case(
    store, make_run, make_case, statement, where, told
):
    run_id = make_run().id
    store.add_run(make_run())
    store.add_settled(run_id, [(make_case(0), Skipped(reason="r"))])
    with store.connection() as connection:
        connection.exec_driver_sql(statement)
        connection.commit()

    with pytest.raises(StoreError) as caught:
        store.read_run(run_id)

    assert str(caught.value) == f"{store.folder}/dyno.db: run {run_id}{where}: {told}. {LIST}"


@pytest.mark.parametrize("read", ["glances", "summaries"])
def test_a_damaged_summary_is_one_line_with_its_run_and_case(store, make_run, make_case, read):
    run_id = make_run().id
    store.add_run(make_run())
    store.add_case(run_id, make_case(0))
    with store.connection() as connection:
        connection.exec_driver_sql("INSERT INTO summary VALUES (?, 0, 1, 2, '{')", (run_id,))
        connection.commit()

    with pytest.raises(StoreError) as caught:
        getattr(store, read)(run_id, 1)

    assert str(caught.value) == (
        f"{store.folder}/dyno.db: run {run_id}, case 0: expected a row that can be read, got "
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 "
        f"(char 1). {LIST}"
    )


def test_a_view_is_of_one_moment(store, make_run):
    store.add_run(make_run("a"))
    with store.view():
        Store(store.folder).add_run(make_run("b"))
        seen = [run.record.id for run in store.runs()]

    assert seen == ["a"]
    assert len(store.runs()) == 2


@pytest.mark.parametrize("read", [lambda store, _: store.runs(), Store.read_run])
def test_a_damaged_end_of_a_run_is_one_line(filled, make_run, read):
    filled.end_run(make_run().id, RunEnd(ended_at=1_767_323_090.1, state="done"))
    with closing(sqlite3.connect(filled.folder / "dyno.db")) as connection, connection:
        connection.execute("UPDATE run_end SET ended_at = x''")

    with pytest.raises(StoreError) as caught:
        read(filled, make_run().id)

    assert str(caught.value) == (
        f"{filled.folder}/dyno.db: run {make_run().id}: expected a number in 'ended_at', got b''. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )
