from fractions import Fraction

import numpy as np

from results.pooling import Pool


def pool(*launches):
    return Pool.of([np.array(launch, dtype=np.int64) for launch in launches])


def test_a_share_is_reached_at_a_query_and_never_between_two():
    found = pool([30, 10], [40, 20])

    assert [found.at(Fraction(n, 8)) for n in range(1, 9)] == [10, 10, 20, 20, 30, 30, 40, 40]


def test_a_launch_weighs_the_same_however_many_queries_it_has():
    found = pool([1] * 900 + [2] * 100, [5])

    assert found.at(Fraction(45, 100)) == 1
    assert found.at(Fraction(50, 100)) == 2
    assert found.at(Fraction(51, 100)) == 5


def test_shares_are_exact_where_decimals_are_not():
    # 3 launches of 3, 7 and 10 queries: 1/9 + 2/21 + 1/10 of the weight lies at or below 1
    found = pool([1, 2, 2], [1, 1, *[2] * 5], [1, 1, 1, *[2] * 7])
    bound = (Fraction(1, 3) + Fraction(2, 7) + Fraction(3, 10)) / 3

    assert found.at(bound) == 1
    assert found.at(bound + Fraction(1, 10**30)) == 2


def test_the_size_is_the_number_of_queries_of_equal_launches():
    assert pool(range(100), range(100), range(100)).size == 300


def test_the_shortest_launch_bounds_the_size():
    assert pool(range(100_000), range(10)).size == Fraction(4 * 100_000, 10_001)


def test_the_launches_stay_as_they_are():
    launch = np.array([3, 1, 2], dtype=np.int64)

    Pool.of([launch])

    assert launch.tolist() == [3, 1, 2]
