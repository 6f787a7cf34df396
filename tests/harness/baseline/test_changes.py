from dataclasses import replace
from types import SimpleNamespace

import pytest

from engines.contract import Device
from harness.baseline.changes import changes, other_device
from harness.plan import Plan
from harness.staging import Supplies
from results.gate_record import Changes
from results.record import Failed, Skipped

BROKEN = Failed(kind="invalid-model", message="no model", hint="Mend it.")


def planned_at(planned, batch, **fields):
    case = replace(planned.case, batch=batch)
    return replace(planned, case=case, position=batch, **fields)


def plan_of(*cases):
    return Plan(
        suite=None,
        models={},
        devices={"fake": Device(kind="fake"), "cuda": Device(kind="cuda", uuid="GPU-2")},
        cases=cases,
        estimate_s=0.0,
    )


@pytest.fixture
def supplies(made, tmp_path):
    """What the pinned case is made of, with a model or inputs that are given anew."""

    def supplied(model=None, inputs=None):
        return Supplies(
            own={},
            models={("tiny", "fp32"): model or made.model(tmp_path / "made")},
            inputs={0: inputs or made.inputs(tmp_path / "made")},
            costs={},
            samples={},
        )

    return supplied


def test_a_suite_as_it_was_pinned_has_no_changes(made, keep, supplies):
    assert changes(made.baseline(keep()), plan_of(made.planned), supplies()) == Changes()


def test_new_cases_and_those_that_are_gone_are_told(made, keep, supplies):
    baseline = made.baseline(keep(), keep(planned=planned_at(made.planned, 2)))
    new = planned_at(made.planned, 8)
    skipped = planned_at(made.planned, 16, outcome=Skipped(reason="no device"))
    made_of = supplies()
    made_of.inputs[8] = made_of.inputs[0]

    plan = plan_of(made.planned, new, skipped)

    assert changes(baseline, plan, made_of) == Changes(
        new=("tiny/fake/fp32/b8",), gone=("tiny/fake/fp32/b2",)
    )
    assert changes(baseline, plan, made_of, part=True) == Changes(new=("tiny/fake/fp32/b8",))


def test_a_pinned_case_that_is_skipped_here_is_neither_gone_nor_changed(made, keep, supplies):
    skipped = replace(made.planned, outcome=Skipped(reason="no device"))

    assert changes(made.baseline(keep()), plan_of(skipped), supplies()) == Changes()


def test_what_changed_in_a_case_is_named(made, keep, supplies, tmp_path):
    model = replace(made.model(tmp_path, b"another"), dims={"x": ("batch", 8)}, values={})
    planned = replace(made.planned, options={"threads": 2, "spin": True})

    found = changes(
        made.baseline(keep()), plan_of(planned), supplies(model, made.inputs(tmp_path, value=2.0))
    )

    assert found == Changes(
        changed={
            "tiny/fake/fp32/b1": "model, dims, values, inputs, option spin: none → true, "
            "option threads: 1 → 2"
        }
    )


def test_a_case_whose_model_or_inputs_cannot_be_had_is_judged_by_the_rest(made, keep, supplies):
    planned = replace(made.planned, options={})
    found = changes(made.baseline(keep()), plan_of(planned), supplies(BROKEN, BROKEN))

    assert found == Changes(changed={"tiny/fake/fp32/b1": "option threads: 1 → none"})


def test_a_device_that_is_not_the_pinned_one_is_told(made, monkeypatch):
    backend = SimpleNamespace(device="cuda")
    monkeypatch.setattr("harness.baseline.changes.registry.get", lambda _name: backend)
    plan = plan_of(made.planned)

    def told(devices):
        return other_device(made.baseline(devices=devices), plan, made.planned)

    assert told({"cuda": "GPU-2"}) is None
    assert told({"fake": "fake"}) is None
    assert told({"cuda": "NVIDIA H200 GPU-1"}) == (
        "device: pinned on NVIDIA H200 GPU-1, and this is GPU-2"
    )
