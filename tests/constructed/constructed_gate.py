"""A constructed gate: every kind of verdict. Loaded as a plugin, for tests of several folders."""

import math
from dataclasses import replace

import pytest

from results.baseline import Baseline
from results.gate_record import Changes, GateRecord, GateResult
from results.record import Failed, RunEnd
from results.summary import TooFewQueries
from results.verdict import CaseVerdict, Confirmation, Estimate, TailRatio, Verdict


def estimate(ratio, half_width=0.006, pairs=5):
    return Estimate(
        log_ratio=math.log(ratio),
        se=half_width / 2.4,
        df=pairs + 2.0,
        pairs=pairs,
        low=ratio - half_width,
        high=ratio + half_width,
    )


def tail(ratio):
    return TailRatio(ratio=ratio, low=ratio - 0.02, high=ratio + 0.02)


SLOWER = Verdict(
    word="SLOWER",
    reason="p = 1e-06 after 5 pairs, significant among 6 cases; confirmed by 5 fresh pairs: ×1.036",
    estimate=estimate(1.0342),
    p_value=0.0000012,
    disturbed_share=0.02,
    p95=tail(1.041),
    p99=TooFewQueries(have=120, need=368),
    confirmation=Confirmation(confirmed=True, estimate=estimate(1.0361), p_value=0.00001),
    baseline_ns=80_300.0,
    candidate_ns=83_050.0,
)
SAME = Verdict(
    word="SAME",
    reason="the 95 % interval lies within ±3 %",
    estimate=estimate(1.0021, 0.008),
    p_value=0.21,
    disturbed_share=0.0,
    p95=tail(1.004),
    p99=tail(0.981),
    baseline_ns=1_640_000.0,
    candidate_ns=1_643_400.0,
)
OUTCOMES = (
    ("lstm/onnxruntime-cpu/fp32/b1/sequence=16", SAME),
    ("lstm/onnxruntime-cpu/fp32/b1/sequence=32", SLOWER),
    (
        "lstm/onnxruntime-cpu/int8/b1/sequence=32",
        replace(
            SAME,
            reason=f"{SAME.reason}, but it leaves 1 out",
            shifted=True,
            estimate=estimate(0.9871, 0.004, 8),
            p95=None,
            p99=None,
        ),
    ),
    (
        "lstm/onnxruntime-cpu/fp32/b8/sequence=32",
        Verdict(
            word="UNSURE",
            reason="×1.012 (0.991…1.034) after 12 pairs: neither a change of 2 % nor its absence "
            "is shown; 87 % of the blocks were disturbed",
            estimate=estimate(1.0124, 0.0215, 12),
            disturbed_share=0.87,
            baseline_ns=212_000.0,
            candidate_ns=214_600.0,
            notes=("some launches of the candidate reached no steady state",),
        ),
    ),
    (
        "cnn [x]/onnxruntime-cpu/fp32/b1",
        Failed(
            kind="crash",
            message="baseline: the runtime died of \x1b[31mSIGSEGV\x1b[0m\n| in a block",
            hint="See the log of the pair.",
        ),
    ),
    (
        "cnn [x]/onnxruntime-cpu/fp32/b2",
        replace(SLOWER, word="FASTER", estimate=estimate(0.9412), confirmation=None),
    ),
    ("new/onnxruntime-cpu/fp32/b1", Verdict(word="INCOMPARABLE", reason="new since the pin")),
    ("new/onnxruntime-cpu/fp32/b2", Verdict(word="INCOMPARABLE", reason="new since the pin")),
)


@pytest.fixture
def gated():
    """A gate with every kind of verdict."""
    cases = tuple(
        CaseVerdict(position=position, case_id=case_id, outcome=outcome)
        for position, (case_id, outcome) in enumerate(OUTCOMES)
    )
    return GateResult(
        record=GateRecord(
            id="20260103-040506-77aa",
            kind="gate",
            baseline_id="b1",
            suite="rnn",
            suite_sha256="ef" * 32,
            started_at=1_767_413_106.0,
            dyno_version="0.1.0",
            threshold=0.02,
            environment={
                "python": {"version": "3.11.7"},
                "packages": {"numpy": "2.3.5", "onnxruntime": "1.31.1"},
            },
            changes=Changes(
                new=("new/onnxruntime-cpu/fp32/b1", "new/onnxruntime-cpu/fp32/b2"),
                changed={"lstm/onnxruntime-cpu/fp32/b8/sequence=32": "option threads: 1 → 2"},
            ),
        ),
        baseline=Baseline(
            id="b1",
            name="main",
            suite="rnn",
            suite_sha256="cd" * 32,
            pinned_at=1_767_323_045.0,
            python="/opt/main/bin/python",
            versions={"python": "3.11.7", "numpy": "2.3.5", "onnxruntime": "1.30.0"},
            devices={"cpu": "AMD EPYC 7B13"},
            seed=0,
            dyno_version="0.1.0",
        ),
        end=RunEnd(ended_at=1_767_413_258.0, state="done"),
        cases=cases,
    )
