from harness.rotation import CaseProgress, round_order, seconds_left, stopped_by
from suites.suite import Measure

MEASURE = Measure(target=0.02, launches_min=5, launches_max=12, launch_s=0.5, case_s=30.0)


def progress(*statistics_ns, spent_s=1.0):
    case = CaseProgress(position=0)
    for median_ns in statistics_ns:
        case = case.after(median_ns, spent_s)
    return case


def test_every_round_has_every_open_case_once_in_an_order_of_its_own():
    orders = [round_order(range(20), seed=7, number=number) for number in range(3)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len(set(orders)) == 3


def test_the_order_is_the_seeds_and_not_that_of_what_was_given():
    assert round_order((3, 1, 2), seed=1, number=4) == round_order((1, 2, 3), seed=1, number=4)
    assert round_order(range(20), seed=1, number=0) != round_order(range(20), seed=2, number=0)


def test_a_case_stops_when_its_interval_reaches_the_target():
    assert stopped_by(progress(100.0, 100.1, 99.9, 100.0, 100.1), MEASURE) == "target"


def test_a_tight_interval_is_not_enough_below_the_least_launches():
    assert stopped_by(progress(100.0, 100.0, 100.0, 100.0), MEASURE) is None


def test_a_wide_interval_goes_on_to_the_most_launches():
    wide = [100.0, 130.0] * 6
    assert stopped_by(progress(*wide[:11]), MEASURE) is None
    assert stopped_by(progress(*wide), MEASURE) == "launches"


def test_a_case_that_has_used_its_time_stops_even_after_one_launch():
    assert stopped_by(progress(1e9, spent_s=31.0), MEASURE) == "time"
    assert stopped_by(progress(1e9, spent_s=29.0), MEASURE) is None


def test_a_fixed_number_of_launches_stops_by_launches():
    fixed = Measure(launches_min=3, launches_max=3)
    assert stopped_by(progress(1.0, 1.0), fixed) is None
    assert stopped_by(progress(1.0, 1.0, 1.0), fixed) == "launches"


def test_a_case_without_a_launch_is_never_stopped():
    assert stopped_by(CaseProgress(position=0), MEASURE) is None


def test_the_time_left_takes_a_case_half_way_from_its_least_to_its_most_launches():
    fresh = CaseProgress(position=0)
    assert seconds_left([fresh], MEASURE, launch_s=2.0) == 8.5 * 2.0
    assert seconds_left([fresh, fresh], MEASURE, launch_s=2.0) == 2 * 8.5 * 2.0
    assert seconds_left([progress(*[1.0] * 5, spent_s=3.0)], MEASURE, launch_s=2.0) == 4.0 * 3.0
    assert seconds_left([], MEASURE, launch_s=2.0) == 0
