import json
import os
from dataclasses import asdict, replace

import numpy as np
import pytest

from results.aggregate import summarise
from results.codec import (
    dump,
    load_object,
    outcome_fields,
    plain,
    read_outcome,
    read_summary,
    summary_fields,
)
from results.record import Failed, Measured, Skipped


@pytest.mark.parametrize(
    "outcome",
    [
        Measured(stopped_by="target"),
        Skipped(reason="static batch 1"),
        Failed(kind="crash", message="SIGSEGV", hint="See the log."),
    ],
)
def test_outcomes_come_back(outcome):
    assert read_outcome(outcome_fields(outcome)) == outcome


def test_an_outcome_names_itself_first():
    fields = outcome_fields(Failed(kind="crash", message="SIGSEGV", hint="See the log."))

    assert dump(fields) == (
        '{"outcome":"failed","kind":"crash","message":"SIGSEGV","hint":"See the log."}'
    )


def test_summaries_come_back_with_and_without_percentiles_and_intervals(
    make_case, make_cost, make_launch
):
    several = summarise(make_case(), [make_launch(n, (n + 5,) * 100) for n in range(2)])
    single = summarise(make_case(), [make_launch()])
    remarked = replace(several, remarks=("said so",))
    counted = summarise(make_case(cost=make_cost()), [make_launch()])

    for summary in (several, single, remarked, counted):
        assert read_summary(summary_fields(summary)) == summary


def test_all_that_a_device_tells_comes_back(make_case, make_launch, make_telemetry, protocol):
    times = {"enqueue_ns": np.arange(10), "gpu_compute_ns": np.arange(10) + 1}
    covariates = {"before": {"gpu": {"clock_reasons": ["hw_slowdown"], "other_processes": 0}}}
    launches = [make_launch(n, covariates=covariates, **times) for n in range(2)]
    streams = [replace(launch, protocol=replace(protocol, streams=2)) for launch in launches]

    for made in (launches, streams):
        summary = summarise(make_case(), made, make_telemetry())
        assert read_summary(json.loads(dump(summary_fields(summary)))) == summary


def test_a_record_is_told_with_all_that_is_in_it(make_case, make_launch, make_accuracy):
    summary = summarise(make_case(), [make_launch()])

    assert plain(summary) == asdict(summary)
    assert plain(make_accuracy()) == asdict(make_accuracy())
    assert plain([{"a": (make_accuracy(), 1.5)}]) == [{"a": (asdict(make_accuracy()), 1.5)}]


def test_a_summary_of_version_1_is_still_read(make_case, make_launch):
    fields = summary_fields(summarise(make_case(), [make_launch()]))
    del fields["utilization"], fields["work"], fields["rates"]["per_query"]
    for name in ("host_latency_ns", "gpu_compute_p99", "enqueue_share"):
        del fields["device"][name]
    for name in ("throttling", "shared_share"):
        del fields["load"][name]

    assert read_summary(fields) == summarise(make_case(), [make_launch()])


def test_a_path_that_is_no_utf_8_is_stored_and_comes_back():
    message = os.fsdecode(b"/models/na\xefve.onnx: caf\xc3\xa9")

    text = dump({"message": message})

    assert text == '{"message":"/models/na\\udcefve.onnx: café"}'
    assert json.loads(text.encode()) == {"message": message}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinities_are_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"load1": value})


def test_an_object_is_loaded_as_it_was_dumped():
    assert load_object("facts", dump({"b": [1, None], "a": 0.1})) == {"b": [1, None], "a": 0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[3]", "expected an object in 'facts', got [3]"),
        ('{"a": NaN}', "expected finite numbers, got NaN"),
        ('{"a": -Infinity}', "expected finite numbers, got -Infinity"),
    ],
)
def test_what_is_no_object_of_numbers_is_told(text, message):
    with pytest.raises(ValueError, match="expected") as caught:
        load_object("facts", text)

    assert str(caught.value) == message
