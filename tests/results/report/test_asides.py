from dataclasses import replace

from results.record import Failed, Skipped
from results.report.asides import Aside, asides, stories


def ended(cases, *outcomes):
    return [replace(case, outcome=outcome) for case, outcome in zip(cases, outcomes, strict=False)]


def test_each_case_without_numbers_says_why_on_one_line(run):
    assert asides(run.cases) == (
        Aside(
            state="skipped",
            head="#4 skipped:",
            text="excluded by the suite: If branches cannot be quantised.",
        ),
        Aside(
            state="failed",
            head="#6 failed (crash):",
            text=(
                "the runtime died of \\x1b[31mSIGSEGV\\x1b[0m while opening the engine. "
                "See the log of the launch."
            ),
        ),
        Aside(
            state="open",
            head="#7 open:",
            text="the run ended before the case did, or still goes on; 3 launches kept.",
        ),
    )


def test_cases_with_the_same_story_share_a_line(run):
    gone = Failed(kind="crash", message="it died", hint="")
    other = Failed(kind="crash", message="it died", hint="Look at the log")
    left_out = Skipped(reason="no device")

    found = asides(ended(run.cases, gone, gone, gone, other, left_out, gone, left_out))

    assert [(aside.head, aside.text) for aside in found] == [
        ("#1–#3, #6 failed (crash):", "it died."),
        ("#4 failed (crash):", "it died. Look at the log."),
        ("#5, #7 skipped:", "no device."),
    ]


def test_the_same_message_of_another_kind_is_another_story(run):
    kinds = [Failed(kind=kind, message="no", hint="") for kind in ("build", "import")]

    assert [aside.head for aside in asides(ended(run.cases, *kinds))] == [
        "#1 failed (build):",
        "#2 failed (import):",
    ]


def test_a_message_that_ends_in_a_full_stop_gets_no_second_one(run):
    outcome = Failed(kind="build", message="it gave up.\n", hint="Ask why.")

    assert asides(ended(run.cases, outcome))[0].text == "it gave up. Ask why."


def test_stories_are_told_once_with_their_cases_counted_failures_and_the_frequent_first(run):
    once = Failed(kind="crash", message="it died", hint="")
    often = Failed(kind="build", message="no", hint="Ask.")
    left_out = Skipped(reason="no device")

    found = stories(ended(run.cases, left_out, once, often, often, left_out, None, left_out))

    assert [(aside.state, aside.head, aside.text) for aside in found] == [
        (
            "failed",
            "2 failed (build):",
            "no. Ask. First: #3 lstm/onnxruntime-cpu/fp32/b8/sequence=128",
        ),
        ("failed", "#2 lstm/onnxruntime-cpu/fp32/b8/sequence=16 failed (crash):", "it died."),
        (
            "skipped",
            "3 skipped:",
            "no device. First: #1 lstm/onnxruntime-cpu/fp32/b1/sequence=16",
        ),
    ]
