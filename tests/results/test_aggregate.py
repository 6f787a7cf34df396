from dataclasses import replace

import numpy as np
import pytest

from results.aggregate import summarise
from results.record import Block
from results.rules import STATISTICS_VERSION
from results.summary import ColdPath, Interval, Load, Percentile, Rates, TooFewQueries
from results.work import work


def blocks(*rows):
    names = ("queries", "elapsed_ns", "cpu_ns", "voluntary_switches", "involuntary_switches")
    return tuple(Block(**dict(zip(names, row, strict=True))) for row in rows)


@pytest.fixture
def launches(make_launch):
    """Five launches of 100 queries each, medians 0.98 to 1.02 ms."""
    medians = (980_000, 990_000, 1_000_000, 1_010_000, 1_020_000)
    return [make_launch(number, (median,) * 100) for number, median in enumerate(medians)]


def test_the_median_is_over_launches_and_the_rest_over_queries(make_case, launches):
    found = summarise(make_case(), launches)

    medians = np.array([0.98, 0.99, 1.0, 1.01, 1.02]) * 1e6
    assert found.statistics_version == STATISTICS_VERSION
    assert (found.launches, found.queries) == (5, 500)
    assert found.latency.p50_ns == pytest.approx(float(np.exp(np.log(medians).mean())))
    assert found.latency.p50_interval.half_width == pytest.approx(0.01983, abs=1e-5)
    assert found.latency.mean_ns == 1_000_000.0
    assert found.latency.iqr_ns == 20_000.0
    assert isinstance(found.latency.p99, Percentile)
    assert found.latency.p99_9 == TooFewQueries(have=500, need=3688)
    assert found.protocol == launches[0].protocol
    assert found.steady_share == 1.0


def test_rates_come_from_the_elapsed_time_of_blocks_and_not_from_latency(make_case, make_launch):
    timed = make_launch(wall_ns=(1_000_000,) * 30).wall_ns
    split = blocks((10, 50_000_000, 0, 0, 0), (20, 150_000_000, 0, 0, 0))
    launch = make_launch(wall_ns=timed, blocks=split)

    found = summarise(make_case(batch=4, dims=(("sequence", 16),)), [launch, launch])

    assert found.rates == Rates(
        queries_per_s=150.0,
        samples_per_s=600.0,
        steps_per_s=9600.0,
        per_query=Interval(
            low_ns=pytest.approx(200e6 / 30), high_ns=pytest.approx(200e6 / 30), half_width=0.0
        ),
    )


def test_a_case_without_a_sequence_has_no_steps(make_case, launches):
    assert summarise(make_case(dims=(("height", 8),)), launches).rates.steps_per_s is None


def test_the_cold_path_is_medians_over_launches(make_case, make_launch):
    launches = [
        make_launch(0, start_ns=90, open_ns=5, first_query_ns=70),
        make_launch(1, start_ns=10, open_ns=6, first_query_ns=20),
        make_launch(2, start_ns=30, open_ns=1, first_query_ns=40),
        make_launch(3, start_ns=40, open_ns=2, first_query_ns=30),
    ]

    assert summarise(make_case(), launches).cold == ColdPath(
        start_ns=35.0, build_ns=41_000_000, open_ns=3.5, first_query_ns=35.0
    )


def test_load_is_over_all_blocks_and_the_peak_is_the_greatest(make_case, make_launch):
    split = blocks((5, 500_000_000, 500_000_000, 2, 3), (5, 500_000_000, 484_000_000, 0, 5))
    launches = [
        make_launch(0, blocks=split, peak_rss_bytes=500),
        make_launch(1, blocks=split, peak_rss_bytes=None),
        make_launch(2, blocks=split, peak_rss_bytes=900),
    ]

    assert summarise(make_case(), launches).load == Load(
        cpu_percent=pytest.approx(98.4),
        peak_rss_bytes=900,
        disturbed_share=0.5,
        involuntary_switches_per_s=pytest.approx(8.0),
    )


def test_a_launch_without_a_peak_leaves_none(make_case, make_launch):
    launch = make_launch(peak_rss_bytes=None)

    assert summarise(make_case(), [launch]).load.peak_rss_bytes is None


@pytest.mark.parametrize("cpu_ns", [969_999, 970_000])
def test_a_block_is_disturbed_below_97_percent_of_a_cpu(make_case, make_launch, cpu_ns):
    launch = make_launch(blocks=blocks((10, 1_000_000, cpu_ns, 0, 0)))

    share = summarise(make_case(), [launch]).load.disturbed_share

    assert share == (1.0 if cpu_ns < 970_000 else 0.0)


def test_two_threads_or_a_device_say_nothing_of_disturbed_blocks(make_case, make_launch, protocol):
    threads = summarise(make_case(options={"threads": 2}), [make_launch()])
    device = replace(protocol, loop="device-stamped")
    on_device = summarise(make_case(), [make_launch(protocol=device)])

    assert threads.load.disturbed_share is None
    assert on_device.load.disturbed_share is None


def test_several_streams_have_a_throughput_and_no_latency(make_case, make_launch, protocol):
    streams = replace(protocol, streams=4)
    launches = [make_launch(n, (1_000_000 + n,) * 10, protocol=streams) for n in range(5)]

    found = summarise(make_case(), launches)

    assert found.latency is None
    assert found.interval == found.rates.per_query
    assert found.interval.half_width == pytest.approx(2e-6, rel=0.05)
    assert "streams" in found.notes
    assert not {"few-queries", "levels"} & set(found.notes)


def test_the_interval_of_several_streams_is_held_against_the_target(
    make_case, make_launch, protocol
):
    streams = replace(protocol, streams=4)
    launches = [make_launch(n, (1_000_000 * (n + 1),) * 10, protocol=streams) for n in range(5)]

    assert "wide-interval" in summarise(make_case(), launches).notes


def test_telemetry_is_told_of_the_attempt_that_the_launches_are_of(
    make_case, make_launch, make_telemetry
):
    launches = [make_launch(0, attempt=1)]

    found = summarise(make_case(batch=2), launches, make_telemetry(attempt=1))

    assert found.utilization.joules_per_sample == 0.1
    assert {"throttled", "shared-gpu"} <= set(found.notes)
    assert summarise(make_case(), launches, make_telemetry(attempt=0)).utilization is None
    assert summarise(make_case(), launches).utilization is None


def test_the_state_of_the_gpu_beside_launches_is_of_the_load(make_case, make_launch):
    told = {"gpu": {"clock_reasons": ["hw_slowdown"], "other_processes": 1}}

    load = summarise(make_case(), [make_launch(0, covariates={"after": told})]).load

    assert (load.throttling, load.shared_share) == ({"hw_slowdown": 1.0}, 1.0)


def test_a_steady_sure_and_long_case_has_no_notes(make_case, launches):
    wall = np.tile(launches[0].wall_ns, 10)
    long = [
        replace(
            launch,
            started_at=20.0 * launch.number,
            wall_ns=wall,
            blocks=blocks((1000, 10**9, 10**9, 0, 0)),
        )
        for launch in launches
    ]

    assert summarise(make_case(), long).notes == ()


def test_every_note_has_its_rule(make_case, make_launch):
    loose = [
        make_launch(
            number,
            (median,) * 10,
            steady=number > 0,
            blocks=blocks((10, 10_000_000, 9_000_000, 0, 0)),
            facts={"effective_precision": "bf16"},
        )
        for number, median in enumerate((900_000, 1_000_000))
    ]

    found = summarise(make_case(), loose)

    assert found.precision == "bf16"
    assert found.steady_share == 0.5
    assert found.own_time_share == pytest.approx(0.82 / 1.41, rel=0.01)
    assert found.notes == (
        "few-queries",
        "few-launches",
        "consecutive",
        "no-steady-state",
        "wide-interval",
        "disturbed",
        "precision",
    )


def test_a_warm_up_too_slow_to_judge_is_neither_steady_nor_unsteady(make_case, make_launch):
    verdicts = (True, None, None, False, None)
    some = [make_launch(number, steady=steady) for number, steady in enumerate(verdicts)]
    none = [make_launch(number, steady=None) for number in range(5)]

    mixed, unjudged = summarise(make_case(), some), summarise(make_case(), none)

    assert (mixed.steady_share, unjudged.steady_share) == (0.5, None)
    assert {"no-steady-state", "warm-up-not-judged"} <= set(mixed.notes)
    assert "warm-up-not-judged" in unjudged.notes
    assert "no-steady-state" not in unjudged.notes


@pytest.mark.parametrize(("apart_s", "noted"), [(0.413, True), (0.9, True), (1.2, False)])
def test_launches_are_consecutive_where_they_fill_more_than_half_of_their_time(
    make_case, make_launch, apart_s, noted
):
    launches = [make_launch(number, started_at=number * apart_s) for number in range(5)]

    assert ("consecutive" in summarise(make_case(), launches).notes) is noted


def test_one_launch_is_not_consecutive(make_case, make_launch):
    found = summarise(make_case(), [make_launch()])

    assert found.own_time_share is None
    assert "consecutive" not in found.notes


def test_p50_and_p90_agree_on_which_launches_count(make_case, make_launch):
    quick = [make_launch(number, (1_000_000,) * 500) for number in range(4)]
    slow = make_launch(4, (10_000_000,) * 50)

    found = summarise(make_case(), [*quick, slow])

    assert found.latency.p50_ns == pytest.approx(10**6.2)
    assert found.latency.p90.value_ns == 10_000_000
    assert found.latency.mean_ns == pytest.approx(2_800_000)
    assert "levels" not in found.notes


def test_a_p50_above_a_percentile_is_noted(make_case, make_launch):
    # one launch in twelve is a thousand times slower: the geometric mean feels it, p90 does not
    quick = [make_launch(number, (1_000_000,) * 500) for number in range(11)]
    slow = make_launch(11, (1_000_000_000,) * 50)

    found = summarise(make_case(), [*quick, slow])

    assert found.latency.p90.value_ns == 1_000_000 < found.latency.p50_ns
    assert "levels" in found.notes


def test_what_the_engine_said_is_kept_once_each(make_case, make_launch):
    case = make_case(facts={"notes": ["built without a cache"]})
    launches = [
        make_launch(0, facts={"notes": ["2 nodes elsewhere"]}),
        make_launch(1, facts={"notes": ["2 nodes elsewhere", "no huge pages"]}),
    ]

    assert summarise(case, launches).remarks == (
        "built without a cache",
        "2 nodes elsewhere",
        "no huge pages",
    )


def test_a_case_without_launches_cannot_be_summarised(make_case):
    with pytest.raises(ValueError, match=r"^lstm/onnxruntime-cpu/fp32/b2/sequence=16: expected at"):
        summarise(make_case(), [])


def test_blocks_must_hold_every_query(make_case, make_launch):
    launch = make_launch(3, blocks=blocks((4, 1, 1, 0, 0), (5, 1, 1, 0, 0)))

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        summarise(make_case(), [launch])

    assert str(caught.value) == (
        "lstm/onnxruntime-cpu/fp32/b2/sequence=16: expected blocks that hold every query of "
        "launch 3, got 9 of 10 queries in 2 blocks"
    )


def test_work_is_by_the_elapsed_time_and_none_where_nobody_counted(
    make_case, make_cost, make_launch
):
    found = summarise(make_case(cost=make_cost()), [make_launch(0), make_launch(1)])

    assert found.work == work(make_cost(), found.rates)
    assert (found.work.flops_per_s, found.work.bytes_per_s) == (3e9, 6e8)
    assert summarise(make_case(), [make_launch(0)]).work is None
