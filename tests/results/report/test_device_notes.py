from dataclasses import replace

import pytest

from results.report.footnotes import footnotes
from results.totals import measured


def noted(run, summaries):
    return [note.text for note in footnotes(measured(run, summaries))]


def test_each_note_on_a_device_has_its_rule_and_its_figures(gpu_run, gpu_summaries):
    assert noted(gpu_run, gpu_summaries) == [
        "Wider than the target: the interval of the time per query exceeds ± 2 %. #4.",
        (
            "Several streams: a query's own time grows with those it shares the device with, so "
            "only throughput compares, and ± is of the elapsed time per query. #4: 4 streams."
        ),
        (
            "Throttled: something held the GPU's clock down. #2: sw power cap in 40 % of the "
            "telemetry, hw slowdown in 20 % of launches, before or after."
        ),
        (
            "Shared GPU: other processes were on it too, so not all may be the case's own. "
            "#2: beside 40 % of launches; #4: 2 beside the telemetry."
        ),
        (
            "Enqueue-bound: the host takes more than 80 % of the GPU's time to enqueue a query, "
            "and may be what limits it. A CUDA graph enqueues faster. #1: 93 %."
        ),
        (
            "Transfer-bound: copies to and from the device take longer than the computation. "
            "#3: 60.0 µs of copies, 22.5 µs of GPU compute."
        ),
    ]


def test_a_graph_that_is_there_already_is_not_advised(gpu_run, gpu_summaries):
    captured = replace(gpu_summaries[0].protocol, cuda_graph=True)

    (note,) = noted(gpu_run, {0: replace(gpu_summaries[0], protocol=captured)})

    assert note.endswith("to enqueue a query, and may be what limits it. #1: 93 %.")


def test_enqueueing_for_several_streams_is_told_as_such(gpu_run, gpu_summaries):
    (*_, note) = noted(gpu_run, {3: replace(gpu_summaries[3], notes=("enqueue-bound",))})

    assert note.endswith("#4: 5.4 % × 4 streams.")


@pytest.mark.parametrize("note", ["throttled", "shared-gpu"])
def test_what_only_launches_saw_is_told_without_telemetry(gpu_run, gpu_summaries, note):
    alone = replace(gpu_summaries[1], utilization=None, notes=(note,))

    (text,) = noted(gpu_run, {1: alone})

    assert text.partition("#2: ")[2] in (
        "hw slowdown in 20 % of launches, before or after.",
        "beside 40 % of launches.",
    )
