import math
from dataclasses import replace

import numpy as np
import pytest

from results.history import alarms_tonight, judge
from results.verdict import FASTER, SLOWER

DAY_S = 86_400.0
NOISE = np.tile([0.001, -0.001, 0.0, 0.002, -0.002], 12)


def night(found, moment):
    return round((moment - found.started_at[0]) / DAY_S)


def alarms(found, place=0):
    """Return word, first night and night of the end of each alarm of a case."""
    return [
        (
            alarm.word,
            night(found, alarm.since),
            None if alarm.until is None else night(found, alarm.until),
        )
        for alarm in judge(found)[place].alarms
    ]


def column(values):
    return np.asarray(values)[:, None]


def test_a_quiet_series_has_neither_alarm_nor_step(make_nights):
    (case,) = judge(make_nights(column(NOISE)))

    assert (case.nights, case.log_level, case.alarm, case.alarms, case.steps) == (
        60,
        0,
        None,
        (),
        (),
    )


@pytest.mark.parametrize(("size", "word"), [(0.03, SLOWER), (-0.03, FASTER)])
def test_a_step_raises_an_alarm_within_three_nights(make_nights, size, word):
    found = make_nights(column(NOISE + np.where(np.arange(60) >= 40, size, 0.0)))
    (case,) = judge(found)

    assert alarms(found) == [(word, 42, None)]
    assert night(found, case.alarm.began) in (39, 40)
    assert case.alarm.log_change == pytest.approx(size, abs=0.001)
    assert [night(found, step.at) for step in case.steps] == [40]
    assert case.steps[0].change == pytest.approx(math.expm1(size), abs=0.001)


def test_a_creep_is_found(make_nights):
    found = make_nights(column(NOISE + 0.001 * np.maximum(np.arange(60) - 19, 0)))

    assert alarms(found) == [(SLOWER, 34, None)]


def test_a_shift_below_one_per_cent_raises_no_alarm(make_nights):
    found = make_nights(column(NOISE + np.where(np.arange(60) >= 30, 0.009, 0.0)))

    assert alarms(found) == []


def test_great_noise_raises_the_bar(make_nights):
    shift = np.where(np.arange(60) >= 30, 0.015, 0.0)

    assert alarms(make_nights(column(NOISE + shift), se=0.003)) == [(SLOWER, 32, None)]
    assert alarms(make_nights(column(NOISE + shift), se=0.004)) == []
    assert alarms(make_nights(column(3 * NOISE + shift))) == []


def test_a_fix_ends_the_alarm_for_good(make_nights):
    values = NOISE + np.where((np.arange(60) >= 20) & (np.arange(60) < 40), 0.03, 0.0)
    values[50:53] = 0.03, 0.0, 0.03

    assert alarms(make_nights(column(values))) == [(SLOWER, 22, 42)]


def test_nights_without_a_number_move_nothing(make_nights):
    values = NOISE + np.where(np.arange(60) >= 40, 0.03, 0.0)
    values[41:50] = np.nan
    values[58:] = np.nan

    assert alarms(make_nights(column(values))) == [(SLOWER, 51, None)]


def test_one_night_far_out_raises_no_alarm(make_nights):
    values = NOISE.copy()
    values[30:32] = 0.5

    assert alarms(make_nights(column(values))) == []


@pytest.mark.parametrize(("count", "taken"), [(1, 1), (4, 3), (12, 6), (60, 10)])
def test_the_level_is_of_the_first_nights(make_nights, count, taken):
    values = 1e-6 * np.arange(60.0)[:count]

    assert judge(make_nights(column(values)))[0].log_level == pytest.approx(1e-6 * (taken - 1) / 2)


def test_the_level_is_taken_anew_from_the_nights_after_a_rebase(make_nights):
    values = column(NOISE + np.where(np.arange(60) >= 20, 0.03, 0.0))
    generation = np.where(np.arange(60) >= 40, 1, 0)
    found = make_nights(values, generation=generation)

    assert alarms(found) == [(SLOWER, 22, 40)]
    assert judge(found)[0].log_level == pytest.approx(0.03)
    assert len(judge(found)[0].steps) == 1


def test_a_change_soon_after_the_pin_does_not_become_the_level(make_nights):
    found = make_nights(column(NOISE + np.where(np.arange(60) >= 4, 0.03, 0.0)))

    assert alarms(found) == [(SLOWER, 6, None)]
    assert judge(found)[0].log_level == 0.0


def test_what_was_said_of_a_night_stays_said(make_nights):
    values = column(NOISE + np.where((np.arange(60) >= 6) & (np.arange(60) < 20), 0.03, 0.0))
    told = [alarms(make_nights(values[:count])) for count in (5, 9, 15, 30, 60)]

    assert told == [[], *[[(SLOWER, 8, None)]] * 2, *[[(SLOWER, 8, 22)]] * 2]


def test_a_case_that_is_gone_keeps_the_level_it_had(make_nights):
    values = column(NOISE).copy()
    values[40:] = np.nan
    found = make_nights(values, generation=np.where(np.arange(60) >= 40, 1, 0))

    assert judge(found)[0].log_level == 0.0
    assert judge(found)[0].nights == 40


def test_a_case_without_any_number_has_no_level(make_nights):
    found = make_nights(np.full((5, 1), np.nan), words=np.full((5, 1), "FAILED"))

    (case,) = judge(found)
    assert (case.nights, case.log_level, case.alarms, case.steps) == (0, None, (), ())


def test_steps_do_not_reach_over_a_change_of_scale(make_nights):
    values = column(NOISE + np.where(np.arange(60) >= 40, 0.2, 0.0))
    found = make_nights(values, generation=np.where(np.arange(60) >= 40, 1, 0), segment=[[0], [1]])

    assert judge(found)[0].steps == ()


def test_cases_are_judged_apart(make_nights):
    late = np.where(np.arange(60) >= 40, NOISE, np.nan)
    found = make_nights(np.stack([NOISE, NOISE + (np.arange(60) >= 30) * 0.03, late], axis=1))

    assert [case.alarm and case.alarm.word for case in judge(found)] == [None, SLOWER, None]
    assert [case.nights for case in judge(found)] == [60, 60, 20]


def test_alarms_of_tonight_are_of_cases_that_tonight_was_of(make_nights):
    slower = NOISE + (np.arange(60) >= 30) * 0.03
    gone, unsure = slower.copy(), slower.copy()
    gone[59] = unsure[59] = np.nan
    found = make_nights(np.stack([NOISE, slower, gone, unsure], axis=1))
    found.words[59, 3] = "UNSURE"

    tonight = alarms_tonight(found)
    assert list(tonight) == [found.cases[1], found.cases[3]]
    assert {alarm.word for alarm in tonight.values()} == {SLOWER}


def test_clean_noise_raises_no_alarm(make_nights):
    values = 0.003 * np.random.default_rng(3).standard_t(7, (365, 100))

    assert sum(bool(case.alarms) for case in judge(make_nights(values, se=0.003))) == 0


@pytest.fixture
def with_noisy_nights(make_nights):
    """A hundred clean series of a year, in which a fifth of the nights are eight times as noisy."""
    rng = np.random.default_rng(3)
    se = np.where(rng.random((365, 100)) < 0.2, 0.016, 0.002)
    return make_nights(se * rng.standard_normal(se.shape), own_se=se, se=se)


def test_noisy_nights_among_quiet_ones_raise_no_alarm_and_make_no_step(with_noisy_nights):
    judged = judge(with_noisy_nights)

    assert sum(bool(case.alarms) for case in judged) == 0
    assert sum(bool(case.steps) for case in judged) == 0


def test_noisy_nights_do_not_end_an_alarm(make_nights):
    values = column(NOISE + np.where(np.arange(60) >= 30, 0.03, 0.0))
    se = column(np.where((np.arange(60) >= 40) & (np.arange(60) < 50), 0.01, 0.002))

    assert alarms(make_nights(values, own_se=se, se=se)) == [(SLOWER, 32, None)]


@pytest.mark.parametrize(("splice_se", "steps"), [(0.0, 1), (0.004, 1), (0.006, 0)])
def test_a_step_at_a_rebase_is_above_the_error_of_the_splice(make_nights, splice_se, steps):
    later = np.arange(60) >= 40
    values = column(NOISE + np.where(later, 0.02, 0.0))
    se = column(np.hypot(0.002, np.where(later, splice_se, 0.0)))
    found = make_nights(values, generation=np.where(later, 1, 0), se=0.002)

    assert len(judge(replace(found, se=se))[0].steps) == steps
