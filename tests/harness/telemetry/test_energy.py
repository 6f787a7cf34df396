import pytest

from harness.machine.reading import Facts, UnknownFactError
from harness.telemetry.energy import Energy, energy_within
from harness.telemetry.sampling import Reading

MS = 1_000_000


def readings(*pairs):
    """Make readings of the counter: (ms, mJ), or (ms, reason)."""
    return [
        Reading(
            at_ns=at_ms * MS,
            facts=Facts(values={"millijoules": None}, unknown={"millijoules": told})
            if isinstance(told, str)
            else Facts(values={"millijoules": told}, unknown={}),
        )
        for at_ms, told in pairs
    ]


def counter(*, end_ms, every_ms, renewal_ms, watts):
    """Read a counter of constant power that is renewed now and then."""
    times = range(0, end_ms, every_ms)
    return readings(*((at, at // renewal_ms * renewal_ms * watts) for at in times))


def test_energy_is_exact_whatever_the_rate_of_renewal():
    for renewal_ms in (20, 100):
        seen = counter(end_ms=5000, every_ms=10, renewal_ms=renewal_ms, watts=300)
        found = energy_within(seen, start_ns=0, end_ns=5000 * MS)
        assert found.joules / (found.elapsed_ns / 1e9) == pytest.approx(300, rel=1e-12)
        assert found.elapsed_ns == (5000 - 2 * renewal_ms) * MS


def test_what_was_spent_outside_the_loop_does_not_count():
    seen = readings(
        (0, 0), (10, 9000), (20, 9000), (30, 9500), (100, 10_000), (200, 11_000), (210, 99_000)
    )
    found = energy_within(seen, start_ns=15 * MS, end_ns=205 * MS)
    assert found == Energy(joules=1.5, elapsed_ns=170 * MS)


def test_a_renewal_that_may_be_from_before_the_loop_does_not_count():
    seen = readings((10, 0), (30, 1000), (40, 2000), (200, 3000))
    found = energy_within(seen, start_ns=20 * MS, end_ns=200 * MS)
    assert found == Energy(joules=1.0, elapsed_ns=160 * MS)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ((), "too few renewals of the energy counter in the loop of 0.2 s: 0"),
        (((0, 5), (200, 5)), "too few renewals of the energy counter in the loop of 0.2 s: 0"),
        (((0, 5), (100, 6)), "too few renewals of the energy counter in the loop of 0.2 s: 1"),
        (
            ((0, 5), (10, 6), (60, 7)),
            "too few renewals of the energy counter in the loop of 0.2 s: 2",
        ),
        (((0, 5), (10, 900), (150, 7)), "the energy counter fell from 900 to 7 mJ"),
        (
            ((0, 5), (10, 900), (60, 7), (190, 2000)),
            "the energy counter fell from 900 to 7 mJ",
        ),
        (((0, "x: Not Supported"), (9, "x: GPU is lost")), "x: GPU is lost"),
    ],
)
def test_a_counter_that_does_not_tell_enough_is_a_reason(seen, reason):
    with pytest.raises(UnknownFactError) as caught:
        energy_within(readings(*seen), start_ns=0, end_ns=200 * MS)
    assert str(caught.value) == reason


def test_a_reading_that_failed_once_is_left_out():
    seen = readings((0, 0), (20, 1000), (30, "busy"), (180, 2000))
    found = energy_within(seen, start_ns=0, end_ns=200 * MS)
    assert found == Energy(joules=1.0, elapsed_ns=160 * MS)
