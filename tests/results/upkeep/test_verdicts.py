import math

import pytest

from results.store import StoreError
from results.upkeep.verdicts import VERDICT, verdict_rows

GATE = "20260103-040506-2b4c"


def rows(store, *gate_ids):
    with store.view() as connection:
        return list(verdict_rows(store, connection, gate_ids))


def test_a_verdict_is_a_row_with_all_its_numbers(sample):
    row = rows(sample, GATE)[0]

    del row["detail_json"]
    assert row == {
        "gate_id": GATE,
        "kind": "gate",
        "baseline_id": "20260102-000000-bbbb",
        "baseline": "main",
        "suite": "smoke",
        "started_at": 1_767_413_106.0,
        "position": 0,
        "case_id": "lstm/tensorrt/fp16/b8/sequence=16/features=64/cuda_graph=true",
        "word": "SLOWER",
        "reason": "×1.030 after 2 pairs, confirmed by 1",
        "ratio": math.exp(0.03),
        "low": 1.021,
        "high": 1.04,
        "log_ratio": 0.03,
        "se": 0.004,
        "df": 9.5,
        "pairs": 2,
        "p_value": 0.0001,
        "shifted": False,
        "disturbed_share": 0.25,
        "baseline_ns": 1e6,
        "candidate_ns": 1.03e6,
        "p95_ratio": 1.02,
        "p95_low": 1.0,
        "p95_high": 1.04,
        "confirmed": True,
        "confirmation_ratio": math.exp(0.029),
    }


def test_a_failed_case_has_its_message_for_a_reason(sample):
    row = rows(sample, GATE)[1]

    assert (row["word"], row["reason"], row["log_ratio"]) == (
        "FAILED",
        "candidate: SIGSEGV",
        None,
    )


def test_every_number_has_a_column(sample):
    assert {name for row in rows(sample, GATE) for name in row} <= set(VERDICT)
    assert rows(sample) == []


def test_a_damaged_verdict_is_told(sample, change):
    change("UPDATE verdict SET detail = '[]' WHERE position = 0", of=sample)

    with pytest.raises(StoreError, match=f"gate {GATE}, case lstm.*: expected an object in 'detai"):
        rows(sample, GATE)
