import pytest

from results.record import Block
from results.spacing import own_time_share


@pytest.fixture
def launch_at(make_launch):
    """A launch of 1 s: start 0.1, open 0.2, warm-up 0.3 and two blocks of 0.2 s."""
    block = Block(
        queries=5,
        elapsed_ns=200_000_000,
        cpu_ns=0,
        voluntary_switches=0,
        involuntary_switches=0,
    )

    def make(started_at):
        return make_launch(
            started_at=started_at,
            start_ns=100_000_000,
            open_ns=200_000_000,
            warmup_ns=300_000_000,
            blocks=(block, block),
        )

    return make


def test_launches_in_a_row_take_all_of_the_time(launch_at):
    assert own_time_share([launch_at(n) for n in range(5)]) == pytest.approx(1.0)


def test_launches_in_turn_with_others_take_their_part(launch_at):
    assert own_time_share([launch_at(10 * n) for n in range(5)]) == pytest.approx(5 / 41)


def test_the_order_in_which_they_are_given_does_not_matter(launch_at):
    assert own_time_share([launch_at(start) for start in (6, 0, 3)]) == pytest.approx(3 / 7)


def test_one_launch_has_no_time_between(launch_at):
    assert own_time_share([launch_at(0)]) is None


def test_a_clock_set_back_makes_no_share_above_one(launch_at):
    assert own_time_share([launch_at(0), launch_at(-0.5), launch_at(0.2)]) == 1.0
