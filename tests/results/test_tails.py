import math
import re

import numpy as np
import pytest
from scipy import stats

from results.summary import TooFewQueries
from results.tails import tail_of, tails


def test_a_tail_is_an_order_statistic_of_all_queries_and_of_those_undisturbed():
    blocks = [np.arange(start, start + 50) for start in (1, 51, 101, 151)]

    # 190 of 1…200; 149 of the 150 below 151
    assert tail_of(blocks[::-1], np.array([True, False, False, False])) == (190.0, 149.0, 150)
    assert tail_of(blocks, None) == (190.0, 198.0, 200)
    assert tail_of(blocks, np.ones(4, dtype=bool)) == (190.0, None, 0)


def test_the_tail_of_few_queries_is_the_slowest():
    assert tail_of([np.array([7, 9]), np.array([8])], None) == (9.0, 9.0, 3)


@pytest.mark.parametrize(
    ("blocks", "disturbed", "message"),
    [
        ([], None, "tail: expected blocks with queries, got none in 0 blocks"),
        ([np.array([])] * 2, None, "tail: expected blocks with queries, got none in 2 blocks"),
        (
            [np.array([1])] * 2,
            np.array([True]),
            "tail: expected a mark of disturbance a block, got 1 of 2",
        ),
    ],
)
def test_a_tail_of_nothing_is_refused(blocks, disturbed, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tail_of(blocks, disturbed)


def test_tails_are_means_of_the_pairs_log_ratios_with_their_t_interval(make_side, make_pair):
    ratios = (1.02, 1.04, 1.03)
    pairs = [
        make_pair(
            make_side(1e6, p95_ns=2e6, clean_p99_ns=3e6),
            make_side(1e6, p95_ns=2e6 * ratio, clean_p99_ns=3e6 / ratio),
        )
        for ratio in ratios
    ]
    logs = np.log(ratios)
    low, high = stats.t.interval(0.95, 2, loc=logs.mean(), scale=stats.sem(logs))

    p95, p99 = tails(pairs)

    assert p95.ratio == pytest.approx(math.exp(logs.mean()))
    assert (p95.low, p95.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert p99.ratio == pytest.approx(math.exp(-logs.mean()))
    assert (p99.low, p99.high) == pytest.approx((math.exp(-high), math.exp(-low)))


def test_the_tails_of_one_pair_have_no_interval(make_side, make_pair):
    p95, p99 = tails([make_pair(make_side(1e6), make_side(1.1e6))])

    assert p95.ratio == pytest.approx(1.1)
    assert (p95.low, p95.high, p99.low, p99.high) == (None,) * 4


def test_tails_need_the_queries_of_the_percentile_on_each_side(make_side, make_pair):
    # 20 blocks a side: 3 queries each are 60 a launch
    few, many = make_side(1e6, queries=3), make_side(1e6, queries=1000)

    assert tails([make_pair(few, many)]) == (
        TooFewQueries(have=60, need=72),
        TooFewQueries(have=60, need=368),
    )
    p95, p99 = tails([make_pair(few, many)] * 6)
    assert p95.ratio == 1.0
    assert p99 == TooFewQueries(have=360, need=368)
    assert tails([make_pair(few, many)] * 7)[1].ratio == 1.0


def test_a_pair_without_undisturbed_queries_on_a_side_has_no_p99(make_side, make_pair):
    shaken = make_side(5e6, clean_p99_ns=None, clean_queries=0)
    calm = make_pair(make_side(1e6), make_side(1.5e6))

    p95, p99 = tails([calm, make_pair(make_side(1e6), shaken), calm])

    assert p95.ratio == pytest.approx((1.5 * 5 * 1.5) ** (1 / 3))
    assert p99.ratio == pytest.approx(1.5)
    assert tails([make_pair(shaken, make_side(1e6))])[1] == TooFewQueries(have=0, need=368)


def test_no_pairs_have_no_tails():
    assert tails([]) == (TooFewQueries(have=0, need=72), TooFewQueries(have=0, need=368))
