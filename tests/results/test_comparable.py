from dataclasses import fields, replace

import pytest

from results.comparable import (
    Terms,
    compare_difference,
    differences,
    gate_difference,
    spinning_pool,
)
from results.record import Protocol

OF_A_RUN = {"launch_s", "launches_min", "launches_max", "target", "case_s"}
SHARED = {"clock": "cuda-event", "transfers": "copied"}
CHANGED = {
    "loop": "device-stamped",
    "streams": 2,
    "queue_depth": 4,
    "cuda_graph": True,
    "sync": "spin",
    "l2": "hot",
    "block_s": 0.1,
    "block_queries": 5,
    "warmup_s": 1.0,
    "warmup_queries": 50,
    "warmup_cap_s": 20.0,
}


@pytest.fixture
def terms(protocol):
    return Terms(
        protocol=protocol,
        device="AMD EPYC",
        inputs_sha256="ab" * 32,
        precision="fp32",
        effective_precision=None,
    )


def with_protocol(terms, **changes):
    return replace(terms, protocol=replace(terms.protocol, **changes))


def test_equal_sides_differ_in_nothing(terms):
    assert gate_difference(terms, terms) is None
    assert compare_difference(terms, terms) is None
    assert differences(terms, terms) == ()


def test_every_field_of_a_protocol_concerns_a_pair_but_those_of_a_run():
    assert {field.name for field in fields(Protocol)} == {*SHARED, *CHANGED, *OF_A_RUN}


@pytest.mark.parametrize(("name", "value"), CHANGED.items())
def test_a_gate_refuses_another_protocol_and_a_comparison_tells_it(terms, name, value):
    other = with_protocol(terms, **{name: value})
    was = getattr(terms.protocol, name)

    assert gate_difference(terms, other) == (
        f"expected equal {name}, got {was!r} on the baseline and {value!r} on the candidate"
    )
    assert compare_difference(terms, other) is None
    assert differences(terms, other) == (f"{name}: {was!r} against {value!r}",)


@pytest.mark.parametrize(("name", "value"), SHARED.items())
def test_nothing_compares_over_another_clock_or_other_transfers(terms, name, value):
    other = with_protocol(terms, **{name: value})
    was = getattr(terms.protocol, name)
    said = f"expected equal {name}, got {was!r} on the baseline and {value!r} on the candidate"

    assert (gate_difference(terms, other), compare_difference(terms, other)) == (said, said)
    assert differences(terms, other) == ()


def test_nothing_compares_over_another_device(terms):
    other = replace(terms, device="Xeon")
    said = "expected equal device, got 'AMD EPYC' on the baseline and 'Xeon' on the candidate"

    assert (gate_difference(terms, other), compare_difference(terms, other)) == (said, said)


@pytest.mark.parametrize(
    ("changes", "name", "was", "now"),
    [
        ({"inputs_sha256": "cd" * 32}, "inputs", "'abababababab'", "'cdcdcdcdcdcd'"),
        ({"precision": "int8"}, "precision", "'fp32'", "'int8'"),
        ({"effective_precision": "tf32"}, "effective precision", "None", "'tf32'"),
    ],
)
def test_a_gate_refuses_other_inputs_and_precisions(terms, changes, name, was, now):
    other = replace(terms, **changes)

    assert gate_difference(terms, other) == (
        f"expected equal {name}, got {was} on the baseline and {now} on the candidate"
    )
    assert compare_difference(terms, other) is None
    assert differences(terms, other) == (f"{name}: {was} against {now}",)


def test_all_that_differs_is_named_at_once(terms):
    other = replace(with_protocol(terms, l2="hot"), device="Xeon")

    assert gate_difference(terms, other) == (
        "expected equal device, got 'AMD EPYC' on the baseline and 'Xeon' on the candidate; "
        "equal l2, got 'n/a' on the baseline and 'hot' on the candidate"
    )


@pytest.mark.parametrize("name", sorted(OF_A_RUN))
def test_how_long_a_run_measures_concerns_no_pair(terms, name):
    other = with_protocol(terms, **{name: getattr(terms.protocol, name) + 1})

    assert gate_difference(terms, other) is None
    assert differences(terms, other) == ()


SPINNING = {"spinning": True, "threads": 2}


@pytest.mark.parametrize(
    ("baseline", "candidate", "got"),
    [
        (SPINNING, {"spinning": False, "threads": 2}, "spinning with 2 threads on the baseline"),
        ({"streams": 2}, {**SPINNING, "threads": 4}, "spinning with 4 threads on the candidate"),
        (
            *(SPINNING, SPINNING),
            "spinning with 2 threads on the baseline and spinning with 2 threads on the candidate",
        ),
    ],
)
def test_a_pool_that_spins_on_either_side_is_refused(baseline, candidate, got):
    assert spinning_pool(baseline, candidate) == (
        f"expected no idle pool that spins in the other side's blocks, got {got}. "
        "Take spinning: false, or threads: 1"
    )


@pytest.mark.parametrize(
    "options", [{}, {"spinning": True, "threads": 1}, {"spinning": False, "threads": 8}]
)
def test_sides_without_such_a_pool_take_turns(options):
    assert spinning_pool(options, options) is None
