import json
import math
from dataclasses import replace
from pathlib import Path

from results.report.verdict_json import text

GOLDEN = Path(__file__).parent / "data" / "verdicts.json"


def refused(name):
    raise ValueError(name)


def read(result, **options):
    return json.loads(text(result, **options), parse_constant=refused)


def test_every_number_is_there_under_keys_in_a_fixed_order(gated):
    assert text(gated, exit_code=3, alarms=("it creeps",)) == GOLDEN.read_text(encoding="utf-8")


def test_a_number_that_is_none_is_null(gated):
    case = gated.cases[1]
    endless = replace(case.outcome.estimate, se=math.nan, low=-math.inf, high=math.inf)
    broken = replace(case, outcome=replace(case.outcome, estimate=endless))

    found = read(replace(gated, cases=(broken,)))["cases"][0]["estimate"]

    assert (found["se"], found["low"], found["high"]) == (None, None, None)
    assert found["pairs"] == 5


def test_a_gate_that_was_killed_has_no_end(gated):
    found = read(replace(gated, end=None))

    assert (found["gate"]["state"], found["gate"]["ended_at"]) == ("killed", None)
    assert (found["exit_code"], found["alarms"]) == (None, [])


def test_a_path_that_is_no_utf_8_can_be_written(gated):
    odd = replace(gated, baseline=replace(gated.baseline, python="/opt/\udcff/python"))

    made = text(odd)

    assert made.encode()
    assert json.loads(made)["baseline"]["python"] == "/opt/\udcff/python"
