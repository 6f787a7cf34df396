import csv
import json
import math

import numpy as np
import pytest

from results.history import judge
from results.report.history_data import case_lines, json_parts, night_lines

NOISE = np.tile([0.001, -0.001, 0.0, 0.002, -0.002], 8)
START = 1_767_323_045.0
DAY_S = 86_400.0


@pytest.fixture
def nights(make_nights):
    slower = NOISE + 0.03 * (np.arange(40) >= 30)
    slower[5] = np.nan
    failed = np.where(np.arange(40) == 39, np.nan, NOISE)
    found = make_nights(np.stack([slower, failed], axis=1))
    found.words[39, 1] = "FAILED"
    return found


def rows(lines):
    return list(csv.DictReader("".join(lines).splitlines()))


def test_a_row_a_case_has_tonight_and_the_alarm(nights):
    slower, failed = rows(case_lines(nights, judge(nights)))

    assert slower["case"] == nights.cases[0]
    assert (slower["nights"], slower["word"], slower["level"]) == ("39", "SAME", "1.0")
    assert float(slower["ratio"]) == pytest.approx(math.exp(0.028))
    assert float(slower["ratio_low"]) < float(slower["ratio"]) < float(slower["ratio_high"])
    assert (slower["alarm"], slower["alarms"], slower["steps"]) == ("SLOWER", "1", "1")
    assert float(slower["alarm_since"]) == START + 32 * DAY_S
    assert float(slower["alarm_change"]) == pytest.approx(math.expm1(0.03))
    assert float(slower["last_step_at"]) == START + 30 * DAY_S
    assert float(slower["last_step_change"]) == pytest.approx(math.expm1(0.03))
    assert (failed["word"], failed["ratio"], failed["alarm"], failed["last_step_at"]) == (
        *("FAILED", "", "", ""),
    )


def test_a_row_a_night_has_every_number_of_a_case(nights):
    found = rows(night_lines(nights, 0))

    assert len(found) == 39
    assert found[0] == {
        "gate": "gate-0",
        "started_at": str(START),
        "baseline": "pin-0",
        "word": "SAME",
        "ratio": str(math.exp(0.001)),
        "ratio_low": found[0]["ratio_low"],
        "ratio_high": found[0]["ratio_high"],
        "log_ratio": "0.001",
        "se": "0.002",
        "df": "7.0",
    }
    assert rows(night_lines(nights, 1))[-1]["log_ratio"] == ""


def test_the_json_has_every_series(nights):
    found = json.loads("".join(json_parts(nights, judge(nights))))

    assert (found["schema"], found["baseline"], found["suite"]) == (1, "main", "smoke")
    assert found["baselines"] == [{"id": "pin-0", "pinned_at": START - DAY_S}]
    assert found["nights"][1] == {
        "gate": "gate-1",
        "started_at": START + DAY_S,
        "baseline": "pin-0",
    }
    slower, failed = found["cases"]
    assert slower["case_id"] == nights.cases[0]
    assert slower["log_ratio"][4:7] == [pytest.approx(-0.002), None, pytest.approx(-0.001)]
    assert slower["word"][4:7] == ["SAME", "", "SAME"]
    assert (slower["se"][0], slower["df"][0]) == (0.002, 7.0)
    assert slower["alarm"]["word"] == "SLOWER"
    assert slower["alarms"] == [slower["alarm"]]
    assert slower["steps"][0]["change"] == pytest.approx(math.expm1(0.03))
    assert (failed["alarm"], failed["word"][-1], failed["log_ratio"][-1]) == (None, "FAILED", None)
