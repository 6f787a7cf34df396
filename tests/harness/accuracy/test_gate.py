from dataclasses import replace

import pytest

from harness.accuracy.gate import violations
from results.accuracy import AccuracyRecord, OutputParity, TaskScore
from suites.suite import AccuracyLimits

LOGITS = OutputParity(
    output="logits",
    values=10,
    max_abs=0.25,
    max_rel=0.1,
    cosine=0.99125,
    snr_db=21.5,
    top1=0.875,
    nan=0,
    inf=0,
)
STATE = replace(LOGITS, output="h", max_abs=0.5, cosine=0.9999, snr_db=None, top1=None)
TASK = TaskScore(
    dataset="ours",
    task="classification",
    samples=50,
    metrics={"accuracy": 0.9, "precision": 0.8, "recall": 0.8, "f1": 0.8},
    reference={"accuracy": 0.92, "precision": 0.8, "recall": 0.8, "f1": 0.8},
)
READING = TaskScore(
    dataset="text", task="sequence", samples=5, metrics={"exact_match": 0.5, "cer": 0.25}
)


def record(**changes):
    return AccuracyRecord(
        attempt=0, started_at=0.0, **{"parity": (LOGITS, STATE), "task": TASK, **changes}
    )


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"min_cosine": 0.999}, "cosine 0.99125 of output 'logits' is below 0.999"),
        ({"max_abs": 0.4}, "max abs 0.5 of output 'h' is above 0.4"),
        ({"max_rel": 0.01}, "max rel 0.1 of output 'logits' is above 0.01"),
        ({"min_snr_db": 30}, "SNR in dB 21.5 of output 'logits' is below 30"),
        ({"min_top1": 0.9}, "top-1 agreement 0.875 of output 'logits' is below 0.9"),
        ({"min_accuracy": 0.95}, "accuracy 0.9 on ours is below 0.95"),
        ({"min_f1": 0.95}, "F1 0.8 on ours is below 0.95"),
        (
            {"max_accuracy_drop": 0.01},
            "accuracy drop 0.02 from 0.92 of the reference on ours is above 0.01",
        ),
    ],
)
def test_a_missed_limit_is_told_with_the_worst_figure(limits, told):
    assert violations(record(), AccuracyLimits(**limits)) == (told,)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"min_exact_match": 0.75}, "exact match 0.5 on text is below 0.75"),
        ({"max_cer": 0.2}, "character error rate 0.25 on text is above 0.2"),
    ],
)
def test_sequences_have_limits_of_their_own(limits, told):
    assert violations(record(task=READING), AccuracyLimits(**limits)) == (told,)


def test_every_missed_limit_is_told():
    limits = AccuracyLimits(min_cosine=0.999, max_abs=0.1, min_f1=0.9)
    assert len(violations(record(), limits)) == 3


def test_limits_that_are_just_met_are_met():
    limits = AccuracyLimits(
        min_cosine=0.99125,
        max_abs=0.5,
        max_rel=0.1,
        min_snr_db=21.5,
        min_top1=0.875,
        min_accuracy=0.9,
        min_f1=0.8,
        max_accuracy_drop=0.02,
    )
    assert violations(record(), limits) == ()


def test_a_figure_close_below_its_limit_is_told_so_that_the_difference_shows():
    close = replace(LOGITS, cosine=0.99899999)
    found = violations(record(parity=(close,)), AccuracyLimits(min_cosine=0.999))
    assert found == ("cosine 0.99899999 of output 'logits' is below 0.999",)


def test_a_limit_close_to_one_is_told_with_its_digits():
    found = violations(record(), AccuracyLimits(min_cosine=0.99999999))
    assert found == ("cosine 0.99125 of output 'logits' is below 0.99999999",)


def test_without_limits_nothing_is_missed():
    broken = replace(LOGITS, nan=3, cosine=-1.0)
    assert violations(record(parity=(broken,)), AccuracyLimits()) == ()


def test_what_was_asked_for_and_is_missing_is_told_with_its_reason():
    empty = record(parity=(), task=None, skipped={"parity": "no runtime", "task": "no labels"})
    limits = AccuracyLimits(min_cosine=0.9, min_top1=0.9, min_f1=0.5, max_accuracy_drop=0.1)
    assert violations(empty, limits) == (
        "cosine, top-1 agreement are missing: no runtime",
        "F1, accuracy drop are missing: no labels",
    )
    assert violations(empty, AccuracyLimits(max_abs=1.0)) == ("max abs is missing: no runtime",)


def test_a_drop_from_a_reference_without_scores_is_told_with_its_reason():
    alone = replace(TASK, reference={})
    limits = AccuracyLimits(max_accuracy_drop=0.1)
    told = "accuracy drop is missing: non-deterministic"
    skipped = {"reference": "non-deterministic"}
    assert violations(record(task=alone, skipped=skipped), limits) == (told,)


def test_what_was_not_asked_of_the_case_is_not_missed():
    limits = AccuracyLimits(min_cosine=0.9, min_accuracy=0.9, min_exact_match=0.5, max_cer=0.1)
    assert violations(record(parity=(), task=None), limits) == ()
    assert violations(record(parity=()), limits) == ()


def test_a_score_that_cannot_be_had_on_this_machine_is_not_missed():
    away = record(task=None, skipped={"setup": "scikit-learn is not installed."})
    limits = AccuracyLimits(min_cosine=0.9, min_accuracy=0.9, max_accuracy_drop=0.1)
    assert violations(away, limits) == ()


def test_values_that_are_not_finite_are_never_passed_over():
    broken = replace(LOGITS, nan=3, inf=1, cosine=1.0)
    nothing = replace(STATE, max_abs=None, max_rel=None, cosine=None)
    empty = replace(nothing, output="empty", values=0)
    found = violations(record(parity=(broken, nothing, empty)), AccuracyLimits(min_cosine=0.9))
    assert found == (
        "4 of 10 values of output 'logits' are NaN or infinite, which the reference has not",
        "cosine is missing of output 'h': no value is finite here and in the reference",
    )
