import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from results.compare import THETA, combine, p_faster, p_slower
from results.gate import (
    benjamini_hochberg,
    confirmed,
    interrupted,
    judge,
    wanting,
    wants_fresh,
    words,
)
from results.summary import TooFewQueries
from results.verdict import FASTER, SAME, SLOWER, UNSURE, PairRatio, Verdict

WIDE = (-0.06, -0.03, 0.0, 0.03, 0.06, 0.09)
"""Log ratios of pairs that are too far apart to say anything."""
STEPS = (-1, 0, 1, -1, 1)
SLIGHT = tuple(0.03 + 0.011 * step for step in STEPS)
"""Of pairs that look slower: kept alone (p = 2e-3), but not as one of a hundred cases."""
NARROW = tuple(0.0215 + 0.0088 * step for step in STEPS)
"""Of pairs that look slower (p = 1e-4), though their interval lies within ±3 %."""


def of(*log_ratios, se=0.0, usable=True):
    return [
        PairRatio(log_ratio=x, se=se, quads=10, clean_quads=10, usable=usable) for x in log_ratios
    ]


def unusable(count):
    return of(*[0.0] * count, usable=False)


def sames(count):
    return {f"same {number}": of(*[0.0] * 5) for number in range(count)}


@pytest.fixture
def pairs(make_pair):
    """Make pairs with these log ratios around 1 ms."""

    def made(*log_ratios, **changes):
        return [make_pair(1e6, 1e6 * math.exp(x), **changes) for x in log_ratios]

    return made


P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(P_VALUES, st.floats(0.001, 0.5))
def test_the_p_values_kept_are_those_that_scipy_adjusts_below_the_level(p_values, level):
    adjusted = stats.false_discovery_control(p_values)
    clear = np.abs(adjusted - level) > 1e-12

    kept = benjamini_hochberg(p_values, level)

    assert kept[clear].tolist() == (adjusted <= level)[clear].tolist()


def test_p_values_are_kept_up_to_the_last_that_is_small_enough_for_its_rank():
    p_values = [0.04, 0.9, 0.012, 0.03]

    # of four at 5 %: 0.0125, 0.025, 0.0375, 0.05; the third holds only by its rank
    assert benjamini_hochberg(p_values, 0.05).tolist() == [False, False, True, False]
    assert benjamini_hochberg([0.04, 0.9, 0.026, 0.03], 0.05).tolist() == [False] * 4
    assert benjamini_hochberg([0.037, 0.9, 0.026, 0.03], 0.05).tolist() == [True, False, True, True]
    assert benjamini_hochberg([], 0.05).tolist() == []


@pytest.mark.parametrize("count", [0, 1, 4, 6, 7, 9, 11])
def test_a_case_between_looks_wants_a_pair_whatever_it_has(count):
    assert wanting({"it": of(*[0.0] * count)}, theta=THETA) == {"it"}


@pytest.mark.parametrize("count", [5, 8, 12])
def test_a_case_that_is_the_same_at_a_look_wants_no_more(count):
    assert wanting({"it": of(*[0.0] * count)}, theta=THETA) == frozenset()


def test_a_look_that_finds_nothing_asks_for_more_until_the_last():
    apart = WIDE * 2

    assert wanting({"it": of(*apart[:5])}, theta=THETA) == {"it"}
    assert wanting({"it": of(*apart[:8])}, theta=THETA) == {"it"}
    assert wanting({"it": of(*apart)}, theta=THETA) == frozenset()
    assert words({"it": of(*apart)}, theta=THETA) == {"it": UNSURE}


def test_pairs_that_are_not_usable_bring_no_look():
    assert wanting({"it": [*of(*[0.0] * 4), *unusable(3)]}, theta=THETA) == {"it"}
    assert wanting({"it": [*of(*[0.0] * 5), *unusable(3)]}, theta=THETA) == frozenset()


def test_a_case_with_a_thirteenth_unusable_pair_gets_no_more():
    assert wanting({"it": unusable(12)}, theta=THETA) == {"it"}
    assert wanting({"it": unusable(13)}, theta=THETA) == frozenset()
    assert wanting({"it": [*of(*WIDE), *unusable(12)]}, theta=THETA) == {"it"}
    assert wanting({"it": [*of(*WIDE), *unusable(13)]}, theta=THETA) == frozenset()


def test_a_change_waits_until_no_other_case_wants_a_pair():
    slight = {"slight": of(*SLIGHT)}

    # alone it is kept; among a hundred it is not, and goes on once they are done
    assert wanting(slight, theta=THETA) == frozenset()
    assert wanting({**slight, **sames(100), "late": of(0.0)}, theta=THETA) == {"late"}
    assert wanting({**slight, **sames(100)}, theta=THETA) == {"slight"}


def test_a_change_that_is_not_kept_goes_on_to_its_next_look_and_is_judged_there():
    crowd = sames(100)

    between = {**crowd, "slight": of(*SLIGHT, 0.03)}
    assert wanting(between, theta=THETA) == {"slight"}
    settled = {**crowd, "slight": of(*SLIGHT, 0.03, 0.03, 0.03)}
    assert wanting(settled, theta=THETA) == frozenset()
    assert words(settled, theta=THETA)["slight"] == SLOWER


def test_words_need_the_rule_of_a_look_and_to_be_kept_among_all():
    changed = {"up": of(*SLIGHT), "down": of(*(-x for x in SLIGHT)), "narrow": of(*NARROW)}

    assert words(changed, theta=THETA) == {"up": SLOWER, "down": FASTER, "narrow": SLOWER}
    among = words({**changed, **sames(1000)}, theta=THETA)
    assert [among[name] for name in changed] == [UNSURE, UNSURE, SAME]
    assert set(among.values()) == {UNSURE, SAME}


def test_a_change_below_the_threshold_is_none_however_significant():
    assert words({"it": of(*[0.0195] * 5)}, theta=0.02) == {"it": SAME}
    assert words({"it": of(*[0.0205] * 5)}, theta=0.02) == {"it": SLOWER}
    assert words({"it": of(*[0.0205] * 5)}, theta=0.03) == {"it": SAME}


def test_no_case_is_no_word():
    assert wanting({}, theta=THETA) == frozenset()
    assert words({}, theta=THETA) == {}


CASES = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.lists(
        st.builds(
            lambda step, se, usable: of(step / 1000, se=se, usable=usable)[0],
            st.integers(-60, 60),
            st.sampled_from((0.0, 0.001, 0.01)),
            st.booleans(),
        ),
        max_size=15,
    ),
)
MIRROR = {SLOWER: FASTER, FASTER: SLOWER, SAME: SAME, UNSURE: UNSURE}


@given(CASES)
def test_swapping_the_sides_mirrors_every_word_and_wants_the_same_pairs(cases):
    mirrored = {
        name: [replace(ratio, log_ratio=-ratio.log_ratio) for ratio in ratios]
        for name, ratios in cases.items()
    }

    assert words(mirrored, theta=THETA) == {
        name: MIRROR[word] for name, word in words(cases, theta=THETA).items()
    }
    assert wanting(mirrored, theta=THETA) == wanting(cases, theta=THETA)


@given(CASES, st.integers(0, 99))
def test_a_suite_ends_within_the_last_look_and_the_spare_pairs(cases, seed):
    rng = np.random.default_rng(seed)
    had = {name: list(ratios) for name, ratios in cases.items()}

    while wanted := wanting(had, theta=THETA):
        for name in wanted:
            had[name] += of(rng.normal(0.01, 0.02), usable=rng.random() < 0.5)
            assert len(had[name]) <= 12 + 12


def test_a_verdict_has_its_numbers(make_side, make_pair):
    shaken = np.arange(20) < 1
    pair = make_pair(
        make_side(1e6, p95_ns=2e6, clean_p99_ns=3e6),
        make_side(1.01e6, disturbed=shaken, p95_ns=2.2e6, clean_p99_ns=3e6),
    )

    found = judge({"it": [pair] * 5}, theta=THETA)["it"]

    estimate = combine(of(*[math.log(1.01)] * 5))
    assert found.estimate.log_ratio == pytest.approx(estimate.log_ratio)
    assert found.estimate.se == pytest.approx(estimate.se)
    assert found.p_value == pytest.approx(p_slower(estimate))
    assert (found.word, found.shifted, found.confirmation) == (SAME, True, None)
    assert found.disturbed_share == 1 / 40
    assert found.p95.ratio == pytest.approx(1.1)
    assert found.p99.ratio == 1.0
    assert found.baseline_ns == pytest.approx(1e6)
    assert found.candidate_ns == pytest.approx(1.01e6)


def test_the_times_of_a_verdict_are_geometric_means_over_launches(make_side, make_pair):
    uneven = [1e6] * 11 + [9e6] * 9
    pairs = [make_pair(make_side(uneven), make_side(uneven)), make_pair(4e6, 1e6)]

    found = judge({"it": pairs}, theta=THETA)["it"]

    assert found.baseline_ns == pytest.approx(2e6)
    assert found.candidate_ns == pytest.approx(1e6)
    assert found.p_value == pytest.approx(p_faster(found.estimate))


def test_pairs_that_are_not_usable_are_left_out_of_the_numbers(make_side, make_pair):
    lost = make_pair(make_side(9e6, disturbed=True), 18e6, watched=True)

    found = judge({"it": [make_pair(1e6, 1e6)] * 5 + [lost] * 3}, theta=THETA)["it"]

    assert (found.word, found.estimate.log_ratio) == (SAME, 0.0)
    assert found.baseline_ns == pytest.approx(1e6)
    assert found.p95.ratio == 1.0
    assert found.disturbed_share == 3 * 20 / (8 * 40)
    assert found.notes == ("3 of 8 pairs did not count: too disturbed or too noisy",)


def test_noisy_pairs_are_left_out_and_noted_before_what_was_not_steady(make_side, make_pair):
    noisy = make_pair(make_side(9e6, steady=False), make_side([8.5e6, 8.5e6, 10e6, 10e6] * 5))
    moving = make_pair(make_side(1e6, steady=False), 1e6)

    found = judge({"it": [noisy] * 2 + [moving] * 5}, theta=THETA)["it"]

    assert (found.word, found.estimate.log_ratio, found.estimate.pairs) == (SAME, 0.0, 5)
    assert found.baseline_ns == pytest.approx(1e6)
    assert found.notes == (
        "2 of 7 pairs did not count: too disturbed or too noisy",
        "5 of 10 launches reached no steady state in their warm-up",
    )


def test_noise_within_pairs_alone_leaves_a_case_unsure_with_its_counts(make_side, make_pair):
    noisy = make_pair(1e6, make_side([1e6, 1e6, 1.1e6, 1.1e6] * 5))

    found = judge({"it": [make_pair(1e6, 1e6)] * 4 + [noisy] * 13}, theta=THETA)["it"]

    assert (found.word, found.estimate.pairs) == (UNSURE, 4)
    assert found.reason == ("4 of 17 pairs were calm enough to count, 5 such pairs are needed")
    assert found.notes == ("13 of 17 pairs did not count: too disturbed or too noisy",)


def test_a_case_without_a_usable_pair_has_no_ratio(make_side, make_pair):
    lost = make_pair(make_side(9e6, disturbed=True), 18e6, watched=True)

    found = judge({"lost": [lost] * 4, "none": []}, theta=THETA)

    assert found["lost"].estimate is None
    assert found["lost"].baseline_ns == pytest.approx(9e6)
    assert found["none"] == Verdict(
        word=UNSURE,
        reason="0 pairs, 5 are needed",
        p95=TooFewQueries(have=0, need=72),
        p99=TooFewQueries(have=0, need=368),
    )


def judged(pairs):
    return judge({"it": pairs}, theta=THETA)["it"]


def test_a_change_is_confirmed_by_as_many_fresh_pairs(pairs):
    slower = judged(pairs(*[0.0305] * 5))

    found = confirmed(slower, pairs(*[0.0355] * 5))

    assert found == replace(slower, reason=found.reason, confirmation=found.confirmation)
    assert found.reason == (
        "p = 2e-08 after 5 pairs, significant; confirmed by 5 fresh pairs: ×1.036"
    )
    assert found.confirmation.confirmed
    assert found.confirmation.estimate.log_ratio == pytest.approx(0.0355)
    assert found.confirmation.p_value == pytest.approx(p_slower(found.confirmation.estimate))


def test_a_faster_case_is_confirmed_towards_faster(pairs):
    faster = judged(pairs(*[-0.0305] * 5))

    assert confirmed(faster, pairs(*[-0.0305] * 5)).word == FASTER
    found = confirmed(faster, pairs(*[0.0305] * 5))
    assert (found.word, found.confirmation.confirmed) == (UNSURE, False)
    assert found.confirmation.p_value > 0.99


@pytest.mark.parametrize(
    ("fresh", "reason"),
    [
        ([0.004] * 5, "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×1.004"),
        ([-0.03] * 5, "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×0.970"),
        ([math.log(1.0149)] * 5, "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×1.015"),
        ([0.0] * 3 + [0.08] * 2, "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×1.033"),
        ([0.03] * 4, "SLOWER ×1.031 was not confirmed: 4 fresh pairs, 5 are needed"),
        ([], "SLOWER ×1.031 was not confirmed: 0 fresh pairs, 5 are needed"),
    ],
)
def test_what_fresh_pairs_do_not_confirm_is_unsure(pairs, fresh, reason):
    found = confirmed(judged(pairs(*[0.0305] * 5)), pairs(*fresh))

    assert (found.word, found.reason) == (UNSURE, reason)
    assert found.confirmation is None if len(fresh) < 5 else not found.confirmation.confirmed
    assert found.estimate.log_ratio == pytest.approx(0.0305)


def test_a_change_of_three_quarters_of_the_threshold_confirms(pairs):
    assert confirmed(judged(pairs(*[0.0305] * 5)), pairs(*[math.log(1.0151)] * 5)).word == SLOWER
    changed = judge({"it": pairs(*[0.06] * 5)}, theta=0.05)["it"]
    weak = pairs(*[math.log(1.0374)] * 5)
    assert confirmed(changed, weak, theta=0.05).word == UNSURE
    assert confirmed(changed, pairs(*[math.log(1.0376)] * 5), theta=0.05).word == SLOWER


def test_fresh_pairs_tell_of_their_own_disturbance(make_side, make_pair, pairs):
    shaken = make_pair(make_side(1e6, disturbed=True), 1e6)

    found = confirmed(judged(pairs(*[0.0305] * 5)), [shaken] * 5)

    assert found.reason == (
        "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×1.000; "
        "50 % of the blocks were disturbed"
    )


def test_noisy_fresh_pairs_confirm_nothing_however_large_a_change_they_show(
    make_side, make_pair, pairs
):
    noisy = make_pair(1e6, make_side([2e6, 2e6, 3e6, 3e6] * 5))

    found = confirmed(judged(pairs(*[0.0305] * 5)), [*pairs(*[0.0305] * 4), *[noisy] * 13])

    assert (found.word, found.confirmation) == (UNSURE, None)
    assert found.reason == (
        "SLOWER ×1.031 was not confirmed: 4 of 17 fresh pairs were calm enough to count, "
        "5 such pairs are needed"
    )


def test_only_a_change_is_confirmed(pairs):
    with pytest.raises(ValueError, match=r"^confirmed: expected SLOWER or FASTER, got 'SAME'$"):
        confirmed(judged(pairs(*[0.0] * 5)), [])


def test_fresh_pairs_are_wanted_until_as_many_are_usable(pairs):
    slower = judged(pairs(*[0.0305] * 5))

    assert wants_fresh(slower, [])
    assert wants_fresh(slower, [*of(*[0.03] * 4), *unusable(12)])
    assert not wants_fresh(slower, [*of(*[0.03] * 4), *unusable(13)])
    assert not wants_fresh(slower, [*of(*[0.03] * 5), *unusable(1)])
    assert not wants_fresh(judged(pairs(*[0.0] * 5)), [])


def test_an_interrupted_gate_has_no_changes(pairs):
    slower, same = judged(pairs(*[0.0305] * 5)), judged(pairs(*[0.0] * 5))

    assert interrupted(same) == same
    assert interrupted(slower) == replace(
        slower,
        word=UNSURE,
        reason="SLOWER ×1.031 was not confirmed: the gate was interrupted",
    )


def test_sides_that_were_not_steady_are_noted(make_side, make_pair):
    moving, slow = make_side(1e6, steady=False), make_side(1e6, steady=None)
    calm = make_side(1e6)
    found = judge(
        {"moving": [make_pair(moving, calm)] * 5, "calm": [make_pair(slow, calm)] * 5}, theta=THETA
    )

    assert found["moving"].notes == ("5 of 10 launches reached no steady state in their warm-up",)
    assert found["calm"].notes == ()
