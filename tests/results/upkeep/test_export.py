import json
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from results.store import Store, StoreError
from results.telemetry import SERIES
from results.upkeep import export as module
from results.upkeep.export import export

pd = pytest.importorskip("pandas")
pq = pytest.importorskip("pyarrow.parquet")

RUN = "20260102-030405-1f3a"
NAMES = [
    "accuracy.parquet",
    "cases.parquet",
    "launches.parquet",
    "runs.parquet",
    "telemetry.parquet",
]
NAMES += ["timings.parquet", "verdicts.parquet"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "parquet"


def read(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def test_the_files_hold_all_of_the_runs_that_were_asked_for(store, fill, folder):
    fill(store, parts=5)
    fill(store, "other")
    fill(store, "third")

    rows = export(store, folder, [RUN, "other"])

    assert rows == {
        "runs.parquet": 2,
        "cases.parquet": 6,
        "launches.parquet": 7,
        "timings.parquet": 65,
        "telemetry.parquet": 0,
        "accuracy.parquet": 0,
        "verdicts.parquet": 0,
    }
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert {name: len(pd.read_parquet(folder / name)) for name in rows} == rows


def test_a_run_is_a_row(store, fill, folder):
    fill(store, parts=5)
    fill(store, "other", parts=1)
    export(store, folder, [RUN, "other"])

    runs = read(folder, "runs")

    assert list(runs["run_id"]) == [RUN, "other"]
    assert list(runs["resumes"]) == [1, 0]
    assert list(runs["state"].fillna("—")) == ["done", "—"]
    assert runs["ended_at"].iloc[0] == 1_767_323_200.0
    assert runs["environment_json"].iloc[0] == ('{"cpu":{"model":"AMD EPYC","cores":2},"why":null}')


def test_cases_of_runs_with_other_dimensions_share_a_table(
    store, fill, make_run, make_case, folder
):
    fill(store, parts=5)
    store.add_run(make_run("other"))
    store.add_case("other", make_case(dims=(("frames", 3),), options={"threads": "all"}))
    export(store, folder, [RUN, "other"])

    cases = read(folder, "cases")

    assert list(cases["outcome"]) == ["measured", "skipped", "measured", "open"]
    assert cases["p50_ns"].round(3).tolist()[:1] == [1_000_000.0]
    assert cases["dim_sequence"].tolist()[:3] == [16, 16, 16]
    assert cases["dim_frames"].isna().tolist() == [True, True, True, False]
    assert cases["option_threads"].tolist() == ["1", "1", "1", "all"]


def test_launches_of_every_attempt_are_rows(store, fill, folder, change):
    fill(store, parts=5)
    change("DELETE FROM timings WHERE launch_id = 3")
    export(store, folder, [RUN])

    launches = read(folder, "launches")

    assert launches[["position", "attempt", "launch"]].to_numpy().tolist() == [
        [0, 0, 0],
        [0, 0, 1],
        [2, 0, 0],
        [2, 1, 0],
    ]
    assert launches["queries"].tolist() == [10, 10, 10, 5]
    assert launches["elapsed_ns"].tolist() == [10_000_000] * 4
    assert launches["has_timings"].tolist() == [True, True, False, True]
    assert launches["steady"].tolist() == [True] * 4
    assert set(launches["clock"]) == {"perf_counter_ns"}


def test_raw_timings_are_a_row_a_query(store, fill, make_launch, folder):
    fill(store, parts=1)
    wall_ns = np.arange(1000, 1010)
    device = make_launch(0, wall_ns, gpu_compute_ns=wall_ns // 2)
    store.add_launch(RUN, 0, device)
    store.add_launch(RUN, 1, make_launch(0, (7, 8)))
    export(store, folder, [RUN])

    timings = read(folder, "timings")

    assert timings["run_id"].unique().tolist() == [RUN]
    assert timings["position"].tolist() == [0] * 10 + [1] * 2
    assert timings["query"].tolist() == [*range(10), 0, 1]
    assert timings["wall_ns"].tolist() == [*range(1000, 1010), 7, 8]
    assert timings["gpu_compute_ns"].dropna().tolist() == [n // 2 for n in range(1000, 1010)]
    assert timings["h2d_ns"].isna().all()


def test_telemetry_is_a_row_a_sample(store, fill, make_telemetry, folder):
    fill(store, parts=5)
    store.add_telemetry(RUN, 0, make_telemetry())
    store.add_telemetry(RUN, 2, make_telemetry(attempt=1, samples={"sm_mhz": (1.0, 2.0)}))

    assert export(store, folder, [RUN])["telemetry.parquet"] == 4

    found = read(folder, "telemetry")
    assert found[["position", "attempt"]].to_numpy().tolist() == [[0, 0], [0, 0], [2, 1], [2, 1]]
    assert set(found["device_uuid"]) == {"GPU-0123"}
    assert found["at_s"].tolist() == [0.05, 0.1] * 2
    assert found["watts"].fillna(-1).tolist() == [200.5, -1, -1, -1]
    assert found["sm_mhz"].tolist() == [90.0, 92.0, 1.0, 2.0]
    assert list(found)[5:] == list(SERIES)
    assert read(folder, "cases")["joules_per_sample"].fillna(-1).tolist() == [0.1, -1, 0.1]


def test_accuracy_is_a_row_an_attempt_and_columns_of_its_case(store, fill, make_accuracy, folder):
    fill(store, parts=5)
    store.add_accuracy(RUN, 1, make_accuracy(parity=(), task=None, skipped={"task": "no labels"}))
    store.add_accuracy(RUN, 2, make_accuracy())
    store.add_accuracy(RUN, 2, make_accuracy(attempt=1, reference="newer"))

    assert export(store, folder, [RUN])["accuracy.parquet"] == 3

    found = read(folder, "accuracy")
    assert found[["position", "attempt"]].to_numpy().tolist() == [[1, 0], [2, 0], [2, 1]]
    assert found["reference"].tolist() == [*["fp32 by onnxruntime-cpu"] * 2, "newer"]
    assert json.loads(found["parity_json"].iloc[2])[0]["cosine"] == 0.99957
    assert json.loads(found["task_json"].iloc[2])["metrics"]["accuracy"] == 0.97
    assert found["task_json"].isna().tolist() == [True, False, False]
    assert found["skipped_json"].tolist() == ['{"task":"no labels"}', "{}", "{}"]
    cases = read(folder, "cases")
    assert cases["parity_cosine"].fillna(-1).tolist() == [-1, -1, 0.99957]
    assert cases["accuracy_unknown"].fillna("").tolist() == ["", "task: no labels", ""]


def test_damaged_accuracy_is_named(store, fill, make_accuracy, folder, change):
    fill(store)
    store.add_accuracy(RUN, 0, make_accuracy(attempt=3))
    store.add_accuracy(RUN, 0, make_accuracy())
    change("UPDATE accuracy SET skipped = '{' WHERE attempt = 0")

    with pytest.raises(StoreError, match=f"run {RUN}, case 0: expected a row that can be read"):
        export(store, folder, [RUN])


def test_raw_timings_are_written_in_parts(store, fill, folder, monkeypatch):
    fill(store, parts=5)
    monkeypatch.setattr("results.upkeep.parquet.ROWS", 12)
    export(store, folder, [RUN])

    groups = pq.ParquetFile(folder / "timings.parquet").metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [20, 15]


def test_a_store_without_runs_makes_empty_files(store, folder):
    assert set(export(store, folder, []).values()) == {0}
    assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_files_that_are_there_are_left_alone(store, fill, folder):
    fill(store)
    folder.mkdir(parents=True)
    (folder / "cases.parquet").write_text("mine")

    with pytest.raises(StoreError) as caught:
        export(store, folder, [RUN])

    assert str(caught.value) == (
        f"{folder}: expected a folder without files of an export, got cases.parquet. "
        "Name another folder, or remove them."
    )
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]


def test_an_export_that_fails_leaves_no_file(store, fill, folder, change):
    fill(store)
    change("UPDATE timings SET wall_ns = x'09' WHERE launch_id = 3")

    with pytest.raises(StoreError):
        export(store, folder, [RUN])

    assert list(folder.iterdir()) == []


def test_without_pyarrow_the_extra_is_named(store, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(StoreError) as caught:
        export(store, folder, [])

    assert str(caught.value) == (
        "store export: expected the package pyarrow, got none. "
        "Install dyno with the 'parquet' extra."
    )


def test_golden_stores_are_exported(tmp_path, folder):
    shutil.copytree(Path(__file__).parent.parent / "data" / "schema4", tmp_path / "golden")

    assert export(Store(tmp_path / "golden"), folder, [RUN])["timings.parquet"] == 500


def test_the_columns_of_cases_have_one_type_whatever_is_in_them(
    store, fill, make_run, make_case, folder
):
    fill(store, parts=5)
    store.add_run(make_run("bare"))
    store.add_case("bare", make_case(options={"threads": "all", "spinning": None}))
    export(store, folder / "full", [RUN])
    export(store, folder / "bare", ["bare"])
    export(store, folder / "none", [])

    full, bare, none = (
        {field.name: str(field.type) for field in pq.read_schema(folder / name / "cases.parquet")}
        for name in ("full", "bare", "none")
    )

    assert bare == full
    assert none.items() <= full.items()
    assert full.keys() - none.keys() == {"dim_sequence", "option_threads", "option_spinning"}
    named = ("reason", "kind", "p50_ns", "p90_have", "build_ns", "dim_sequence", "option_spinning")
    assert [full[name] for name in named] == [
        "string",
        "string",
        "double",
        "int64",
        "int64",
        "int64",
        "string",
    ]


def test_an_export_is_of_one_moment(store, fill, folder, monkeypatch):
    fill(store, parts=2)
    write_rows = module.write_rows

    def meanwhile(path, *arguments):
        if path.name.endswith("runs.parquet"):
            Store(store.folder).add_launch(RUN, 0, make_late())
        return write_rows(path, *arguments)

    make_late = partial(replace, store.launches(RUN, 0)[0], number=2)
    monkeypatch.setattr(module, "write_rows", meanwhile)

    assert export(store, folder, [RUN])["launches.parquet"] == 2
    assert len(store.launches(RUN, 0)) == 3


def test_a_launch_that_cannot_be_read_is_named(store, fill, folder, change):
    fill(store, parts=5)
    change("UPDATE timings SET wall_ns = x'09' WHERE launch_id = 3")

    with pytest.raises(StoreError) as caught:
        export(store, folder, [RUN])

    assert str(caught.value) == (
        f"{store.folder}/dyno.db: run {RUN}, case 2: expected timings of version 1 or 2, got 9. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )


def test_a_folder_that_cannot_be_written_is_named_with_its_option(store, fill, tmp_path):
    fill(store)
    (tmp_path / "file").touch()

    with pytest.raises(StoreError) as caught:
        export(store, tmp_path / "file", [RUN])

    assert str(caught.value) == (
        f"{tmp_path}/file: expected a folder to write Parquet files to, got 'File exists'. "
        "Name another folder with --parquet, or mend this one."
    )


def test_a_full_disk_is_told_of_the_folder_and_leaves_no_file(store, fill, mounted):
    fill(store)
    folder = mounted("-t", "tmpfs", "-o", "size=4k", "tmpfs")

    with pytest.raises(StoreError) as caught:
        export(store, folder, [RUN])

    assert str(caught.value) == (
        f"{folder}: expected a folder to write Parquet files to, got 'No space left on device'. "
        "Name another folder with --parquet, or mend this one."
    )
    assert list(folder.iterdir()) == []


def test_a_verdict_of_a_gate_is_a_row(sample, folder):
    rows = export(sample, folder, [], ["20260103-040506-2b4c"])

    verdicts = read(folder, "verdicts")
    assert rows["verdicts.parquet"] == 2
    assert list(verdicts["word"]) == ["SLOWER", "FAILED"]
    assert verdicts["log_ratio"].tolist()[0] == 0.03
    assert verdicts["pairs"].isna().tolist() == [False, True]
    assert list(verdicts["baseline"]) == ["main", "main"]
    assert json.loads(verdicts["detail_json"].iloc[1])["kind"] == "crash"
