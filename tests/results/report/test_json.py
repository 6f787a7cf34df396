import json
from dataclasses import replace
from pathlib import Path

import pytest

from results.record import Failed
from results.report.json import render

GOLDEN = Path(__file__).parent / "data" / "report.json"


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


def test_nan_is_refused(run, summaries):
    run.record.environment["load1"] = float("nan")

    with pytest.raises(ValueError, match="not JSON compliant"):
        render(run, summaries)
