from dataclasses import replace

import pytest

from results.record import Failed
from results.report.ratios import bounds, times
from results.report.verdict_words import counts, ordered, tally, verdict_line, word
from results.verdict import CaseVerdict, Verdict


@pytest.fixture
def lines(gated):
    return [verdict_line(case) for case in gated.cases]


def test_a_verdict_is_one_line(lines):
    assert lines == [
        "SAME  lstm/onnxruntime-cpu/fp32/b1/sequence=16  ×1.002 (0.994…1.010)  5 pairs",
        (
            "SLOWER  lstm/onnxruntime-cpu/fp32/b1/sequence=32  ×1.034 (1.028…1.040)  5 pairs, "
            "confirmed ×1.036"
        ),
        "SAME  lstm/onnxruntime-cpu/int8/b1/sequence=32  ×0.987 (0.983…0.991)  8 pairs, shifted",
        (
            "UNSURE  lstm/onnxruntime-cpu/fp32/b8/sequence=32  ×1.012 (0.991…1.034) after 12 pairs"
            ": neither a change of 2 % nor its absence is shown; 87 % of the blocks were disturbed"
        ),
        (
            "FAILED (crash)  cnn [x]/onnxruntime-cpu/fp32/b1  baseline: the runtime died of "
            "\\x1b[31mSIGSEGV\\x1b[0m | in a block. See the log of the pair."
        ),
        "FASTER  cnn [x]/onnxruntime-cpu/fp32/b2  ×0.941 (0.935…0.947)  5 pairs",
        "INCOMPARABLE  new/onnxruntime-cpu/fp32/b1  new since the pin",
        "INCOMPARABLE  new/onnxruntime-cpu/fp32/b2  new since the pin",
    ]


def test_one_pair_is_not_said_to_be_many(gated):
    same = gated.cases[0]
    single = replace(same.outcome, estimate=replace(same.outcome.estimate, pairs=1))

    assert verdict_line(replace(same, outcome=single)).endswith("  1 pair")


def test_a_change_that_was_not_confirmed_has_no_confirmation_behind_it(gated):
    slower = gated.cases[1]
    doubted = replace(slower.outcome.confirmation, confirmed=False)

    line = verdict_line(replace(slower, outcome=replace(slower.outcome, confirmation=doubted)))

    assert line.endswith("  ×1.034 (1.028…1.040)  5 pairs")


def test_a_verdict_without_a_ratio_is_told_by_its_reason():
    case = CaseVerdict(position=0, case_id="a\nb", outcome=Verdict(word="SAME", reason="it is"))

    assert verdict_line(case) == "SAME  a b  it is"


def test_what_asks_for_attention_comes_first_and_the_suite_s_order_stays_within_a_word(gated):
    found = ordered(gated.cases)

    assert [word(case) for case in found[:5]] == [
        "SLOWER",
        "FAILED",
        "UNSURE",
        "FASTER",
        "INCOMPARABLE",
    ]
    assert [case.position for case in found] == [1, 4, 3, 5, 6, 7, 0, 2]


def test_every_word_is_counted_in_its_order(gated):
    failed = CaseVerdict(
        position=9, case_id="a", outcome=Failed(kind="build", message="m", hint="h")
    )

    assert dict(counts([*gated.cases, failed])) == {
        "SLOWER": 1,
        "FAILED": 2,
        "UNSURE": 1,
        "FASTER": 1,
        "INCOMPARABLE": 2,
        "SAME": 2,
    }


def test_a_tally_leaves_out_what_there_is_none_of(gated):
    assert tally(gated.cases[6:]) == "2 INCOMPARABLE"
    assert tally(()) == "no cases"


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0336, "×1.034"),
        (0.1, "×0.100"),
        (0.09994, "×0.0999"),
        (0.000412, "×0.000412"),
        (1234.5, "×1234.500"),
    ],
)
def test_a_ratio_of_very_unlike_sides_keeps_three_digits(ratio, words):
    assert times(ratio) == words
    assert bounds(ratio, 2.0) == f"{words[1:]}…2.000"
