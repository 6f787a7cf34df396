from dataclasses import replace

import numpy as np
import pytest

from results.aggregate import summarise
from results.upkeep.plausible import (
    accuracy_problem,
    case_problem,
    launch_problem,
    summary_problem,
    telemetry_problem,
)


@pytest.fixture
def device(make_launch, protocol):
    """A launch of two slots, in which queries overlap."""
    loop = replace(protocol, loop="host-synchronised", queue_depth=2)
    return make_launch(0, protocol=loop)


def test_a_launch_that_agrees_has_no_problem(make_launch, device):
    assert launch_problem(make_launch()) is None
    assert launch_problem(device) is None
    assert launch_problem(replace(device, wall_ns=device.wall_ns * 2)) is None


def test_raw_timings_are_as_many_as_the_queries_of_the_blocks(make_launch):
    launch = make_launch()

    assert launch_problem(replace(launch, wall_ns=launch.wall_ns[1:])) == (
        "expected wall_ns of its 10 queries, got 9"
    )
    assert launch_problem(replace(launch, gpu_compute_ns=launch.wall_ns[2:])) == (
        "expected gpu_compute_ns of its 10 queries, got 8"
    )


def test_no_time_is_negative(make_launch):
    launch = make_launch()
    times = np.array([5] * 9 + [-3])

    assert launch_problem(replace(launch, enqueue_ns=times)) == (
        "expected enqueue_ns of 0 and up, got -3"
    )


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_queries_that_block_fill_their_blocks(make_launch, factor):
    launch = make_launch()
    off = (launch.wall_ns * factor).astype(np.int64)

    assert launch_problem(replace(launch, wall_ns=off)) == (
        f"expected queries of 10000000 ns together, as its blocks took, got {off.sum()} ns"
    )


def test_queries_in_slots_take_no_longer_than_all_slots_together(device):
    longer = device.wall_ns * 3

    assert launch_problem(replace(device, wall_ns=longer)) == (
        "expected queries of 10000000 ns together, as its blocks took, got 30000000 ns"
    )


def test_a_summary_is_of_the_launches_that_there_are(make_case, make_launch):
    summary = summarise(make_case(), [make_launch(number) for number in range(2)])

    assert summary_problem(summary, launches=2, queries=20) is None
    assert summary_problem(summary, launches=3, queries=30) is None
    assert summary_problem(summary, launches=1, queries=10) == (
        "expected at most the case's 1 launches, got 2"
    )
    assert summary_problem(summary, launches=2, queries=19) == (
        "expected the case's 19 queries, got 20"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"samples": {"watts": (None, None)}}, None),
        ({"samples": {"watts": (3.0, -1.0)}}, "expected watts of 0 and up, got -1.0"),
        (
            {"clock_reasons": {"hw_slowdown": 1.5}},
            "expected a fraction of its samples with 'hw_slowdown', got 1.5",
        ),
        (
            {"energy_queries": None},
            "expected energy and the queries it was for, got one without the other",
        ),
    ],
)
def test_telemetry_agrees_with_itself(make_telemetry, changes, problem):
    assert telemetry_problem(make_telemetry(**changes)) == problem


def test_accuracy_that_agrees_has_no_problem(make_accuracy, make_task, make_parity):
    assert accuracy_problem(make_accuracy()) is None
    assert accuracy_problem(make_accuracy(parity=(), task=None)) is None
    nothing = dict.fromkeys(("cosine", "max_abs", "max_rel", "snr_db", "top1"))
    assert accuracy_problem(make_accuracy(parity=(make_parity(**nothing, nan=640, inf=0),))) is None
    many_errors = make_task(metrics={"cer": 1.5}, reference={"cer": 2.0})
    assert accuracy_problem(make_accuracy(task=many_errors)) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"nan": 640}, "expected NaN and infinities among 640 values of 'logits'"),
        ({"nan": -2}, "expected NaN and infinities among 640 values of 'logits'"),
        ({"cosine": 1.1}, "expected a cosine from -1 to 1, got 1.1 of 'logits'"),
        ({"cosine": -1.1}, "expected a cosine from -1 to 1, got -1.1 of 'logits'"),
        ({"max_abs": -0.1}, "expected max_abs of 0 and up, got -0.1 of 'logits'"),
        ({"max_rel": -0.1}, "expected max_rel of 0 and up, got -0.1 of 'logits'"),
        ({"top1": 1.2}, "expected a fraction for top1, got 1.2 of 'logits'"),
    ],
)
def test_parity_keeps_to_what_its_figures_can_be(make_accuracy, make_parity, changes, problem):
    assert accuracy_problem(make_accuracy(parity=(make_parity(**changes),))) == problem


def test_scores_are_fractions_of_the_case_the_reference_and_each_class(make_accuracy, make_task):
    weak = replace(make_task().classes[0], recall=-0.1)

    told = [
        accuracy_problem(make_accuracy(task=make_task(**changes)))
        for changes in (
            {"metrics": {"accuracy": 97.0}},
            {"reference": {"f1": 2.0}},
            {"classes": (weak,)},
        )
    ]

    assert told == [
        "expected a fraction for accuracy, got 97.0",
        "expected a fraction for f1 of the reference, got 2.0",
        "expected a fraction for recall of '3', got -0.1",
    ]


def test_effects_and_costs_keep_to_what_they_can_be(make_case, make_effect, make_cost):
    assert case_problem(make_case()) is None
    assert case_problem(make_case(effect=make_effect(), cost=make_cost())) is None
    told = [
        case_problem(make_case(**changes))
        for changes in (
            {"effect": make_effect(nodes=10)},
            {"effect": make_effect(weights={"int8": 1.5})},
            {"effect": make_effect(flops={"int8": -0.5})},
            {"cost": make_cost(activation_bytes=-1)},
        )
    ]

    assert told == [
        "expected at most 9 changed nodes, got 10",
        "expected a fraction for int8, got 1.5",
        "expected a fraction for int8, got -0.5",
        "expected a cost of 0 and up, got -1",
    ]
