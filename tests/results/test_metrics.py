import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from results.metrics import (
    launch_estimate,
    launch_interval,
    launch_median,
    launch_statistic,
    spread,
    time_per_query,
)
from results.record import Block
from results.summary import Interval


def ns(*values):
    return np.array(values, dtype=np.int64)


def test_the_median_of_an_even_launch_is_the_mean_of_the_middle_two():
    assert launch_median(ns(40, 10, 20, 30)) == 25.0


def test_the_time_per_query_is_the_elapsed_time_of_all_blocks_over_all_queries(make_launch):
    blocks = tuple(
        Block(queries=n, elapsed_ns=ns, cpu_ns=0, voluntary_switches=0, involuntary_switches=0)
        for n, ns in ((2, 500), (8, 1500))
    )

    assert time_per_query(make_launch(blocks=blocks)) == 200.0


def test_several_streams_stop_by_the_time_per_query_and_one_by_the_median(make_launch, protocol):
    launch = make_launch(wall_ns=(1000, 1000, 4000))
    streams = replace(launch, protocol=replace(protocol, streams=2))

    assert launch_statistic(launch) == 1000.0
    assert launch_statistic(replace(launch, protocol=replace(protocol, queue_depth=4))) == 1000.0
    assert launch_statistic(streams) == 2000.0


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


def test_spread_is_over_all_queries():
    found = spread([ns(10, 20, 30, 40), ns(50, 60, 70, 80)])

    assert found.mean_ns == 45.0
    assert found.iqr_ns == 60 - 20
    assert found.cv == pytest.approx(np.std([10, 20, 30, 40, 50, 60, 70, 80], ddof=1) / 45)


def test_a_quick_launch_has_no_more_say_in_the_spread_than_a_slow_one():
    quick, slow = ns(*[10] * 4, *[20] * 4), ns(100, 200)

    found = spread([quick, slow])

    # variance: (4·72.5² + 4·62.5²)/16 + (17.5² + 117.5²)/4, over 1 − 1/6.4
    assert found.mean_ns == (15 + 150) / 2
    assert found.iqr_ns == 100 - 10
    assert found.cv == pytest.approx(math.sqrt(5818.75 / (1 - 1 / 6.4)) / 82.5)


def test_a_single_query_has_no_coefficient_of_variation():
    assert spread([ns(7)]).cv is None


def test_launch_intervals_cover_the_median_of_all_launches_in_95_percent():
    rng = np.random.default_rng(2)
    levels = rng.normal(math.log(80_000), 0.02, size=(1000, 5))
    intervals = [launch_interval(np.exp(row)) for row in levels]

    covered = sum(found.low_ns <= 80_000 <= found.high_ns for found in intervals)

    assert 930 <= covered <= 970
