from dataclasses import replace
from pathlib import Path

from results.record import Failed
from results.report.github import MOST_ROWS, step_summary, workflow_commands
from results.report.verdicts import GateFrame
from results.verdict import CaseVerdict, Verdict

GOLDEN = Path(__file__).parent / "data" / "verdicts.md"
FRAME = GateFrame(machine="AMD EPYC 7B13, 2 cores", conclusion="1 confirmed SLOWER: exit 3")


def unsure(count):
    verdict = Verdict(word="UNSURE", reason="too few pairs")
    return tuple(
        CaseVerdict(position=at, case_id=f"m/fake/fp32/b{at}", outcome=verdict)
        for at in range(count)
    )


def test_every_case_that_is_not_same_is_annotated(gated):
    assert workflow_commands(gated, ("lstm creeps: +3.1 %",)) == [
        "::error title=history alarm::lstm creeps: +3.1 %25",
        (
            "::error title=SLOWER lstm/onnxruntime-cpu/fp32/b1/sequence=32::"
            "×1.034 (1.028…1.040) 5 pairs, confirmed ×1.036"
        ),
        (
            "::error title=FAILED (crash) cnn [x]/onnxruntime-cpu/fp32/b1::baseline: the runtime "
            "died of \\x1b[31mSIGSEGV\\x1b[0m | in a block. See the log of the pair."
        ),
        (
            "::warning title=UNSURE lstm/onnxruntime-cpu/fp32/b8/sequence=32::×1.012 (0.991…1.034) "
            "after 12 pairs: neither a change of 2 %25 nor its absence is shown; 87 %25 of the "
            "blocks were disturbed"
        ),
        "::notice title=FASTER cnn [x]/onnxruntime-cpu/fp32/b2::×0.941 (0.935…0.947) 5 pairs",
        "::warning title=INCOMPARABLE new/onnxruntime-cpu/fp32/b1::new since the pin",
        "::warning title=INCOMPARABLE new/onnxruntime-cpu/fp32/b2::new since the pin",
    ]


def test_no_text_can_be_a_command_of_its_own(gated):
    failed = Failed(kind="build", message="a%0A\r\n::error::b", hint="c, d: e")
    case = CaseVerdict(position=0, case_id="m:x,y/fake%\n::set-env name=a::b", outcome=failed)

    assert workflow_commands(replace(gated, cases=(case,))) == [
        (
            "::error title=FAILED (build) m%3Ax%2Cy/fake%25 %3A%3Aset-env name=a%3A%3Ab::"
            "a%250A ::error::b. c, d: e."
        )
    ]


def test_of_more_than_github_shows_the_last_counts_the_rest(gated):
    ten = workflow_commands(replace(gated, cases=unsure(10)))
    many = workflow_commands(replace(gated, cases=(*unsure(12), *gated.cases[4:6])))

    assert ten[9] == "::warning title=UNSURE m/fake/fp32/b9::too few pairs"
    assert [line.partition(" ")[0] for line in many] == [
        "::error",
        *["::warning"] * 10,
        "::notice",
    ]
    assert many[10] == "::warning title=3 more::The step's summary has them all."


def test_the_summary_is_the_report_under_a_headline(gated):
    assert step_summary(gated, FRAME) == GOLDEN.read_text(encoding="utf-8")


def test_a_summary_without_a_conclusion_has_a_headline_all_the_same(gated):
    first, *rest = step_summary(gated, GateFrame()).splitlines()

    assert first == "## dyno gate rnn: verdicts"
    assert rest[-1] == (
        "**1 SLOWER, 1 FAILED, 1 UNSURE, 1 FASTER, 2 INCOMPARABLE, 2 SAME · took 2.53 min**"
    )


def test_of_a_huge_gate_the_rows_that_ask_for_least_are_left_out(gated):
    text = step_summary(replace(gated, cases=(*unsure(MOST_ROWS), gated.cases[1])), FRAME)

    assert text.count("| SLOWER |") == 1
    assert text.count("| UNSURE |") == MOST_ROWS - 1
    assert text.endswith("\n\n1 more row is left out here.\n")
    assert len(text.encode()) < 1 << 20


def test_long_messages_leave_room_for_fewer_rows(gated):
    long = Failed(kind="build", message="é" * 9_000, hint="")
    failures = tuple(
        CaseVerdict(position=at, case_id=f"m/fake/fp32/b{at}", outcome=replace(long, hint=str(at)))
        for at in range(100)
    )

    text = step_summary(replace(gated, cases=failures), FRAME)

    assert len(text.encode()) < 1 << 20
    assert text.count("| FAILED |") == 50
    assert text.endswith("\n\n50 more rows are left out here.\n")
