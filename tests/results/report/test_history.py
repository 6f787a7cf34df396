"""The goldens are in `data/`; a change of one is a change of what users see."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from results.history import Alarm, judge
from results.report.history import History, alarm_words, overview
from results.report.trend import trend
from results.verdict import SLOWER

DATA = Path(__file__).parent / "data"
NIGHTS = 40
NOISE = np.tile([0.001, -0.001, 0.0, 0.002, -0.002], 8)
AFTER = np.arange(NIGHTS)
DAY_S = 86_400.0


@pytest.fixture
def nights(make_nights):
    """Cases: quiet, slower, faster, failed tonight and fixed, gone, new since the rebase."""
    gone, failed = NOISE.copy(), NOISE + 0.03 * ((AFTER >= 15) & (AFTER < 22))
    gone[35:] = failed[39] = np.nan
    values = [
        NOISE,
        NOISE + 0.031 * (AFTER >= 33),
        NOISE - 0.05 * (AFTER >= 32),
        failed,
        gone,
        np.where(AFTER >= 30, NOISE, np.nan),
    ]
    generation = np.where(AFTER >= 30, 1, 0)
    segment = [[0, 0, 0, 0, 0, -1], [0, 0, 0, 0, 0, 1]]
    found = make_nights(np.stack(values, axis=1), generation=generation, segment=segment)
    found.words[39, 3] = "FAILED"
    found.words[38, 1] = SLOWER
    return found


def printed(content, width, **options):
    file = StringIO()
    console = Console(file=file, width=width, legacy_windows=False, _environ={}, **options)
    console.print(History(content=content))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_all_cases_are_drawn_to_the_width_there_is(nights, width):
    text = printed(overview(nights, judge(nights)), width, color_system=None)

    assert text == (DATA / f"history_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_case_is_drawn_night_by_night(nights):
    text = printed(trend(nights, 1, judge(nights)[1]), 80, color_system=None)

    assert text == (DATA / "history_trend_80.txt").read_text(encoding="utf-8")


def test_colours_stand_on_words_alone(nights):
    lines = printed(
        overview(nights, judge(nights)), 140, color_system="standard", force_terminal=True
    ).splitlines()

    assert sum("\x1b[1;31mSLOWER\x1b[0m since 2026-02-06: +3.1 %" in line for line in lines) == 1
    assert sum("\x1b[1;32mFASTER\x1b[0m since 2026-02-05: -4.8 %" in line for line in lines) == 1


def test_an_end_and_a_rebase_stand_at_their_nights(nights):
    text = printed(trend(nights, 3, judge(nights)[3]), 100, color_system=None)
    told = {line[:10]: line.split("  ")[-1] for line in text.splitlines() if line[:2] == "20"}

    assert told["2026-01-17"].startswith("step ×1.000 → ×1.030 (+3.0 %)")
    assert told["2026-01-19"] == "SLOWER alarm"
    assert told["2026-01-26"] == "alarm over"
    assert told["2026-02-01"] == "rebased"


def test_of_many_cases_those_without_an_alarm_are_left_out(make_nights):
    values = np.tile(NOISE[:, None], 250)
    values[20:, 249] += 0.03
    nights = make_nights(values)

    content = overview(nights, judge(nights))
    (table,) = content.bodies[0].tables
    assert len(table.states) == 200
    assert table.columns[0].cells[:2] == (nights.cases[249], nights.cases[0])
    assert content.bodies[0].remarks == ("50 more cases are left out; --format csv has all.",)
    assert content.closing == ("alarms stand in 1 of 250 cases: 1 SLOWER",)


def test_a_history_that_is_cut_off_says_so(make_nights):
    nights = make_nights(NOISE[:, None])
    nights = replace(nights, lineage=replace(nights.lineage, cut_off=True))

    content = overview(nights, judge(nights))
    (remark,) = content.bodies[0].remarks
    assert remark == (
        "The baseline that the first one replaced is not in this store: the history begins with it."
    )
    assert content.closing == ("no alarm stands in 1 case",)


def test_an_alarm_is_told_in_words():
    began = 1_767_323_045.0
    alarm = Alarm(word=SLOWER, since=began + DAY_S, began=began, until=None, log_change=0.0305)

    assert alarm_words(alarm) == "SLOWER since 2026-01-03: +3.1 %"
    assert alarm_words(replace(alarm, until=began + 9 * DAY_S)) == (
        "SLOWER since 2026-01-03 until 2026-01-11: +3.1 %"
    )


@pytest.mark.parametrize(("word", "told"), [(SLOWER, "1 SLOWER"), ("FASTER", "1 FASTER")])
def test_a_change_that_the_gate_alone_found_is_told_and_comes_first(make_nights, word, told):
    found = make_nights(np.zeros((1, 2)))
    found.words[0, 1] = word
    lines = printed(overview(found, judge(found)), 100, color_system=None).splitlines()

    assert lines[1] == "nights    1, 2026-01-02 (UTC)"
    assert f"{word} tonight" in lines[6]
    assert lines[6].startswith(found.cases[1])
    assert lines[-1] == f"no alarm stands in 2 cases; tonight's gate: {told}"
