import math

import numpy as np
import pytest
from scipy import stats

from results.metrics import (
    TAIL,
    effective_queries,
    launch_estimate,
    launch_interval,
    launch_median,
    needed_queries,
    order_statistic_ranks,
    percentiles,
    spread,
)
from results.record import Interval, Percentile, TooFewQueries


def ns(*values):
    return np.array(values, dtype=np.int64)


def test_the_median_of_an_even_launch_is_the_mean_of_the_middle_two():
    assert launch_median(ns(40, 10, 20, 30)) == 25.0


def test_the_estimate_is_the_geometric_mean_of_launches():
    assert launch_estimate([100.0, 400.0]) == pytest.approx(200.0)


def test_the_launch_interval_is_students_t_on_logs():
    medians = [100.0, 102.0, 98.0, 101.0, 105.0]
    logs = np.log(medians)
    low, high = stats.t.interval(0.95, 4, loc=logs.mean(), scale=stats.sem(logs))

    interval = launch_interval(medians)

    assert interval.low_ns == pytest.approx(math.exp(low))
    assert interval.high_ns == pytest.approx(math.exp(high))
    assert interval.half_width == pytest.approx(math.exp((high - low) / 2) - 1)


def test_the_launch_interval_by_hand():
    # logs 0 and ln 4: mean ln 2, standard error ln 2, t(0.975, 1) = 12.7062
    interval = launch_interval([1e6, 4e6])

    assert interval.half_width == pytest.approx(math.exp(12.7062047 * math.log(2)) - 1)
    assert interval.low_ns * interval.high_ns == pytest.approx(4e12)


def test_one_launch_has_no_interval():
    assert launch_interval([80_000.0]) is None
    assert launch_interval([]) is None


def test_equal_launches_have_an_interval_of_no_width():
    interval = launch_interval([50.0, 50.0, 50.0])

    assert interval == Interval(
        low_ns=pytest.approx(50.0), high_ns=pytest.approx(50.0), half_width=0.0
    )


def test_a_time_below_the_clocks_step_counts_as_one_nanosecond():
    assert launch_estimate([0.0, 100.0]) == pytest.approx(10.0)


@pytest.mark.parametrize(("permille", "need"), [(900, 36), (950, 72), (990, 368), (999, 3688)])
def test_the_queries_needed_are_the_fewest_with_a_finite_interval(permille, need):
    assert needed_queries(permille) == need
    assert order_statistic_ranks(permille, need - 1) is None
    assert order_statistic_ranks(permille, need)[1] == need


@pytest.mark.parametrize("permille", TAIL)
@pytest.mark.parametrize("queries", [3688, 5000, 123_457, 3_000_000])
def test_ranks_leave_at_most_a_fortieth_in_each_tail_and_no_more_than_they_must(permille, queries):
    low, high = order_statistic_ranks(permille, queries)
    below = stats.binom(queries, permille / 1000).cdf

    assert below(low - 1) <= 0.025 < below(low)
    assert 1 - below(high - 1) <= 0.025 < 1 - below(high - 2)


def test_percentiles_are_order_statistics_of_all_queries_pooled():
    launches = [ns(*range(1, 2001)), ns(*range(2001, 4001))]

    p90, p95, p99, p99_9 = percentiles(launches)

    assert [p.value_ns for p in (p90, p95, p99, p99_9)] == [3600, 3800, 3960, 3996]
    assert [p.have for p in (p90, p95, p99, p99_9)] == [4000] * 4


def test_a_percentile_without_enough_queries_says_how_many_it_has_and_needs():
    launches = [ns(*range(1, 31)), ns(*range(1, 31))]

    p90, p95, p99, p99_9 = percentiles(launches)

    assert isinstance(p90, Percentile)
    assert p95 == TooFewQueries(have=60, need=72)
    assert p99 == TooFewQueries(have=60, need=368)
    assert p99_9 == TooFewQueries(have=60, need=3688)


def test_the_percentile_of_one_launch_has_no_interval():
    p90 = percentiles([ns(*range(1, 101))])[0]

    assert p90 == Percentile(value_ns=90.0, interval=None, have=100)


def test_the_interval_is_by_ranks_where_launches_agree():
    same = ns(*range(10_000, 20_000, 10))
    ordered = np.sort(np.concatenate([same, same]))
    low, high = order_statistic_ranks(990, 2000)

    p99 = percentiles([same, same])[2]

    assert p99.interval.low_ns == ordered[low - 1]
    assert p99.interval.high_ns == ordered[high - 1]
    assert p99.interval.half_width == pytest.approx(
        max(ordered[high - 1] / p99.value_ns - 1, 1 - ordered[low - 1] / p99.value_ns)
    )


def test_the_interval_is_over_launches_where_they_differ_more_than_their_queries():
    base = np.arange(10_000, 20_000, 10)
    launches = [(base * factor).astype(np.int64) for factor in (0.8, 0.9, 1.0, 1.1, 1.2)]
    own = [float(launch[989]) for launch in launches]
    expected = launch_interval(own)

    p99 = percentiles(launches)[2]

    assert p99.interval.low_ns == pytest.approx(expected.low_ns)
    assert p99.interval.high_ns == pytest.approx(max(expected.high_ns, p99.value_ns))
    assert p99.interval.low_ns <= p99.value_ns <= p99.interval.high_ns


def test_the_interval_always_holds_its_estimate():
    slow = ns(*[10**6] * 1000)
    quick = ns(*[10**4] * 20_000)

    for percentile in percentiles([slow, quick]):
        assert percentile.interval.low_ns <= percentile.value_ns <= percentile.interval.high_ns


def test_slow_queries_spread_evenly_count_in_full():
    launch = np.full(1000, 10_000_000, dtype=np.int64)
    launch[::20] += 1000

    assert effective_queries(launch, 900) == 1000


def test_slow_queries_in_a_row_count_less():
    # 20 blocks of 5 queries of 10 ms, of which the last 10 are slow: p = 0.1, and two blocks hold
    # 5 exceedances each where 0.5 were expected: 2 x 4.5^2 + 18 x 0.5^2 = 45, 100 x 0.1 x 0.9 = 9
    launch = np.full(100, 10_000_000, dtype=np.int64)
    launch[-10:] += 1000

    assert effective_queries(launch, 900) == pytest.approx(100 * 9 / 45)


def test_a_launch_whose_queries_are_all_alike_counts_in_full():
    assert effective_queries(np.full(500, 1_000_000, dtype=np.int64), 990) == 500


def test_effective_queries_are_summed_over_launches():
    clustered = np.full(100, 10_000_000, dtype=np.int64)
    clustered[-10:] += 1000

    assert percentiles([clustered, clustered])[0] == Percentile(
        value_ns=10_000_000.0,
        interval=Interval(
            low_ns=10_000_000.0, high_ns=10_001_000.0, half_width=pytest.approx(1e-4)
        ),
        have=40,
    )


def test_spread_is_over_all_queries():
    found = spread([ns(10, 20, 30, 40), ns(50, 60, 70, 80)])

    assert found.mean_ns == 45.0
    assert found.iqr_ns == 60 - 20
    assert found.cv == pytest.approx(np.std([10, 20, 30, 40, 50, 60, 70, 80], ddof=1) / 45)


def test_a_single_query_has_no_coefficient_of_variation():
    assert spread([ns(7)]).cv is None


def test_launch_intervals_cover_the_median_of_all_launches_in_95_percent():
    rng = np.random.default_rng(2)
    levels = rng.normal(math.log(80_000), 0.02, size=(1000, 5))
    intervals = [launch_interval(np.exp(row)) for row in levels]

    covered = sum(found.low_ns <= 80_000 <= found.high_ns for found in intervals)

    assert 930 <= covered <= 970


def test_percentile_intervals_of_independent_queries_cover_in_at_least_93_percent():
    rng = np.random.default_rng(3)
    truth = math.exp(11 + 0.1 * stats.norm.ppf(0.99))
    covered = 0
    for _ in range(200):
        launches = [rng.lognormal(11, 0.1, 400).astype(np.int64) for _ in range(5)]
        p99 = percentiles(launches)[2]
        covered += p99.interval.low_ns <= truth <= p99.interval.high_ns

    assert covered >= 186


def test_slow_queries_in_a_row_widen_the_interval_of_a_percentile():
    rng = np.random.default_rng(4)
    in_a_row = [np.sort(rng.lognormal(13.8, 0.05, 500)).astype(np.int64) for _ in range(5)]
    scattered = [rng.permutation(launch) for launch in in_a_row]

    wide, narrow = (percentiles(launches)[0] for launches in (in_a_row, scattered))

    assert wide.value_ns == narrow.value_ns
    assert wide.have < narrow.have / 4
    assert wide.interval.half_width > 2 * narrow.interval.half_width
