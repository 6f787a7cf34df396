"""The goldens are in `data/`; a change of one is a change of what users see."""

import json
import math
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.comparison import Comparison
from results.record import Failed
from results.report.comparison import content, text
from results.report.verdicts import Verdicts
from results.verdict import Estimate, TailRatio, Verdict

DATA = Path(__file__).parent / "data"
MACHINE = "AMD EPYC 7B13, 2 cores, Linux 6.1, Python 3.11.7"
VERSIONS = {"python": "3.11.7", "numpy": "2.3.5", "onnxruntime": "1.31.1"}
TAIL = TailRatio(ratio=1.031, low=1.026, high=1.036)


def estimate(ratio):
    return Estimate(
        log_ratio=math.log(ratio), se=0.002, df=6.5, pairs=5, low=ratio - 0.005, high=ratio + 0.005
    )


def told(word, reason, ratio, **more):
    measured = {"estimate": estimate(ratio), "p_value": 1e-9, "p95": TAIL, "p99": TAIL}
    times = {"baseline_ns": 1_000_000.0, "candidate_ns": 1_000_000.0 * ratio}
    return Verdict(word=word, reason=reason, **{**measured, **times, **more})


OUTCOMES = {
    "SLOWER": told("SLOWER", "p = 1e-09 after 5 pairs, significant", 1.031),
    "FASTER": told("FASTER", "p = 1e-09 after 5 pairs, significant", 0.5),
    "SAME": told("SAME", "", 1.003, shifted=True),
    "UNSURE": told("UNSURE", "the interval of 12 pairs is too wide", 1.012),
    "INCOMPARABLE": Verdict(
        word="INCOMPARABLE",
        reason="expected equal clock, got 'event' on the baseline and 'host' on the candidate",
    ),
    "FAILED": Failed(kind="crash", message="candidate: SIGSEGV in 'block'", hint="Ask the runtime"),
}


def comparison(outcome, **changes):
    fields = {
        "suite": "rnn",
        "case_a": "lstm/onnxruntime-cpu/fp32/b1/sequence=16",
        "case_b": "lstm/onnxruntime-cpu/int8/b1/sequence=16",
        "threshold": 0.02,
        "outcome": outcome,
        "differences": ("precision: 'fp32' against 'int8'",),
        "versions": {"baseline": VERSIONS, "candidate": VERSIONS},
        "environment": {"python": {"version": "3.11.7"}},
    }
    return Comparison(**{**fields, **changes})


def sheet(found, width=100):
    file = StringIO()
    console = Console(file=file, width=width, color_system=None, legacy_windows=False, _environ={})
    console.print(Verdicts(content=content(found, MACHINE)))
    return file.getvalue()


@pytest.mark.parametrize("word", OUTCOMES)
def test_a_comparison_is_one_row_and_a_sentence(word):
    made = sheet(comparison(OUTCOMES[word]))

    assert made == (DATA / f"comparison_{word.lower()}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 80])
def test_a_sheet_fits_the_width_there_is(width):
    lines = sheet(comparison(OUTCOMES["SLOWER"]), width).splitlines()

    assert max(map(len, lines)) <= width


def differing(found):
    return dict(content(found, MACHINE).heading).get("differ in")


def test_the_heading_has_all_in_which_the_sides_differ_versions_last():
    older = {"python": "3.11.7", "numpy": "2.3.5", "onnxruntime": "1.30.0", "pycuda": "2025.1"}
    found = comparison(OUTCOMES["SAME"], versions={"baseline": older, "candidate": VERSIONS})

    assert differing(found) == (
        "precision: 'fp32' against 'int8'; onnxruntime 1.30.0 against 1.31.1; "
        "pycuda 2025.1 against none"
    )


def test_sides_that_differ_in_nothing_are_said_to_and_failed_ones_are_not_known_to():
    assert differing(comparison(OUTCOMES["SAME"], differences=())) == "nothing"
    assert differing(comparison(OUTCOMES["FAILED"], differences=())) is None


def test_programs_get_every_number():
    made = text(comparison(OUTCOMES["SLOWER"]), exit_code=0)

    assert made == (DATA / "comparison.json").read_text(encoding="utf-8")
    assert json.loads(made)["estimate"]["ratio"] == pytest.approx(1.031)


def test_a_failure_in_json_has_its_kind_message_and_hint():
    made = json.loads(text(comparison(OUTCOMES["FAILED"]), exit_code=1))

    assert (made["word"], made["kind"], made["hint"], made["exit_code"]) == (
        "FAILED",
        "crash",
        "Ask the runtime",
        1,
    )
    assert made["message"] == "candidate: SIGSEGV in 'block'"
