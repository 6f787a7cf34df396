import math

from results.report.sparkline import sparkline


def test_noise_stays_in_the_middle():
    assert sparkline([0.001, -0.001, 0.0], around=0.0) == "▅▄▅"


def test_a_step_takes_the_whole_height():
    assert sparkline([-0.02, -0.02, 0.03], around=0.0) == "▁▁█"


def test_a_night_without_a_number_is_a_dot():
    assert sparkline([math.nan, 0.0, math.nan], around=0.0) == "·▅·"


def test_a_shift_is_seen_against_the_level():
    assert sparkline([0.0, 0.0, 0.009], around=0.009) == "▁▁▅"
