from dataclasses import replace

from results.record import RunResult
from results.report.heading import closing, heading, protocols


def test_the_heading_names_run_suite_time_and_machine(run, machine):
    assert heading(run, machine) == (
        ("run", "20260102-030405-1f3a (nightly)"),
        ("suite", "smoke"),
        ("when", "2026-01-02 03:04:05 UTC, done, dyno 0.1.0"),
        ("machine", "AMD EPYC 7B13, 2 cores, Linux 6.1, Python 3.11.7, onnxruntime 1.23.1"),
    )


def test_a_run_named_like_its_suite_does_not_say_so_twice(run):
    same = replace(run, record=replace(run.record, name="smoke"), end=None)

    assert heading(same, "") == (
        ("run", "20260102-030405-1f3a"),
        ("suite", "smoke"),
        ("when", "2026-01-02 03:04:05 UTC, open, dyno 0.1.0"),
    )


def test_each_protocol_is_worded_once(summaries):
    device = replace(
        summaries[0].protocol,
        loop="device-stamped",
        streams=2,
        queue_depth=4,
        cuda_graph=True,
        sync="spin",
        l2="hot",
        launches_min=5,
        launches_max=5,
        warmup_s=1.0,
    )
    summaries[4] = replace(summaries[4], protocol=device)

    assert protocols(summaries) == (
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
                "wall time by perf_counter_ns, device-stamped, I/O bound, 2 streams, queue depth "
                "4, CUDA graph, waits by spin, L2 hot, 5 launches × 0.5 s after ≥ 1 s warm-up, "
                "target ± 2 %"
            ),
        ),
    )


def test_the_last_line_has_the_estimate_beside_the_actual_time(run):
    assert closing(run) == (
        "4 measured, 1 skipped, 1 failed, 1 open · estimated 42.0 s, took 45.1 s"
    )


def test_a_run_without_an_end_took_no_time_yet(run):
    unended = RunResult(record=run.record, end=None, cases=run.cases[:5])

    assert closing(unended) == "4 measured, 1 skipped, 0 failed · estimated 42.0 s"
