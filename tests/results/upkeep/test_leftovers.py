import os
import time

import pytest

from results.upkeep.leftovers import leftovers, log_folders, old_gates

GATE = "20260103-040506-2b4c"
MINE = "ef" * 32
YEAR_S = 365 * 86400.0


def old(path, text="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    aged(path)
    return path


def aged(*paths):
    for path in paths:
        os.utime(path, (0.0, 0.0))


def found(store, live=()):
    return sorted(str(path.relative_to(store.folder)) for path in leftovers(store, live))


def test_files_of_baselines_stay_however_old(sample):
    aged(*(sample.folder / "baselines").rglob("*"))

    assert found(sample) == []


def test_pinned_files_that_no_baseline_names_go_a_day_later(sample):
    folder = sample.folder / "baselines"
    old(folder / "models" / MINE / "model.onnx")
    old(folder / "inputs" / f"{MINE}.npz")
    assert found(sample) == [f"baselines/inputs/{MINE}.npz"]

    aged(folder / "models" / MINE)
    expected = [f"baselines/inputs/{MINE}.npz", f"baselines/models/{MINE}"]
    assert found(sample) == expected
    assert found(sample, live={"pin-1"}) == []


def test_of_a_damaged_baseline_all_files_stay(sample, change):
    change("UPDATE pinned SET pinned = '{' WHERE position = 1", of=sample)
    old(sample.folder / "baselines" / "inputs" / f"{MINE}.npz")

    assert found(sample) == []


@pytest.mark.parametrize(
    "name",
    [
        f"baselines/models/{MINE}/.new-1-ab",
        f"baselines/models/{MINE}/weights/.new-1-ab",
        "baselines/inputs/.new-1-ab",
        "logs/pin-20260101",
        "logs/compare-20260101",
    ],
)
def test_what_killed_processes_left_goes_a_day_later(sample, name):
    old(sample.folder / name)

    assert found(sample) == [name]


def test_a_gate_is_as_old_as_its_last_sign_of_life(sample, change):
    assert old_gates(sample, 1_767_413_200.5) == [GATE]
    assert old_gates(sample, 1_767_413_200.0) == []

    change("UPDATE pair SET started_at = ? WHERE phase = 'confirm'", time.time(), of=sample)
    assert old_gates(sample, time.time() - YEAR_S) == []


def test_only_folders_of_logs_that_there_are_count(sample):
    old(sample.folder / "logs" / GATE / "0.log")

    assert log_folders(sample.folder, [GATE, "other"]) == [sample.folder / "logs" / GATE]


def test_a_gate_whose_id_is_no_text_has_no_logs_to_remove(sample):
    with sample.connection() as connection:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("UPDATE gate_end SET gate_id = x'ff'")
        connection.commit()

    assert [type(gate_id) for gate_id in old_gates(sample, time.time())] == [str]
