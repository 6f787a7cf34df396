import hashlib
import shutil
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from results.record import Protocol
from results.rules import STATISTICS_VERSION as VERSION
from results.store import Store
from results.summaries import summaries
from results.timings import encode
from results.upkeep.verify import Verified, verify

RUN = "20260102-030405-1f3a"
CASE = f"run {RUN}, case"
UNREADABLE = "expected a row that can be read, got"
NO_JSON = f"{UNREADABLE} JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
NAMES = [repr(field.name) for field in fields(Protocol)]
FIELDS = f"{', '.join(NAMES[:-1])}, and {NAMES[-1]}"
DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def filled(store, fill):
    fill(store, parts=5)
    summaries(store, store.read_run(RUN))
    return store


def problems(store):
    return list(verify(store).problems)


def test_a_whole_store_is_counted(filled):
    assert verify(filled) == Verified(runs=1, launches=4, timings=35, pruned=0, problems=())


@pytest.mark.parametrize("schema", [1, 2, 3, 4])
def test_golden_stores_are_whole(tmp_path, schema):
    shutil.copytree(DATA / f"schema{schema}", tmp_path / "golden")

    assert problems(Store(tmp_path / "golden")) == []


def test_pruned_launches_are_counted_apart(filled, change):
    change("DELETE FROM timings WHERE launch_id < 3")

    assert verify(filled) == Verified(runs=1, launches=4, timings=15, pruned=2, problems=())


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE timings SET wall_ns = x'0901' WHERE launch_id = 2",
            f"{CASE} 0, launch 1: expected timings of version 1 or 2, got 9",
        ),
        (
            "UPDATE launch SET blocks = '[[9,10000000,1,0,0]]' WHERE id = 1",
            f"{CASE} 0, launch 0: expected wall_ns of its 9 queries, got 10",
        ),
        (
            "UPDATE launch SET covariates = '{' WHERE id = 1",
            (
                f"{CASE} 0, launch 0: {UNREADABLE} JSONDecodeError: Expecting property "
                "name enclosed in double quotes: line 1 "
                "column 2 (char 1)"
            ),
        ),
        (
            "UPDATE launch SET protocol = '{}' WHERE id = 1",
            (
                f"{CASE} 0, launch 0: expected a row that can be read, got TypeError: "
                f"Protocol.__init__() missing 18 required keyword-only arguments: {FIELDS}"
            ),
        ),
        (
            "UPDATE launch SET number = 4 WHERE id = 2",
            f"{CASE} 0, launch 4: expected launch 1 of attempt 0",
        ),
        (
            "UPDATE run SET environment = '' WHERE 1",
            f"run {RUN}: {NO_JSON}",
        ),
        (
            "UPDATE resume SET environment = '' WHERE 1",
            f"run {RUN}, resume 1: {NO_JSON}",
        ),
        (
            "UPDATE run_end SET state = 'perhaps' WHERE id = 1",
            f"run {RUN}, its end: expected done or interrupted, got 'perhaps'",
        ),
        (
            "UPDATE \"case\" SET case_id = 'x' WHERE position = 1",
            f"{CASE} 1: expected the id 'lstm/onnxruntime-cpu/fp32/b2/sequence=16', got 'x'",
        ),
        (
            "UPDATE outcome SET outcome = 'lost' WHERE position = 1",
            f"{CASE} 1: expected a row that can be read, got KeyError: 'lost'",
        ),
        (
            (
                "UPDATE outcome SET outcome = 'measured', detail = '{\"stopped_by\":\"time\"}' "
                "WHERE position = 1"
            ),
            f"{CASE} 1: expected launches of a measured case, got none",
        ),
        (
            "UPDATE summary SET launches = 9 WHERE position = 0",
            (
                f"{CASE} 0, summary by version {VERSION}: expected what its row says, got version "
                f"and launches ({VERSION}, 2)"
            ),
        ),
        (
            (
                "UPDATE summary SET summary = replace(summary, '\"queries\":20', '\"queries\":21') "
                "WHERE position = 0"
            ),
            f"{CASE} 0, summary by version {VERSION}: expected the case's 20 queries, got 21",
        ),
    ],
)
def test_what_does_not_agree_is_one_line_that_names_it(filled, change, statement, problem):
    change(statement)

    assert problems(filled) == [problem]


def test_an_open_case_needs_its_raw_timings(store, fill, change):
    fill(store)
    change("DELETE FROM timings WHERE launch_id = 3")

    assert problems(store) == [f"{CASE} 2: expected raw timings of an open case, got none"]


def test_a_measured_case_needs_a_summary_or_raw_timings(store, fill, change):
    fill(store)
    change("DELETE FROM timings WHERE launch_id = 2")

    assert problems(store) == [f"{CASE} 0: expected a summary or raw timings, got neither"]


def test_a_row_without_what_it_belongs_to_is_told(filled, change):
    change("PRAGMA foreign_keys = OFF")
    with filled.connection() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("DELETE FROM launch WHERE id = 4")
        connection.commit()

    assert problems(filled) == ["dyno.db: row 4 of table 'timings' has no 'launch'"]


def test_a_damaged_database_is_told_and_not_read_on(filled):
    path = filled.folder / "dyno.db"
    data = path.read_bytes()
    start = data.rindex(b"lstm/onnxruntime-cpu/fp32/b2/sequence=16")
    path.write_bytes(data[:start] + b"LSTM" + data[start + 4 :])

    found = verify(filled)

    assert (found.runs, found.launches) == (0, 0)
    assert found.problems
    assert all(problem.startswith("dyno.db: ") for problem in found.problems)


def test_files_named_by_hash_hold_what_their_names_say(store):
    whole, content = store.folder / "models", b"model"
    whole.mkdir()
    (whole / f"{hashlib.sha256(content).hexdigest()}.onnx").write_bytes(content)
    (whole / f"{'00' * 32}.onnx").write_bytes(content)
    (whole / "mine.onnx").write_bytes(content)

    assert problems(store) == [
        (
            f"models/{'00' * 32}.onnx: expected the bytes of that hash, got "
            f"{hashlib.sha256(content).hexdigest()}"
        )
    ]


def test_inputs_are_whole_archives(store):
    folder = store.folder / "inputs"
    folder.mkdir()
    for name in ("00", "11", "22"):
        np.savez(folder / f"{name * 32}.npz", input0=np.arange(100))
    with zipfile.ZipFile(folder / f"{'11' * 32}.npz") as archive:
        offset = archive.infolist()[0].header_offset + 200
    damaged = bytearray((folder / f"{'11' * 32}.npz").read_bytes())
    damaged[offset] ^= 1
    (folder / f"{'11' * 32}.npz").write_bytes(damaged)
    (folder / f"{'22' * 32}.npz").write_bytes(b"PK")

    assert problems(store) == [
        f"inputs/{'11' * 32}.npz: expected whole arrays, got input0.npy damaged",
        f"inputs/{'22' * 32}.npz: expected whole arrays, got the archive damaged",
    ]


def test_a_launch_of_times_that_no_clock_tells_is_told(filled, change):
    change("UPDATE timings SET wall_ns = ? WHERE launch_id = 1", encode(np.full(10, 7)))

    assert problems(filled) == [
        (
            f"{CASE} 0, launch 0: expected queries of 10000000 ns together, as its blocks "
            "took, got 70 ns"
        )
    ]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE run SET name = CAST(x'6eff' AS TEXT)",
            f"run {RUN}: expected text in 'name', got bytes that are not UTF-8",
        ),
        (
            "UPDATE \"case\" SET facts = CAST(x'7bff7d' AS TEXT) WHERE position = 1",
            f"{CASE} 1: expected text in 'facts', got bytes that are not UTF-8",
        ),
        (
            "UPDATE timings SET wall_ns = 'abc' WHERE launch_id = 2",
            f"{CASE} 0, launch 1: expected bytes in 'wall_ns', got 'abc'",
        ),
        (
            (
                "UPDATE summary SET summary = "
                "replace(summary, '\"mean_ns\":1000000.0', '\"mean_ns\":1000001.0') "
                "WHERE position = 0"
            ),
            (
                f"{CASE} 0, its summary: expected latency.mean_ns of 1000000.0 as its raw timings "
                "give, got 1000001.0"
            ),
        ),
    ],
)
def test_damage_is_told_and_the_rest_is_read(filled, change, statement, problem):
    change(statement)

    found = verify(filled)

    assert found.problems == (problem,)
    assert (found.runs, found.launches) == (1, 4)


def test_every_flipped_byte_of_an_archive_s_head_is_told_in_a_line(store):
    folder = store.folder / "inputs"
    folder.mkdir()
    path = folder / f"{'00' * 32}.npz"
    np.savez_compressed(path, input0=np.arange(20))
    whole = path.read_bytes()
    start = whole.index(b"PK\x01\x02")
    for place in (start + 6, start + 8, start + 10, start + 16, len(whole) - 6):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x63]) + whole[place + 1 :])
        found = problems(store)
        assert [line.partition(", got ")[0] for line in found] == [
            f"inputs/{'00' * 32}.npz: expected whole arrays"
        ], place


FEW = ("few-queries", "few-launches", "consecutive")


@pytest.fixture
def told(store, fill, make_telemetry):
    """A store whose first case has telemetry, and a summary with it."""
    fill(store, parts=5)
    store.add_telemetry(RUN, 0, make_telemetry())
    summaries(store, store.read_run(RUN))
    return store


def test_telemetry_that_agrees_is_no_problem(told):
    assert problems(told) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE telemetry SET samples = replace(samples, '200.5,null', '200.5')",
            f"{CASE} 0, telemetry of attempt 0: expected watts of 2 samples, got 1",
        ),
        (
            "UPDATE telemetry SET samples = replace(samples, '200.5,null', 'NaN,null')",
            f"{CASE} 0, telemetry of attempt 0: expected numbers in 'watts', got nan",
        ),
        (
            "UPDATE telemetry SET readings = replace(readings, '900.0', 'null')",
            (
                f"{CASE} 0, telemetry of attempt 0: expected energy and the queries it was for, "
                "got one without the other"
            ),
        ),
        (
            "DELETE FROM telemetry",
            (
                f"{CASE} 0, its summary: expected notes of {FEW!r} as its raw timings give, got "
                f"{(*FEW, 'throttled', 'shared-gpu')!r}"
            ),
        ),
    ],
)
def test_damaged_telemetry_is_told(told, change, statement, problem):
    change(statement)

    assert problem in problems(told)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE accuracy SET parity = replace(parity, '0.99957', '9.9')",
            "accuracy of attempt 0: expected a cosine from -1 to 1, got 9.9 of 'logits'",
        ),
        (
            "UPDATE accuracy SET parity = replace(parity, '0.99957', 'NaN')",
            "accuracy of attempt 0: expected finite numbers, got NaN",
        ),
        (
            "UPDATE accuracy SET task = replace(task, '0.904', '90.4')",
            "accuracy of attempt 0: expected a fraction for f1 of '8', got 90.4",
        ),
    ],
)
def test_damaged_accuracy_is_told(store, fill, make_accuracy, change, statement, problem):
    fill(store, parts=5)
    store.add_accuracy(RUN, 0, make_accuracy())
    assert problems(store) == []
    change(statement)

    assert problems(store) == [f"{CASE} 0, {problem}"]


def test_an_effect_that_cannot_be_is_told(store, make_run, make_case, make_effect):
    store.add_run(make_run())
    store.add_case(RUN, make_case(effect=make_effect(nodes=10)))

    assert problems(store) == [f"{CASE} 0: expected at most 9 changed nodes, got 10"]
