import math

import pytest

from results.compare import combine, look
from results.reasons import disturbance, left_out, reason, too_few
from results.verdict import FASTER, SAME, SLOWER, UNSURE, PairRatio

WIDE = (-0.02, 0.0, 0.02, 0.04) * 3
SLIGHT = tuple(0.025 + 0.01 * step for step in (-1, 0, 1)) * 4


def of(*log_ratios, usable=True):
    return [
        PairRatio(log_ratio=x, se=0, quads=10, clean_quads=10, usable=usable) for x in log_ratios
    ]


@pytest.mark.parametrize(
    ("word", "logs", "family", "said"),
    [
        (SLOWER, [0.03] * 5, 1, "p = 2e-08 after 5 pairs, significant"),
        (FASTER, [-0.03] * 8, 20, "p = 2e-12 after 8 pairs, significant among 20 cases"),
        (SAME, [0.002] * 5, 1, "the 95 % interval lies within ±3 %"),
        (SAME, [0.01] * 5, 1, "the 95 % interval lies within ±3 %, but it leaves 1 out"),
        (SAME, [-0.01] * 5, 1, "the 95 % interval lies within ±3 %, but it leaves 1 out"),
        (
            *(UNSURE, WIDE, 7),
            "×1.010 (0.995…1.025) after 12 pairs: neither a change of 2 % nor its absence is shown",
        ),
        (
            *(UNSURE, SLIGHT, 1000),
            "×1.025 (1.020…1.030) after 12 pairs: p = 1e-08 is not significant among 1000 cases",
        ),
    ],
)
def test_a_verdict_says_why(word, logs, family, said):
    ratios = of(*logs)
    estimate = combine(ratios)

    assert reason(word, ratios, estimate, theta=0.02, family=family) == said


def test_the_margin_of_same_goes_with_the_threshold():
    ratios = of(*[0.0] * 5)
    estimate = combine(ratios)

    assert look(estimate, 0.055) == SAME
    assert reason(SAME, ratios, estimate, theta=0.055, family=1) == (
        "the 95 % interval lies within ±6.5 %"
    )


@pytest.mark.parametrize(
    ("usable", "unusable", "said"),
    [
        (0, 0, "0 pairs, 5 are needed"),
        (1, 0, "1 pair, 5 are needed"),
        (4, 0, "4 pairs, 5 are needed"),
        (4, 4, "4 of 8 pairs were calm enough to count, 5 such pairs are needed"),
        (0, 4, "0 of 4 pairs were calm enough to count, 5 such pairs are needed"),
    ],
)
def test_too_few_pairs_are_counted(usable, unusable, said):
    ratios = of(*[0.0] * usable) + of(*[0.0] * unusable, usable=False)
    estimate = combine(ratios) if usable else None

    assert reason(UNSURE, ratios, estimate, theta=0.02, family=1) == said


def test_fresh_pairs_are_called_so():
    assert too_few(of(math.pi), need=8, kind="fresh ") == "1 fresh pair, 8 are needed"


@pytest.mark.parametrize(
    ("usable", "unusable", "said"),
    [
        (0, 0, ()),
        (5, 0, ()),
        (0, 1, ("1 of 1 pair did not count: too disturbed or too noisy",)),
        (5, 12, ("12 of 17 pairs did not count: too disturbed or too noisy",)),
    ],
)
def test_pairs_that_did_not_count_are_noted(usable, unusable, said):
    assert left_out(of(*[0.0] * usable) + of(*[0.0] * unusable, usable=False)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, ""),
        (0.1, ""),
        (0.104, "; 10 % of the blocks were disturbed"),
        (0.87, "; 87 % of the blocks were disturbed"),
    ],
)
def test_disturbance_is_told_above_a_tenth(share, said):
    assert disturbance(share) == said
