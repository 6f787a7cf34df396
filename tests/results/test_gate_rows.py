import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.baseline import Baseline, PinnedCase, Splice
from results.gate_record import Changes, GateRecord
from results.gate_rows import (
    baseline_row,
    gate_row,
    pinned_row,
    read_baseline,
    read_gate_end,
    read_gate_row,
    read_pinned,
    read_verdict,
    verdict_row,
)
from results.record import FAILURE_KINDS, Failed, RunEnd
from results.summary import TooFewQueries
from results.verdict import WORDS, CaseVerdict, Confirmation, Estimate, TailRatio, Verdict
from suites.case import Case

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.floats(0, 2e9)
COUNTS = st.integers(0, 2**53)
TEXTS = st.text()
ANY_TEXTS = st.text(st.characters(exclude_categories=()))
"""With lone surrogates too, as a path that is no UTF-8 has them."""
MAPS = st.dictionaries(TEXTS, ANY_TEXTS, max_size=3)


ESTIMATES = st.builds(
    Estimate,
    **dict.fromkeys(("log_ratio", "se", "df", "low", "high"), NUMBERS),
    pairs=COUNTS,
)
TAILS = st.one_of(
    st.none(),
    st.builds(TooFewQueries, have=COUNTS, need=COUNTS),
    st.builds(TailRatio, ratio=NUMBERS, low=NUMBERS | st.none(), high=NUMBERS | st.none()),
)
VERDICTS = st.builds(
    Verdict,
    word=st.sampled_from(WORDS),
    reason=ANY_TEXTS,
    estimate=st.none() | ESTIMATES,
    p_value=st.none() | NUMBERS,
    shifted=st.booleans(),
    disturbed_share=st.none() | NUMBERS,
    p95=TAILS,
    p99=TAILS,
    confirmation=st.none()
    | st.builds(Confirmation, confirmed=st.booleans(), estimate=ESTIMATES, p_value=NUMBERS),
    baseline_ns=st.none() | NUMBERS,
    candidate_ns=st.none() | NUMBERS,
    notes=st.lists(ANY_TEXTS, max_size=3).map(tuple),
)
FAILURES = st.builds(Failed, kind=st.sampled_from(FAILURE_KINDS), message=ANY_TEXTS, hint=ANY_TEXTS)
CASES = st.builds(
    Case,
    model=ANY_TEXTS,
    backend=TEXTS,
    precision=TEXTS,
    batch=COUNTS,
    dims=st.dictionaries(TEXTS, COUNTS, max_size=3).map(lambda found: tuple(found.items())),
    options=st.dictionaries(TEXTS, COUNTS | TEXTS | st.booleans(), max_size=3).map(
        lambda found: tuple(found.items())
    ),
)
PINNED = st.builds(
    PinnedCase,
    position=COUNTS,
    case=CASES,
    options=st.dictionaries(TEXTS, COUNTS | TEXTS | st.booleans() | NUMBERS, max_size=3),
    model_sha256=TEXTS,
    inputs_sha256=TEXTS,
    model=MAPS,
    inputs=MAPS,
    splice=st.none() | st.builds(Splice, log_ratio=NUMBERS, se=NUMBERS),
)
BASELINES = st.builds(
    Baseline,
    **dict.fromkeys(("id", "name", "suite", "suite_sha256", "dyno_version", "replaces"), TEXTS),
    pinned_at=TIMES,
    python=ANY_TEXTS,
    versions=MAPS,
    devices=MAPS,
    seed=COUNTS,
    cases=st.lists(PINNED, max_size=2).map(tuple),
    left_out=MAPS,
)
GATES = st.builds(
    GateRecord,
    **dict.fromkeys(
        ("id", "kind", "baseline_id", "suite", "suite_sha256", "dyno_version", "only"), TEXTS
    ),
    started_at=TIMES,
    threshold=st.floats(0, 1),
    environment=MAPS,
    changes=st.builds(
        Changes,
        new=st.lists(ANY_TEXTS, max_size=2).map(tuple),
        gone=st.lists(ANY_TEXTS, max_size=2).map(tuple),
        changed=MAPS,
    ),
)
CLOSED = CaseVerdict(
    position=3,
    case_id="lstm/fake/fp32/b1",
    outcome=Verdict(
        word="SAME",
        reason="the 95 % interval lies within ±3 %",
        estimate=Estimate(log_ratio=-0.001, se=0.002, df=9.0, pairs=5, low=0.995, high=1.003),
    ),
)


@given(st.builds(CaseVerdict, position=COUNTS, case_id=TEXTS, outcome=VERDICTS | FAILURES))
def test_any_verdict_comes_back_exactly(verdict):
    assert read_verdict(verdict_row(verdict)) == verdict


@given(PINNED)
def test_any_pinned_case_comes_back_exactly(pinned):
    assert read_pinned(pinned_row(pinned)) == pinned


@given(BASELINES)
def test_any_baseline_comes_back_exactly(baseline):
    assert read_baseline(baseline_row(baseline), baseline.cases) == baseline


@given(GATES)
def test_any_gate_comes_back_exactly(gate):
    assert read_gate_row(gate_row(gate)) == gate


def test_an_end_is_read_as_it_was_written():
    row = {"gate_id": "a", "ended_at": 5.0, "state": "done"}

    assert read_gate_end(row) == RunEnd(ended_at=5.0, state="done")


def test_a_verdict_has_its_ratio_in_columns_of_their_own():
    row = verdict_row(CLOSED)

    assert {name: row[name] for name in ("position", "word", "log_ratio", "se")} == {
        "position": 3,
        "word": "SAME",
        "log_ratio": -0.001,
        "se": 0.002,
    }


def test_without_an_estimate_there_is_no_ratio():
    unsure = replace(CLOSED, outcome=Verdict(word="UNSURE", reason="2 usable pairs"))
    failed = replace(CLOSED, outcome=Failed(kind="crash", message="candidate: x", hint="y"))

    assert [verdict_row(one)["log_ratio"] for one in (unsure, failed)] == [None, None]
    assert [verdict_row(one)["se"] for one in (unsure, failed)] == [None, None]
    assert [verdict_row(one)["word"] for one in (unsure, failed)] == ["UNSURE", "FAILED"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_stored(value):
    made = replace(CLOSED, outcome=replace(CLOSED.outcome, p_value=value))

    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        verdict_row(made)


def damaged(change, **columns):
    row = verdict_row(CLOSED)
    detail = json.loads(row["detail"])
    change(detail)
    return {**row, "detail": json.dumps(detail), **columns}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            damaged(lambda _: None, word="SLOWER"),
            (
                "expected {'word': 'SAME', 'log_ratio': -0.001, 'se': 0.002} as in its detail, "
                "got {'word': 'SLOWER', 'log_ratio': -0.001, 'se': 0.002}"
            ),
        ),
        (
            damaged(lambda detail: detail.update(word="FINE")),
            "expected one of SLOWER, FASTER, SAME, UNSURE, INCOMPARABLE, got 'FINE'",
        ),
        (
            damaged(lambda detail: detail["estimate"].update(se=float("nan"))),
            "expected finite numbers, got NaN",
        ),
        (
            damaged(lambda detail: detail["estimate"].update(low="x")),
            "expected a number in 'low', got 'x'",
        ),
        (
            damaged(lambda _: None, log_ratio=float("inf")),
            "expected a number in 'log_ratio', got inf",
        ),
        (damaged(lambda _: None, detail="[]"), "expected an object in 'detail', got []"),
        (damaged(lambda _: None, position="x"), "expected a whole number in 'position', got 'x'"),
    ],
)
def test_a_damaged_verdict_is_told(row, message):
    with pytest.raises(ValueError, match="expected") as caught:
        read_verdict(row)

    assert str(caught.value) == message


def test_a_pinned_case_under_another_id_is_told():
    case = Case(model="lstm", backend="fake", precision="fp32", batch=1)
    pinned = PinnedCase(
        position=0,
        case=case,
        options={},
        model_sha256="ab",
        inputs_sha256="cd",
        model={},
        inputs={},
    )

    with pytest.raises(ValueError, match="expected the id 'lstm/fake/fp32/b1', got 'x'"):
        read_pinned({**pinned_row(pinned), "case_id": "x"})


def test_a_path_that_is_none_is_told():
    baseline = Baseline(
        id="a",
        name="main",
        suite="rnn",
        suite_sha256="ef",
        pinned_at=0.0,
        python="/bin/python",
        versions={},
        devices={},
        seed=0,
        dyno_version="1",
    )

    with pytest.raises(ValueError, match="expected a path in 'python', got '7'"):
        read_baseline({**baseline_row(baseline), "python": "7"})
