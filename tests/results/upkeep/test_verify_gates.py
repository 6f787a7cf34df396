import hashlib
import json

import pytest

from results.upkeep.verify import verify

FIRST, SECOND = "20260101-000000-aaaa", "20260102-000000-bbbb"
GATE = "20260103-040506-2b4c"
CASE, OTHER = (
    f"lstm/tensorrt/{precision}/b8/sequence=16/features=64/cuda_graph=true"
    for precision in ("fp16", "int8")
)
INPUTS = f"baselines/inputs/{'cd' * 32}.npz"


def model(store):
    (path,) = (store.folder / "baselines" / "models").glob("*/model.onnx")
    return path


def test_a_whole_store_is_counted(sample):
    found = verify(sample)

    assert (found.problems, found.gates, found.pairs) == ((), 1, 3)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE baseline SET pinned_at = 'x' WHERE replaces = ''",
            f"baseline {FIRST}: expected a number in 'pinned_at', got 'x'",
        ),
        (
            "UPDATE baseline SET replaces = 'gone' WHERE replaces != ''",
            f"baseline {SECOND}: expected to replace one of its name and suite, got 'gone'",
        ),
        (
            "UPDATE baseline SET suite = 'rnn' WHERE replaces = ''",
            f"baseline {SECOND}: expected to replace one of its name and suite, got '{FIRST}'",
        ),
        (
            "UPDATE pinned SET pinned = '{}' WHERE position = 1",
            (
                f"baseline {SECOND}, case {OTHER}: expected a row that can be read, got KeyError: "
                "'options'"
            ),
        ),
        (
            "UPDATE gate SET kind = 'report'",
            f"gate {GATE}: expected one of gate, nightly, rebase, got 'report'",
        ),
        (
            "UPDATE gate SET threshold = -1.0",
            f"gate {GATE}: expected a fraction in 'threshold', got -1.0",
        ),
        (
            "UPDATE gate_end SET state = 'gone'",
            f"gate {GATE}, its end: expected done or interrupted, got 'gone'",
        ),
        (
            "DELETE FROM pair WHERE phase = 'look' AND number = 0",
            f"gate {GATE}, case {CASE}, pair 1 to look: expected pair 0",
        ),
        (
            "DELETE FROM pair WHERE phase = 'look' AND number = 1",
            f"gate {GATE}, case {CASE}: expected the 2 pairs of its estimate, got 1",
        ),
        (
            "DELETE FROM pair WHERE phase = 'confirm'",
            f"gate {GATE}, case {CASE}: expected the 1 pairs of its confirmation, got 0",
        ),
        (
            "UPDATE pair SET blocks = x'00' WHERE phase = 'confirm'",
            (
                f"gate {GATE}, case {CASE}, pair 0 to confirm: expected timings of version 1 or 2, "
                "got 0"
            ),
        ),
        (
            "UPDATE verdict SET se = 0.5 WHERE position = 0",
            (
                f"gate {GATE}, case {CASE}: expected {{'word': 'SLOWER', "
                "'log_ratio': 0.03, 'se': 0.004} as in its detail, got {'word': 'SLOWER', "
                "'log_ratio': 0.03, 'se': 0.5}"
            ),
        ),
        (
            "UPDATE verdict SET word = CAST(x'ff' AS TEXT) WHERE position = 1",
            f"gate {GATE}, case {OTHER}: expected text in 'word', got bytes that are not UTF-8",
        ),
    ],
)
def test_what_is_damaged_is_told(sample, change, statement, message):
    change(statement, of=sample)

    assert message in verify(sample).problems


def test_a_gate_without_its_baseline_is_told(sample):
    with sample.connection() as connection:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("DELETE FROM baseline WHERE id = ?", (SECOND,))
        connection.commit()

    assert "dyno.db: row 1 of table 'gate' has no 'baseline'" in verify(sample).problems


def test_a_pinned_model_of_another_content_is_told(sample):
    path = model(sample)
    path.write_bytes(b"another")

    where = path.relative_to(sample.folder)
    found = hashlib.sha256(b"another").hexdigest()
    assert verify(sample).problems == (
        f"{where}: expected the bytes of hash {path.parent.name}, got {found}",
    )


def test_pinned_files_that_are_gone_are_told(sample):
    path = model(sample)
    path.unlink()
    (sample.folder / INPUTS).unlink()

    assert verify(sample).problems == (
        f"{path.relative_to(sample.folder)}: expected the pinned model, got nothing there",
        f"{INPUTS}: expected the pinned inputs, got nothing there",
    )


def test_pinned_inputs_that_are_no_archive_are_told(sample):
    (sample.folder / INPUTS).write_bytes(b"x")

    assert verify(sample).problems == (f"{INPUTS}: expected whole arrays, got the archive damaged",)


def test_the_hash_of_each_file_of_a_model_is_looked_at(sample, change):
    path = model(sample)
    files = {"model.onnx": path.parent.name, "weights/w.bin": "00" * 32}
    change(
        "UPDATE pinned SET pinned = json_set(pinned, '$.model.files', json(?))",
        json.dumps(files),
        of=sample,
    )

    assert verify(sample).problems == (
        (
            f"baselines/models/{path.parent.name}/weights/w.bin: expected the pinned model, got "
            "nothing there"
        ),
    )
