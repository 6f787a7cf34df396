import pytest

from harness.paired.pace import Pace, pair_s, until_next
from harness.paired.pair import run_pair
from harness.plan import PROCESS_START_S, WARMUP_WINDOWS_S
from results.compare import LOOKS, QUADS
from results.paired import BASELINE, CANDIDATE


@pytest.mark.parametrize(("device", "warmup_s"), [("cpu", WARMUP_WINDOWS_S), ("cuda", 1.0)])
def test_a_pair_is_two_starts_and_warm_ups_and_42_blocks(device, warmup_s):
    assert pair_s(device) == pytest.approx(2 * (PROCESS_START_S + warmup_s) + 42 * 0.05)


def test_five_pairs_of_a_short_query_stay_below_twenty_seconds():
    assert LOOKS[0] * pair_s("cpu") == pytest.approx(18.0)


def test_the_guess_counts_the_blocks_and_the_warm_up_that_a_pair_really_has(side, asked):
    found = run_pair(side(BASELINE), side(CANDIDATE), phase="confirm", number=0)

    assert sum(verb == "block" for _, verb in asked.verbs) == 2 * (1 + 2 * QUADS) == 42
    for launch in (found.baseline, found.candidate):
        assert launch.blocks.elapsed_ns.tolist() == [50_000_000] * 2 * QUADS
        cold_s = 20 * 0.01
        assert launch.warmup_ns / 1e9 == pytest.approx(WARMUP_WINDOWS_S + cold_s, abs=0.1)


def test_until_there_is_a_pair_the_guess_stands_for_one_and_then_their_mean():
    pace = Pace(guess_s=3.6)
    assert pace.left_s(5) == pytest.approx(18.0)

    pace.took(2.0)
    pace.took(4.0)

    assert (pace.left_s(3), pace.left_s(0), pace.spent_s) == (9.0, 0.0, 6.0)


def test_the_next_look_comes_after_5_8_and_12_pairs():
    assert [until_next(LOOKS, pairs) for pairs in range(13)] == [
        *(5, 4, 3, 2, 1),
        *(3, 2, 1),
        *(4, 3, 2, 1),
        0,
    ]
