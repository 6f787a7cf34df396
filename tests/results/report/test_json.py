import json
from dataclasses import replace
from pathlib import Path

import pytest

from results.record import Failed
from results.report.json import parts

GOLDEN = Path(__file__).parent / "data" / "report.json"


def render(run, summaries, **options):
    pairs = [(case, summaries.get(case.record.position)) for case in run.cases]
    return "".join(parts(run, pairs, **options))


def test_every_number_is_there_in_a_fixed_order(run, summaries):
    assert render(run, summaries) == GOLDEN.read_text(encoding="utf-8")


def test_it_is_json_with_its_schema_and_no_constants_beyond_json(run, summaries):
    def refuse(constant):
        raise AssertionError(constant)

    report = json.loads(render(run, summaries), parse_constant=refuse)

    assert report["schema"] == 1
    assert [case["outcome"]["outcome"] for case in report["cases"]] == [
        *["measured"] * 3,
        "skipped",
        "measured",
        "failed",
        "open",
    ]
    assert report["cases"][4]["summary"]["latency"]["p99"] == {"have": 60, "need": 368}


def test_a_message_that_is_no_utf_8_can_be_printed(run):
    failed = Failed(kind="invalid-model", message="m\udcff.onnx: not ONNX", hint="")
    broken = replace(run, cases=(replace(run.cases[5], outcome=failed),))

    text = render(broken, {})

    assert '"message": "m\\udcff.onnx: not ONNX"' in text
    assert json.loads(text.encode())["cases"][0]["outcome"]["message"] == failed.message


def test_a_run_without_cases_is_json_too(run):
    report = json.loads(render(replace(run, cases=()), {}))

    assert (report["cases"], list(report)) == ([], ["schema", "run", "totals", "cases"])


def test_line_separators_of_unicode_are_not_taken_for_line_ends(run):
    failed = Failed(kind="build", message="one\u2028two\x85three", hint="")
    broken = replace(run, cases=(replace(run.cases[5], outcome=failed),))

    report = json.loads(render(broken, {}))

    assert report["cases"][0]["outcome"]["message"] == failed.message


def test_a_case_is_told_before_the_next_one_is_read(run, summaries):
    pairs = iter([(case, summaries.get(case.record.position)) for case in run.cases])

    first = next(parts(run, pairs))

    assert first.count('"position": ') == 1
    assert next(pairs)[0] is run.cases[1]


@pytest.mark.parametrize(
    ("ended", "live", "state"),
    [(True, False, "done"), (False, True, "running"), (False, False, "killed")],
)
def test_a_run_that_goes_on_is_told_from_one_that_was_killed(run, ended, live, state):
    found = run if ended else replace(run, end=None)

    assert json.loads(render(found, {}, live=live))["run"]["state"] == state


def test_nan_is_refused(run, summaries):
    run.record.environment["load1"] = float("nan")

    with pytest.raises(ValueError, match="not JSON compliant"):
        render(run, summaries)


def test_a_case_has_its_effect_its_cost_and_its_accuracy_with_each_class(
    judged_run, judged_summaries
):
    cases = json.loads(render(judged_run, judged_summaries))["cases"]

    assert cases[2]["effect"]["flops"] == {"int8": 0.97, "fp32": 0.03}
    assert cases[2]["cost"]["uncounted"] == {"Loop": 2}
    assert cases[2]["summary"]["work"]["flops"] == 3_000_000
    assert cases[3]["accuracy"]["parity"][0]["cosine"] == 0.9712
    assert [one["label"] for one in cases[3]["accuracy"]["task"]["classes"]] == ["3", "8"]
    assert (cases[3]["summary"], cases[5]["accuracy"]) == (None, None)
