from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.machine.reading import Facts
from harness.prepare.models import Prepared
from harness.records import case_record, telemetry_record
from harness.telemetry.energy import Energy
from harness.telemetry.sampling import Reading
from harness.wire import Message
from results.effect import Effect, GraphCost
from results.telemetry import SERIES
from suites.case import Case

MS = 1_000_000
IDLE = Facts(values={"idle_watts": 70.0}, unknown={})
ENERGY = Facts(values={"energy_joules": Energy(joules=12.0, elapsed_ns=40 * MS)}, unknown={})
BLOCK = Message(
    header={
        "blocks": [[10, 20 * MS, 0, 0, 0], [30, 60 * MS, 0, 0, 0]],
        "span_ns": 100 * MS,
        "span_queries": 50,
    }
)


def sample(at_ms, *, reasons=(), others=0, missing=None, **values):
    missing = missing or {}
    told = {**dict.fromkeys(SERIES, 1), **values, **dict.fromkeys(missing)}
    told |= {"clock_reasons": list(reasons), "other_processes": others}
    told |= dict.fromkeys(set(missing) & told.keys())
    return Reading(at_ns=at_ms * MS, facts=Facts(values=told, unknown=missing))


def record(*samples, idle=IDLE, energy=ENERGY):
    return telemetry_record(
        started_at=1.5,
        device_uuid="GPU-1",
        block=BLOCK,
        samples=samples,
        start_ns=1000 * MS,
        idle=idle,
        energy=energy,
    )


def test_the_loop_is_its_timed_blocks_and_energy_is_of_all_that_ran():
    found = record(sample(1050))
    assert (found.elapsed_ns, found.queries) == (80 * MS, 40)
    assert (found.energy_joules, found.energy_queries) == (12.0, pytest.approx(20.0))
    assert (found.idle_watts, found.unknown) == (70.0, {})


def test_samples_are_by_name_and_timed_from_the_loops_start():
    found = record(sample(1000, watts=300), sample(1050, watts=310))
    assert found.at_s == (0.0, 0.05)
    assert found.samples["watts"] == (300, 310)
    assert found.samples.keys() == set(SERIES)


def test_clock_reasons_are_shares_of_the_samples_that_told_them():
    found = record(
        sample(1000, reasons=["sw_power_cap", "gpu_idle"]),
        sample(1050, reasons=["sw_power_cap"]),
        sample(1100, missing={"clock_reasons": "lost"}),
    )
    assert found.clock_reasons == {"gpu_idle": 0.5, "sw_power_cap": 1.0}
    assert found.unknown == {"clock_reasons": "1 of 3 samples: lost"}


def test_the_most_processes_of_a_sample_are_the_others():
    assert record(sample(1000, others=1), sample(1050, others=3)).other_processes == 3
    assert record(sample(1000, missing={"other_processes": "no"})).other_processes is None


def test_what_is_missing_everywhere_has_its_reason_alone():
    missing = {"watts": "Not Supported"}
    found = record(sample(1000, missing=missing), sample(1050, missing=missing))
    assert found.samples["watts"] == (None, None)
    assert found.unknown == {"watts": "Not Supported"}


def test_idle_power_and_energy_have_their_reasons():
    found = record(
        sample(1000),
        idle=Facts(values={"idle_watts": None}, unknown={"idle_watts": "busy"}),
        energy=Facts(values={"energy_joules": None}, unknown={"energy_joules": "none"}),
    )
    assert (found.idle_watts, found.energy_joules, found.energy_queries) == (None, None, None)
    assert found.unknown == {"idle_watts": "busy", "energy_joules": "none"}


def test_a_loop_without_a_sample_says_so():
    found = record()
    assert (found.at_s, found.clock_reasons) == ((), {})
    assert found.unknown == {"samples": "no sample fell into the loop"}


CASE = Case(model="lstm", backend="fake", precision="int8", batch=1)
PLANNED = SimpleNamespace(position=3, case=CASE, options={})
COST = GraphCost(flops=9, parameter_bytes=4, activation_bytes=2)
EFFECT = Effect(
    nodes=1,
    all_nodes=2,
    weights={"int8": 1.0},
    flops={"int8": 1.0},
    bytes_before=4,
    bytes_after=1,
)
PREPARED = Prepared(
    path=Path("m.onnx"),
    sha256="ab" * 32,
    external_data=False,
    precision="int8",
    effect=EFFECT,
    calibration="16 seeded inputs, minmax",
)


def test_a_case_has_its_effect_its_calibration_and_its_cost():
    found = case_record(PLANNED, prepared=PREPARED, cost=COST)

    assert (found.effect, found.cost) == (EFFECT, COST)
    assert found.facts == {"calibration": "16 seeded inputs, minmax"}


def test_a_case_whose_cost_is_not_known_has_the_reason():
    found = case_record(PLANNED, cost="m.onnx: no shapes")

    assert (found.effect, found.cost) == (None, None)
    assert found.facts == {"cost_unknown": "m.onnx: no shapes"}


@pytest.mark.parametrize(
    ("precision", "options", "notes"),
    [
        ("int8", {}, None),
        ("fp8", {"graph_optimization": "basic"}, None),
        ("fp8", {}, ["graph_optimization is basic by default in fp8, all otherwise"]),
    ],
)
def test_a_default_of_the_precisions_own_is_told(precision, options, notes):
    case = Case(
        model="m",
        backend="onnxruntime-cpu",
        precision=precision,
        batch=1,
        options=tuple(options.items()),
    )
    found = case_record(SimpleNamespace(position=0, case=case, options=options))

    assert found.facts.get("notes") == notes
