import numpy as np
import pytest

from harness.timing import Timings
from harness.warmup import WarmupRule, is_steady, warm_up

RULE = WarmupRule(seconds=0.3, queries=10, cap_s=5.0, block_s=0.05)


def loop_of(latency):
    """Return a loop whose query i of the whole run lasts `latency(i)` ns."""
    state = {"next": 0}

    def loop(queries, *, alone=False):
        assert alone == (state["next"] == 0)
        wall = np.array([latency(state["next"] + i) for i in range(queries)], np.int64)
        state["next"] += queries
        return lambda: Timings(elapsed_ns=int(wall.sum()), wall_ns=wall)

    return loop


def test_seven_blocks_are_too_few_to_call_steady():
    assert not is_steady([1.0] * 7)
    assert is_steady([1.0] * 8)


def test_a_shift_of_two_percent_between_the_halves_is_not_steady():
    assert is_steady([100.0] * 4 + [101.9] * 4)
    assert not is_steady([100.0] * 4 + [102.1] * 4)


def test_only_the_last_eight_blocks_count():
    assert is_steady([900.0, 500.0] + [100.0] * 8)


def test_noise_widens_the_tolerance_to_three_standard_errors():
    noisy = [90.0, 110.0, 95.0, 105.0]
    # the median residual is 7.5 %, so three standard errors of the difference are 39 %
    assert is_steady(noisy + [value * 1.35 for value in noisy])
    assert not is_steady(noisy + [value * 1.45 for value in noisy])
    assert not is_steady([100.0] * 4 + [105.0] * 4)


def test_a_steady_session_warms_up_in_eight_blocks():
    warmup = warm_up(loop_of(lambda _: 1_000_000), RULE)
    assert warmup.steady
    assert warmup.first_query_ns == 1_000_000
    assert warmup.queries == 1 + 8 * 50
    assert warmup.elapsed_ns == 401_000_000
    assert warmup.query_ns == 1_000_000


def test_the_first_query_is_kept_and_the_cold_ones_are_thrown_away():
    warmup = warm_up(loop_of(lambda i: 80_000_000 if i == 0 else 1_000_000), RULE)
    assert warmup.first_query_ns == 80_000_000
    assert warmup.steady
    assert warmup.query_ns == 1_000_000


def test_queries_side_by_side_fill_a_block_at_their_rate_once_it_is_known():
    lengths = []

    def loop(queries, *, alone=False):
        lengths.append(queries)
        wall = np.full(queries, 4_000_000, np.int64)
        return lambda: Timings(
            elapsed_ns=queries * (4_000_000 if alone else 1_000_000), wall_ns=wall
        )

    warmup = warm_up(loop, RULE)
    assert lengths == [1, 13] + [50] * 7
    assert warmup.query_ns == 1_000_000


def test_a_drift_goes_on_warming_up_until_it_ends():
    warmup = warm_up(loop_of(lambda i: max(1_000_000, 3_000_000 - 2_000 * i)), RULE)
    assert warmup.steady
    assert warmup.query_ns == pytest.approx(1_000_000, rel=0.02)
    assert warmup.queries > 1000


def test_what_never_settles_is_given_up_at_the_cap_and_told():
    warmup = warm_up(loop_of(lambda i: 1_000_000 + 3_000 * i), RULE)
    assert not warmup.steady
    assert 5e9 <= warmup.elapsed_ns < 5.2e9


def test_a_slow_model_still_gets_its_queries():
    warmup = warm_up(loop_of(lambda _: 100_000_000), RULE)
    assert warmup.steady
    assert warmup.queries == 10


def test_queries_too_slow_for_eight_blocks_are_not_judged():
    warmup = warm_up(loop_of(lambda _: 900_000_000), RULE)
    assert warmup.steady is None
    assert warmup.queries == 6


def test_the_least_queries_are_waited_for():
    rule = WarmupRule(seconds=1.0, queries=50, cap_s=20.0, block_s=0.05)
    warmup = warm_up(loop_of(lambda _: 60_000_000), rule)
    assert warmup.steady
    assert warmup.queries == 50


@pytest.mark.parametrize("percent", [3, 5, 10])
def test_a_noisy_drift_is_not_excused_by_its_own_size(percent):
    noise = np.random.default_rng(7)
    looks = [
        is_steady(1e6 * (1 + percent / 100) ** np.arange(8) * noise.lognormal(0, 0.005, 8))
        for _ in range(1000)
    ]
    assert np.mean(looks) < 0.05


def test_noise_alone_is_mostly_steady_at_the_first_look():
    noise = np.random.default_rng(7)
    looks = [is_steady(1e6 * noise.lognormal(0, 0.03, 8)) for _ in range(1000)]
    assert np.mean(looks) > 0.9
