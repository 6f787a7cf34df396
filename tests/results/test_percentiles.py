import math

import numpy as np
import pytest
from scipy import stats

from results.metrics import launch_interval
from results.percentiles import (
    TAIL,
    effective_queries,
    needed_queries,
    order_statistic_ranks,
    percentile,
    percentiles,
)
from results.summary import Interval, Percentile, TooFewQueries


def ns(*values):
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize(("permille", "need"), [(900, 36), (950, 72), (990, 368), (999, 3688)])
def test_the_queries_needed_are_the_fewest_with_a_finite_interval(permille, need):
    assert needed_queries(permille) == need
    assert order_statistic_ranks(permille, need - 1) is None
    assert order_statistic_ranks(permille, need)[1] == need


def test_one_percentile_is_the_same_as_among_all():
    launches = [np.random.default_rng(n).integers(1000, 9000, 5000) for n in range(3)]

    assert tuple(percentile(launches, permille) for permille in TAIL) == percentiles(launches)


@pytest.mark.parametrize("permille", TAIL)
@pytest.mark.parametrize("queries", [3688, 5000, 123_457, 3_000_000])
def test_ranks_leave_at_most_a_fortieth_in_each_tail_and_no_more_than_they_must(permille, queries):
    low, high = order_statistic_ranks(permille, queries)
    below = stats.binom(queries, permille / 1000).cdf

    assert below(low - 1) <= 0.025 < below(low)
    assert 1 - below(high - 1) <= 0.025 < 1 - below(high - 2)


def test_percentiles_are_order_statistics_of_all_queries_pooled():
    launches = [ns(*range(1, 4001, 2)), ns(*range(2, 4001, 2))]

    p90, p95, p99, p99_9 = percentiles(launches)

    assert [p.value_ns for p in (p90, p95, p99, p99_9)] == [3600, 3800, 3960, 3996]
    assert [p.have for p in (p90, p95, p99, p99_9)] == [4000] * 4


def test_percentiles_weigh_launches_and_not_their_queries():
    # one launch in five is at 10 ms, though only one query in forty; 5² / (4/500 + 1/50) = 892.9
    launches = [ns(*[1_000_000] * 500)] * 4 + [ns(*[10_000_000] * 50)]

    p90, p95 = percentiles(launches)[:2]

    assert (p90.value_ns, p95.value_ns) == (10_000_000, 10_000_000)
    assert (p90.have, p95.have) == (892, 892)


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
    base = np.random.default_rng(1).permutation(np.arange(10_000_000, 20_000_000, 10_000))
    launches = [(base * factor).astype(np.int64) for factor in (0.8, 0.9, 1.0, 1.1, 1.2)]
    own = [float(np.sort(launch)[989]) for launch in launches]
    expected = launch_interval(own)

    p99 = percentiles(launches)[2]

    assert p99.interval.low_ns == pytest.approx(expected.low_ns)
    assert p99.interval.high_ns == pytest.approx(max(expected.high_ns, p99.value_ns))
    assert p99.interval.low_ns <= p99.value_ns <= p99.interval.high_ns


def test_the_interval_is_stretched_to_hold_its_estimate():
    # the launches' own p90 are ten of 10 and two of 100 µs: centre 14.7 µs, t-interval to 25.9 µs
    launches = [ns(*[10_000] * 100)] * 10 + [ns(*[100_000] * 100)] * 2
    own = launch_interval([10_000.0] * 10 + [100_000.0] * 2)

    p90 = percentiles(launches)[0]

    assert own.high_ns < p90.value_ns == 100_000
    assert p90.interval == Interval(
        low_ns=pytest.approx(own.low_ns),
        high_ns=100_000.0,
        half_width=pytest.approx(1 - own.low_ns / 100_000),
    )


def test_the_interval_is_stretched_downwards_too():
    # the launches' own p90 are ten of 100 and two of 33 µs, t-interval from 63 µs; pooled, it is 60
    many = ns(*[60_000] * 89, *[100_000] * 11)
    own = launch_interval([100_000.0] * 10 + [33_000.0] * 2)

    p90 = percentiles([many] * 10 + [ns(*[33_000] * 100)] * 2)[0]

    assert own.low_ns > p90.value_ns == 60_000
    assert (p90.interval.low_ns, p90.interval.high_ns) == (60_000.0, pytest.approx(own.high_ns))


def test_slow_queries_spread_evenly_count_in_full():
    launch = np.full(1000, 10_000_000, dtype=np.int64)
    launch[::20] += 1000

    assert effective_queries([launch], 900) == 1000


def test_slow_queries_in_a_row_count_less():
    # 20 blocks of 5 queries of 10 ms, of which the last 10 are slow: p = 0.1, and two blocks hold
    # 5 exceedances each where 0.5 were expected: 2 x 4.5^2 + 18 x 0.5^2 = 45, 100 x 0.1 x 0.9 = 9
    launch = np.full(100, 10_000_000, dtype=np.int64)
    launch[-10:] += 1000

    assert effective_queries([launch], 900) == pytest.approx(100 * 9 / 45)


def test_a_launch_whose_queries_are_all_alike_counts_in_full():
    assert effective_queries([np.full(500, 1_000_000, dtype=np.int64)], 990) == 500


def test_a_launch_without_slow_queries_does_not_vouch_for_one_with_a_cluster():
    # 5 launches of 20 blocks of 5 queries; p99 has the 5 slow ones of one block above it, p = 0.01:
    # 4.95^2 + 99 x 0.05^2 = 24.75, 500 x 0.01 x 0.99 = 4.95. No launch has any above its own p99.
    quiet = np.full(100, 10_000_000, dtype=np.int64)
    burst = quiet.copy()
    burst[50:55] += 1000

    assert effective_queries([burst, *[quiet] * 4], 990) == pytest.approx(500 * 4.95 / 24.75)


def test_effective_queries_are_over_all_launches():
    clustered = np.full(100, 10_000_000, dtype=np.int64)
    clustered[-10:] += 1000

    assert percentiles([clustered, clustered])[0] == Percentile(
        value_ns=10_000_000.0,
        interval=Interval(
            low_ns=10_000_000.0, high_ns=10_001_000.0, half_width=pytest.approx(1e-4)
        ),
        have=40,
    )


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


def bursts(rng, launches, *, queries, slow, length=10):
    """Launches of 0.56 ms queries; the fraction `slow` of them in bursts, three times as slow."""
    made = []
    for _ in range(launches):
        wall = rng.lognormal(math.log(555_000), 0.02, queries)
        for start in rng.integers(0, queries - length, rng.poisson(queries * slow / length)):
            wall[start : start + length] *= 3 * rng.lognormal(0, 0.3)
        made.append(wall.astype(np.int64))
    return made


def told_and_right(launches, *, queries, slow, repeats):
    """How many of the repeats told a p99.9, and how many of those intervals held the true one."""
    rng = np.random.default_rng(5)
    truth = np.quantile(np.concatenate(bursts(rng, 400, queries=queries, slow=slow)), 0.999)
    found = [
        percentiles(bursts(rng, launches, queries=queries, slow=slow))[3] for _ in range(repeats)
    ]
    told = [each.interval for each in found if isinstance(each, Percentile)]
    return len(told), sum(each.low_ns <= truth <= each.high_ns for each in told)


def test_a_few_bursts_in_short_launches_tell_no_far_percentile():
    told, _ = told_and_right(5, queries=900, slow=0.01, repeats=40)

    assert told <= 2


def test_of_rare_bursts_in_many_short_launches_few_far_percentiles_are_told_wrongly():
    # in a tenth of the repeats hardly a burst is among the queries, and nothing hints at them
    told, right = told_and_right(12, queries=900, slow=0.002, repeats=40)

    assert told - right <= 8


def test_percentile_intervals_of_bursts_cover_where_there_are_enough_of_them():
    told, right = told_and_right(12, queries=6000, slow=0.002, repeats=40)

    assert told >= 30
    assert right >= 0.9 * told
