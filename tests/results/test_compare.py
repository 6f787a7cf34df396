import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from results.compare import (
    THETA,
    combine,
    disturbed_share,
    is_same,
    look,
    p_faster,
    p_slower,
    p_towards,
    pair_ratio,
    pair_ratio_of,
)
from results.verdict import FASTER, SAME, SLOWER, Estimate, PairRatio
from suites.suite import Gate

QUADS_OF = (
    "pair: expected two blocks of each side a quad, got {} of the baseline and {} of the candidate"
)


def of(*log_ratios, se=0.0):
    return [PairRatio(log_ratio=one, se=se, quads=10, clean_quads=10) for one in log_ratios]


def blocks(log_ratios, base_ns=1e6):
    """Return block times of both sides whose quads are so far apart."""
    baseline = np.full(2 * len(log_ratios), base_ns)
    return baseline, baseline * np.exp(np.repeat(log_ratios, 2))


def marks(*places, count=20):
    return np.isin(np.arange(count), places)


def estimate(log_ratio, se=0.001, df=7.0, pairs=5):
    half = stats.t.ppf(0.975, df) * se
    return Estimate(
        log_ratio=log_ratio,
        se=se,
        df=df,
        pairs=pairs,
        low=math.exp(log_ratio - half),
        high=math.exp(log_ratio + half),
    )


def test_a_suite_that_says_nothing_has_the_threshold_of_the_algorithm():
    assert Gate().latency == THETA


def test_a_pair_is_the_median_over_quads_of_the_log_times_apart():
    baseline = np.array([100.0, 100.0, 200.0, 200.0, 100.0, 400.0])
    candidate = np.array([100.0, 102.01, 200.0, 200.0, 200.0, 242.0])

    found = pair_ratio_of(baseline, candidate, None, None, watched=False)

    # quads: log(102.01/100)/2 = log 1.01, 0, log(200·242)/2 − log(100·400)/2 = log 1.1
    assert found.log_ratio == pytest.approx(math.log(1.01))
    # distances from log 1.01: 0, log 1.01, log (1.1/1.01)
    assert found.se == pytest.approx(1.2533 * 1.4826 * math.log(1.01) / math.sqrt(3))
    assert (found.quads, found.clean_quads, found.usable) == (3, 3, True)


def test_a_pair_of_records_is_judged_by_its_block_medians(make_side, make_pair):
    noisy = make_side(1e6, disturbed=marks(0, 1, 2, 3))
    pair = make_pair(noisy, make_side(1.02e6, disturbed=None), watched=True)

    found = pair_ratio(pair)

    assert found.log_ratio == pytest.approx(math.log(1.02))
    assert (found.quads, found.clean_quads, found.usable) == (10, 8, True)


@pytest.mark.parametrize(
    ("disturbed", "clean", "log_ratio"),
    [(marks(0, 3, 4, 7, 8), 5, 0.0), (marks(0, 3, 4, 7, 8, 10), 4, 0.01)],
)
def test_only_clean_quads_count_where_there_are_five(disturbed, clean, log_ratio):
    # the first five quads are at 0.02, the last five at 0
    sides = blocks([0.02] * 5 + [0.0] * 5)

    found = pair_ratio_of(*sides, disturbed, None, watched=False)

    assert found.clean_quads == clean
    assert found.log_ratio == pytest.approx(log_ratio, abs=1e-12)
    assert found.usable


def test_a_quad_is_clean_where_neither_side_was_disturbed():
    sides = blocks([0.0] * 10)

    found = pair_ratio_of(*sides, marks(0, 5), marks(1, 19), watched=False)

    assert found.clean_quads == 7


@pytest.mark.parametrize(("places", "usable"), [((0, 2, 4, 6, 8), True), (range(0, 12, 2), False)])
def test_a_watched_pair_counts_only_with_five_clean_quads(places, usable):
    sides = blocks([0.0] * 10)

    assert pair_ratio_of(*sides, None, marks(*places), watched=True).usable is usable


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize(
    ("log_ratio", "deviation", "usable"),
    [(0.0, 0.02552, True), (0.0, 0.02554, False), (0.5, 0.02552, True), (-0.5, 0.02554, False)],
)
def test_a_pair_counts_only_where_its_own_error_is_small(log_ratio, deviation, usable, watched):
    # 0.015 · √10 / (1.2533 · 1.4826) = 0.025528
    sides = blocks([log_ratio - deviation, log_ratio + deviation] * 5)

    found = pair_ratio_of(*sides, None, None, watched=watched)

    assert found.se == pytest.approx(1.2533 * 1.4826 * deviation / math.sqrt(10))
    assert (found.log_ratio, found.clean_quads) == (pytest.approx(log_ratio), 10)
    assert found.usable is usable


def test_a_pair_whose_error_is_exactly_the_largest_counts(monkeypatch):
    sides = blocks([-0.01, 0.01] * 5)
    se = pair_ratio_of(*sides, None, None, watched=False).se

    monkeypatch.setattr("results.compare.NOISY", se)
    assert pair_ratio_of(*sides, None, None, watched=False).usable
    monkeypatch.setattr("results.compare.NOISY", np.nextafter(se, 0))
    assert not pair_ratio_of(*sides, None, None, watched=False).usable


@pytest.mark.parametrize(("places", "usable"), [((0, 2, 4, 6, 8), True), ((10, 12), False)])
def test_the_error_of_a_pair_is_that_of_the_quads_that_count(places, usable):
    # five quads far apart, then five that agree
    sides = blocks([-0.2, 0.2, -0.1, 0.1, 0.3] + [0.0] * 5)

    calm = pair_ratio_of(*sides, marks(*places), None, watched=False)

    assert calm.usable is usable


def test_times_below_the_step_of_the_clock_count_as_a_nanosecond():
    found = pair_ratio_of(np.zeros(4), np.full(4, 0.5), None, None, watched=False)

    assert (found.log_ratio, found.se) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("baseline", "candidate", "disturbed", "message"),
    [
        ([1.0] * 4, [1.0] * 2, None, QUADS_OF.format(4, 2)),
        ([1.0] * 3, [1.0] * 3, None, QUADS_OF.format(3, 3)),
        ([], [], None, QUADS_OF.format(0, 0)),
        ([1.0, 2.0], [1.0, math.nan], None, "pair: expected times of the candidate in ns, got nan"),
        ([1.0, -2.0], [1.0, 1.0], None, "pair: expected times of the baseline in ns, got -2.0"),
        ([1.0, 2.0], [1.0, 1.0], [True], "pair: expected 2 marks of disturbance, got 1"),
    ],
)
def test_blocks_that_are_no_quads_or_no_times_are_refused(baseline, candidate, disturbed, message):
    flags = None if disturbed is None else np.array(disturbed)

    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pair_ratio_of(np.array(baseline), np.array(candidate), flags, None, watched=False)


def test_one_pair_has_the_expected_spread_as_its_error():
    found = combine(of(0.01))

    assert (found.log_ratio, found.se, found.df, found.pairs) == (0.01, 0.004, 3.0, 1)
    half = stats.t.ppf(0.975, 3) * 0.004
    assert found.low == pytest.approx(math.exp(0.01 - half))
    assert found.high == pytest.approx(math.exp(0.01 + half))
    assert found.ratio == math.exp(0.01)


def test_the_variance_between_pairs_is_weighed_against_the_expected_one():
    found = combine(of(0.001, 0.01, 0.019))

    assert found.log_ratio == pytest.approx(0.01)
    # (3 · 0.004² + 2 · 0.009²) / 5, over 3 pairs
    assert found.se == pytest.approx(math.sqrt((3 * 0.004**2 + 2 * 0.009**2) / 5 / 3))
    assert found.df == 5.0


def test_equal_pairs_have_an_error_all_the_same():
    found = combine(of(*[0.0] * 5))

    assert found.se == pytest.approx(math.sqrt(3 * 0.004**2 / 7 / 5))
    assert (found.log_ratio, found.df, found.pairs) == (0.0, 7.0, 5)


def test_the_error_is_never_below_that_within_pairs():
    found = combine(of(0, 0, 0, se=0.02) + of(0, se=0.9) + of(0, se=0.01))

    assert found.se == pytest.approx(0.02 / math.sqrt(5))


@pytest.mark.parametrize(
    ("spread", "se", "df"),
    [(0.0099, math.sqrt((3 * 0.004**2 + 4 * 0.0099**2) / 7 / 5), 7), (0.0101, 0.0101 / 5**0.5, 4)],
)
def test_pairs_apart_by_more_than_was_ever_seen_are_judged_by_their_own_variance(spread, se, df):
    steps = np.array([-2, -1, 0, 1, 2]) * spread / math.sqrt(2.5)

    found = combine(of(*(0.03 + steps)))

    assert (found.log_ratio, found.df) == (pytest.approx(0.03), df)
    assert found.se == pytest.approx(se)


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.25])
def test_a_look_at_identical_code_seldom_finds_a_change_however_far_pairs_are_apart(spread):
    pairs = np.random.default_rng(3).normal(0, spread, (3000, 5))

    found = [look(combine(of(*logs)), THETA) for logs in pairs]

    # with the variance moderated all the same: 1.8, 8.9 and 10.6 %
    assert sum(word in (SLOWER, FASTER) for word in found) / len(pairs) < 0.018


def test_extremes_are_left_out_where_they_are_far_from_pairs_that_agree():
    found = combine(of(-0.011, 0.000, 0.001, 0.002, 0.011))

    # the middle three; winsorised 0, 0, 0.001, 0.002, 0.002, its variance times 4/2 · 5/3
    winsorised = np.var([0, 0, 0.001, 0.002, 0.002], ddof=1) * 4 / 2 * 5 / 3
    assert found.log_ratio == pytest.approx(0.001)
    assert found.se == pytest.approx(math.sqrt((3 * 0.004**2 + 4 * winsorised) / 7 / 5))
    assert found.df == 7.0


def test_wild_extremes_are_left_out_and_take_the_freedoms_of_the_expectation_with_them():
    found = combine(of(-0.002, 0.000, 0.001, 0.002, 0.500))
    apart = combine(of(-0.02, -0.01, 0.00, 0.01, 0.500))

    winsorised = np.var([-0.01, -0.01, 0, 0.01, 0.01], ddof=1) * 4 / 2 * 5 / 3
    assert (found.log_ratio, found.df) == (pytest.approx(0.001), 2.0)
    assert found.se == pytest.approx(0.004 / math.sqrt(5))
    assert (apart.log_ratio, apart.df) == (pytest.approx(0.0), 2.0)
    assert apart.se == pytest.approx(math.sqrt(winsorised / 5))
    assert look(found, THETA) == SAME


@pytest.mark.parametrize("logs", [(0.0, 0.01, 0.02, 0.03, 0.05), (0.0, 0.001, 0.002, 0.5)])
def test_extremes_stay_where_they_are_not_wild_or_pairs_are_few(logs):
    found = combine(of(*logs))

    assert (found.log_ratio, found.df) == (pytest.approx(np.mean(logs)), len(logs) - 1)
    assert found.se == pytest.approx(np.std(logs, ddof=1) / math.sqrt(len(logs)))


def test_pairs_that_are_not_usable_say_nothing():
    unusable = replace(of(0.9)[0], usable=False)

    assert combine([unusable, *of(0.01, 0.02)]) == combine(of(0.01, 0.02))
    with pytest.raises(ValueError, match=r"^combine: expected a usable pair, got none among 1$"):
        combine([unusable])


def test_p_values_are_one_sided_of_students_t():
    found = combine(of(0.010, 0.012, 0.008, 0.011, 0.009))

    assert p_slower(found) == pytest.approx(stats.t.sf(found.log_ratio / found.se, 7))
    assert p_faster(found) == pytest.approx(stats.t.cdf(found.log_ratio / found.se, 7))
    assert p_towards(found) == p_slower(found)
    assert p_towards(estimate(-0.01)) == p_faster(estimate(-0.01))


@pytest.mark.parametrize(
    ("log_ratio", "se", "found"),
    [
        (math.log(1.02) + 1e-9, 0.001, SLOWER),
        (math.log(1.02) - 1e-9, 0.001, SAME),
        (-math.log(1.02) - 1e-9, 0.001, FASTER),
        (math.log(1.03), 0.001, SLOWER),
        (math.log(1.015), 0.007, None),
        (0.0, 0.0124, SAME),
        (0.0, 0.0126, None),
        (0.05, 0.05 / 3.81, SLOWER),
        (0.05, 0.05 / 3.79, None),
    ],
)
def test_a_look_finds_a_change_or_its_absence_or_neither(log_ratio, se, found):
    # t(7): 2.3646 leaves 2.5 % above it, 3.8007 a third of a percent; log 1.03 / 2.3646 = 0.0125
    assert look(estimate(log_ratio, se), 0.02) == found


def test_a_look_goes_by_the_threshold_that_it_is_given():
    assert look(estimate(0.03), 0.05) == SAME
    assert look(estimate(0.03), 0.01) == SLOWER
    assert is_same(estimate(0.055), 0.05)
    assert not is_same(estimate(0.055), 0.04)


def test_disturbance_is_a_share_of_the_blocks_that_tell(make_side, make_pair):
    calm, silent = make_side(1e6), make_side(1e6, disturbed=None)
    shaken = make_side(1e6, disturbed=marks(0, 1, 2, 3, 4))

    assert disturbed_share([make_pair(calm, shaken)]) == 5 / 40
    assert disturbed_share([make_pair(calm, shaken), make_pair(silent, shaken)]) == 10 / 60
    assert disturbed_share([make_pair(silent, silent)]) is None
    assert disturbed_share([]) is None


LOGS = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=12)
NOISE = st.floats(0, 0.05)


@given(LOGS, NOISE)
def test_swapping_the_sides_mirrors_the_estimate(logs, se):
    found, mirror = combine(of(*logs, se=se)), combine(of(*(-one for one in logs), se=se))

    assert mirror.log_ratio == pytest.approx(-found.log_ratio, abs=1e-12)
    assert mirror.se == pytest.approx(found.se)
    assert p_faster(mirror) == pytest.approx(p_slower(found), abs=1e-12)
    assert mirror.high == pytest.approx(1 / found.low)


@given(
    st.lists(st.floats(1e3, 1e9), min_size=20, max_size=20),
    st.lists(st.floats(1e3, 1e9), min_size=20, max_size=20),
    st.floats(0.5, 100),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_scaling_all_times_changes_nothing_and_swapping_mirrors(baseline, candidate, by, disturbed):
    a, b, flags = np.array(baseline), np.array(candidate), np.array(disturbed)

    found = pair_ratio_of(a, b, flags, None, watched=True)
    scaled = pair_ratio_of(by * a, by * b, flags, None, watched=True)
    swapped = pair_ratio_of(b, a, None, flags, watched=True)

    assert scaled.log_ratio == pytest.approx(found.log_ratio, abs=1e-9)
    assert scaled.se == pytest.approx(found.se, abs=1e-9)
    assert swapped.log_ratio == pytest.approx(-found.log_ratio, abs=1e-9)
    assert (swapped.clean_quads, swapped.usable) == (found.clean_quads, found.usable)
