from dataclasses import replace

import pytest

from results.record import RunEnd, RunResult, RunResume
from results.report.heading import closing, heading, protocols, resume_hint

STARTED_AT = 1_767_323_045.0


def resumed(run, *ends_s, state="interrupted"):
    """Return the run resumed 100 s and 200 s after its start; what ended, so many s after it."""
    resumes = tuple(
        RunResume(number=number, resumed_at=STARTED_AT + 100 * number, environment={})
        for number in (1, 2)
    )
    ends = tuple(RunEnd(ended_at=STARTED_AT + end_s, state=state) for end_s in ends_s)
    return replace(run, resumes=resumes, ends=ends, end=ends[-1] if ends else None)


def test_the_heading_names_run_suite_time_and_machine(run, machine):
    assert heading(run, machine) == (
        ("run", "20260102-030405-1f3a (nightly)"),
        ("suite", "smoke"),
        ("when", "2026-01-02 03:04:05 UTC, done, dyno 0.1.0"),
        ("machine", "AMD EPYC 7B13, 2 cores, Linux 6.1, Python 3.11.7, onnxruntime 1.23.1"),
    )


def test_a_run_named_like_its_suite_does_not_say_so_twice(run):
    same = replace(run, record=replace(run.record, name="smoke"), end=None)

    assert heading(same, "", live=True) == (
        ("run", "20260102-030405-1f3a"),
        ("suite", "smoke"),
        ("when", "2026-01-02 03:04:05 UTC, running, dyno 0.1.0"),
    )


def test_each_protocol_is_worded_once(summaries):
    device = replace(
        summaries[0].protocol,
        loop="device-stamped",
        transfers="copied",
        streams=2,
        queue_depth=4,
        cuda_graph=True,
        sync="spin",
        l2="flushed",
        launches_min=5,
        launches_max=5,
        warmup_s=1.0,
    )
    summaries[4] = replace(summaries[4], protocol=device)

    found = [summary.protocol for summary in summaries.values()]
    assert protocols(found) == (
        (
            summaries[0].protocol.fingerprint,
            (
                "wall time by perf_counter_ns, blocking, I/O bound, 1 stream, queue depth 1, "
                "5–12 launches × 0.5 s after ≥ 0.3 s warm-up, target ± 2 %"
            ),
        ),
        (
            device.fingerprint,
            (
                "elapsed time per query by perf_counter_ns, device-stamped, I/O copied, 2 streams, "
                "queue depth 4, CUDA graph, waits by spin, L2 flushed, 5 launches × 0.5 s after "
                "≥ 1 s warm-up, target ± 2 %"
            ),
        ),
    )


def test_one_launch_is_one_launch(summaries):
    once = replace(summaries[0].protocol, launches_min=1, launches_max=1)
    upto = replace(once, launches_max=2)

    (_, first), (_, second) = protocols([once, upto])
    assert ", 1 launch × 0.5 s after " in first
    assert ", 1–2 launches × 0.5 s after " in second


def test_the_last_line_has_the_estimate_beside_the_actual_time(run):
    assert closing(run) == (
        "4 measured, 1 skipped, 1 failed, 1 open · estimated 42.0 s, took 45.1 s"
    )


def test_a_run_without_an_end_took_no_time_yet(run):
    unended = RunResult(record=run.record, end=None, cases=run.cases[:5])

    assert closing(unended) == "4 measured, 1 skipped, 0 failed · estimated 42.0 s"


def test_a_run_that_had_nothing_to_run_has_no_estimate(run):
    settled = replace(run, record=replace(run.record, estimate_s=0.0), cases=run.cases[3:4])

    assert closing(settled) == "0 measured, 1 skipped, 0 failed · took 45.1 s"
    assert closing(replace(settled, end=None)) == "0 measured, 1 skipped, 0 failed"


def test_a_part_of_a_run_has_no_time_of_its_own(run):
    assert (
        closing(replace(run, cases=run.cases[:2]), part=True) == "2 measured, 0 skipped, 0 failed"
    )


def test_a_resumed_run_says_how_often_and_when_last(run):
    twice = resumed(run)
    once = replace(twice, resumes=twice.resumes[:1])

    assert ("resumed", "2 times, last 2026-01-02 03:07:25 UTC") in heading(twice, "")
    assert ("resumed", "once 2026-01-02 03:05:45 UTC") in heading(once, "")


def test_the_suite_s_line_says_which_part_was_run_and_what_part_is_shown(run):
    partly = replace(run, record=replace(run.record, only="model=lstm"))

    lines = dict(heading(partly, "", shown="batch=1: 2 of 7 cases"))

    assert lines["suite"] == "smoke, only model=lstm"
    assert lines["shown"] == "batch=1: 2 of 7 cases"


def test_the_gaps_of_a_resumed_run_took_no_time(run):
    assert closing(resumed(run, 10, 120, 230)).endswith("took 60.0 s in 3 starts without the gaps")


def test_a_start_that_was_killed_has_no_known_time(run):
    assert closing(resumed(run, 10, 230)).endswith(
        "took 40.0 s in 2 of 3 starts; of the rest no end is known"
    )
    assert closing(resumed(run)).endswith("1 open · estimated 42.0 s")


@pytest.mark.parametrize(
    ("cases", "end", "live", "hint"),
    [
        (7, None, False, "1 case left to measure: dyno run smoke --resume 20260102-030405-1f3a"),
        (7, None, True, ""),
        (7, "done", False, ""),
        (6, None, False, ""),
        (
            7,
            "interrupted",
            False,
            "1 case left to measure: dyno run smoke --resume 20260102-030405-1f3a",
        ),
    ],
)
def test_a_run_that_left_cases_open_says_how_to_go_on(run, cases, end, live, hint):
    ended = RunEnd(ended_at=STARTED_AT + 9, state=end) if end else None
    found = replace(run, cases=run.cases[:cases], end=ended)

    assert resume_hint(found, live=live) == hint


def test_a_suite_that_is_not_shipped_is_a_file_somewhere(run):
    mine = replace(run, record=replace(run.record, suite="mine"), end=None)

    assert resume_hint(mine, live=False) == (
        "1 case left to measure: dyno run FILE.yaml --resume 20260102-030405-1f3a"
    )


def test_a_bench_goes_on_by_bench(run):
    bench = replace(run, record=replace(run.record, suite="bench-mlp"), end=None)

    assert resume_hint(bench, live=False) == (
        "1 case left to measure: dyno bench MODEL --resume 20260102-030405-1f3a"
    )
