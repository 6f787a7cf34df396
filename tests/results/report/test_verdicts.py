"""The goldens are in `data/`; a change of one is a change of what users see."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.record import RunEnd
from results.report.verdicts import GateFrame, Verdicts, content, table
from results.verdict import CaseVerdict, Verdict

DATA = Path(__file__).parent / "data"
FRAME = GateFrame(
    machine="AMD EPYC 7B13, 2 cores, Linux 6.1, Python 3.11.7, onnxruntime 1.31.1",
    conclusion="1 confirmed SLOWER: exit 3",
    alarms=("lstm/onnxruntime-cpu/fp32/b1/sequence=16 creeps: +3.1 % since 2025-12-20.",),
)


def printed(result, width, frame=FRAME, **options):
    file = StringIO()
    console = Console(file=file, width=width, legacy_windows=False, _environ={}, **options)
    console.print(Verdicts(content=content(result, frame)))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 110, 160])
def test_a_gate_is_drawn_to_the_width_there_is(gated, width):
    text = printed(gated, width, color_system=None)

    assert text == (DATA / f"verdicts_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_gate_is_drawn_in_colour(gated):
    text = printed(gated, 110, color_system="standard", force_terminal=True)

    assert text == (DATA / "verdicts_colour.txt").read_text(encoding="utf-8")


def test_colours_stand_on_words_alone(gated):
    lines = printed(gated, 110, color_system="standard", force_terminal=True).splitlines()

    assert sum(line.startswith("\x1b[1;31mSLOWER\x1b[0m  ") for line in lines) == 1
    assert sum(line.startswith("\x1b[31mFAILED\x1b[0m  ") for line in lines) == 1
    assert sum(line.startswith("#3 \x1b[33mUNSURE\x1b[0m: ×1.012") for line in lines) == 1
    assert sum(line.startswith("SAME  ") for line in lines) == 2


def test_rows_stand_by_verdict_and_then_as_in_the_suite(gated):
    found = [line.split()[0] for line in printed(gated, 160).splitlines() if "/onnx" in line[20:]]

    rows = content(gated, FRAME).bodies[0].tables[0].columns[0].cells
    assert found[-len(rows) :] == list(rows)
    assert rows == (
        "SLOWER",
        "FAILED",
        "UNSURE",
        "FASTER",
        "INCOMPARABLE",
        "INCOMPARABLE",
        "SAME",
        "SAME",
    )


def test_without_any_ratio_there_is_no_column_of_them(gated):
    text = printed(replace(gated, cases=gated.cases[6:]), 80, GateFrame(), color_system=None)

    assert text.partition("\nverdicts")[2] == (
        "\n"
        "verdict       #  case\n"
        "────────────────────────────────────────────\n"
        "INCOMPARABLE  1  new/onnxruntime-cpu/fp32/b1\n"
        "INCOMPARABLE  2  new/onnxruntime-cpu/fp32/b2\n"
        "#1, #2 INCOMPARABLE: new since the pin.\n"
        "\n"
        "2 INCOMPARABLE · took 2.53 min\n"
    )


def test_a_gate_without_cases_or_an_end_is_a_heading_and_a_last_line(gated):
    text = printed(replace(gated, cases=(), end=None), 80, GateFrame(), color_system=None)

    assert "\nwhen      2026-01-03 04:05:06 UTC, killed, dyno 0.1.0\n" in text
    assert text.endswith("confirm it\n\nno cases\n")


def test_an_interrupted_gate_says_so(gated):
    end = RunEnd(ended_at=gated.end.ended_at, state="interrupted")

    assert "UTC, interrupted, dyno" in printed(replace(gated, end=end), 80)


def test_a_time_that_is_missing_on_one_side_leaves_the_cell_empty():
    verdict = Verdict(word="UNSURE", reason="few pairs", baseline_ns=1000.0)
    other = Verdict(word="UNSURE", reason="few pairs", baseline_ns=1000.0, candidate_ns=2000.0)
    cases = [
        CaseVerdict(position=at, case_id=f"a/b/{at}", outcome=found)
        for at, found in enumerate((verdict, other))
    ]

    *_, times = table(cases).columns

    assert times.cells == (" " * 13, "1.000 → 2.000")
