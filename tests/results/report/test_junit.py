from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from results.record import Failed
from results.report.junit import broken_suite, document, gate_suite, run_suite

DATA = Path(__file__).parent / "data"
CASE = "lstm/onnxruntime-cpu/fp32/b1/sequence=16"


def parsed(content):
    return ET.fromstring(content)  # noqa: S314 - what this test has just made


def pretty(content):
    """Return the document with an element a line, to be read and compared."""
    tree = ET.ElementTree(parsed(content))
    ET.indent(tree)
    return ET.tostring(tree.getroot(), encoding="unicode") + "\n"


def test_a_gate_is_a_suite_with_a_test_a_case(gated):
    seconds = {gated.cases[0].case_id: 16.4}

    made = document([gate_suite(gated, times_s=seconds, alarms=(f"{CASE}: +3.1 %",))])

    assert made.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    assert pretty(made) == (DATA / "verdicts_junit.xml").read_text(encoding="utf-8")


def test_a_run_is_a_suite_of_its_outcomes(run):
    made = document([run_suite(run)])

    assert pretty(made) == (DATA / "run_junit.xml").read_text(encoding="utf-8")


def test_a_run_and_a_gate_stand_in_one_document(run, gated):
    root = parsed(document([run_suite(run), gate_suite(gated)]))

    assert [suite.get("name") for suite in root] == ["smoke", "rnn against main"]
    totals = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "15", "failures": "1", "errors": "2", "skipped": "5"}


def test_two_gates_of_one_suite_are_both_there(gated):
    root = parsed(document([gate_suite(gated), gate_suite(gated)]))

    assert sum(len(suite.findall("testcase")) for suite in root) == 16


def test_no_text_breaks_the_document(gated):
    nasty = "\x00\x1b\udcff\ufffe <&>\"' ]]> é\r\n\u2028x"
    failed = Failed(kind="crash", message=nasty, hint=nasty)
    case = replace(gated.cases[4], case_id=f"m{nasty}/b{nasty}/fp32", outcome=failed)
    odd = replace(
        gated,
        cases=(case, replace(case, outcome=replace(gated.cases[3].outcome, reason=nasty))),
        baseline=replace(gated.baseline, name=nasty, python=nasty, versions={nasty: nasty}),
    )

    root = parsed(document([gate_suite(odd, alarms=(nasty,))]))

    told = "\\x00\\x1b\\udcff\\ufffe <&>\"' ]]> é x"
    assert root.find("testsuite").get("name") == f"rnn against {told}"
    assert root.find(".//error").get("message") == f"{told}. {told}."
    assert root.find(".//error").text == f"{told}. {told}."
    assert root.find(".//skipped").get("message") == f"UNSURE: {told}"
    assert root.find(".//testcase").get("classname") == f"rnn.b{told}"


def test_a_gate_that_could_not_start_is_one_error_and_no_pass():
    made = document([broken_suite("rnn", "it is gone:\nmend it.", at=1_767_413_106.0)])

    (suite,) = parsed(made)
    assert (suite.get("name"), suite.get("timestamp")) == ("rnn gate", "2026-01-03T04:05:06+00:00")
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    (error,) = suite.iter("error")
    assert (error.get("type"), error.get("message")) == ("environment", "it is gone: mend it.")
    assert error.text == "it is gone: mend it."
