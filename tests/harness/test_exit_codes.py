import pytest

from harness.exit_codes import compare_code, conclusion, exit_code, gate_code, worst
from results.record import Failed, Measured, Skipped
from results.verdict import WORDS, CaseVerdict, Verdict

MEASURED = Measured(stopped_by="target")
SKIPPED = Skipped(reason="not here")
FAILED = Failed(kind="build", message="no", hint="yes")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([MEASURED], 0),
        ([MEASURED, SKIPPED], 0),
        ([MEASURED, FAILED], 1),
        ([SKIPPED, FAILED], 1),
        ([SKIPPED, SKIPPED], 4),
        ([], 4),
    ],
)
def test_the_exit_code_tells_the_worst_that_happened(outcomes, code):
    assert exit_code(outcomes) == code


def gated(*outcomes):
    """Return a case of each verdict by its word, or of a failure."""
    return [
        CaseVerdict(
            position=position,
            case_id=f"m/fake/fp32/b{position}",
            outcome=Verdict(word=outcome, reason="so") if outcome in WORDS else outcome,
        )
        for position, outcome in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("outcomes", "alarms", "code", "words"),
    [
        (["SLOWER", FAILED, "SAME"], 0, 3, "1 confirmed SLOWER"),
        (["SLOWER", "SLOWER"], 2, 3, "2 confirmed SLOWER and 2 history alarms"),
        ([FAILED, "SAME"], 1, 3, "1 history alarm"),
        ([], 1, 3, "1 history alarm"),
        ([FAILED, "SAME"], 0, 1, "1 case FAILED"),
        ([FAILED, FAILED, "UNSURE"], 0, 1, "2 cases FAILED"),
        (["UNSURE", "INCOMPARABLE"], 0, 4, "nothing could be judged"),
        ([], 0, 4, "nothing could be judged"),
        (["SAME", "FASTER"], 0, 0, "no case is SLOWER"),
        (["UNSURE", "INCOMPARABLE", "SAME"], 0, 0, "no case is SLOWER, 2 could not be judged"),
        (["FASTER", "UNSURE"], 0, 0, "no case is SLOWER, 1 could not be judged"),
    ],
)
def test_the_exit_code_of_a_gate_tells_the_worst_verdict(outcomes, alarms, code, words):
    cases = gated(*outcomes)

    assert gate_code(cases, alarms=alarms) == code
    assert conclusion(cases, alarms=alarms) == words


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("SLOWER", 0),
        ("FASTER", 0),
        ("SAME", 0),
        ("UNSURE", 4),
        ("INCOMPARABLE", 4),
        (FAILED, 1),
    ],
)
def test_a_comparison_gates_nothing(outcome, code):
    (case,) = gated(outcome)

    assert compare_code(case.outcome) == code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([0, 0], 0),
        ([0, 4], 4),
        ([4, 1], 1),
        ([1, 3], 3),
        ([2, 1], 2),
        ([3, 2], 3),
        ([2, 130], 130),
    ],
)
def test_of_several_steps_the_gravest_code_counts_in_any_order(codes, code):
    assert worst(codes) == worst(codes[::-1]) == code
