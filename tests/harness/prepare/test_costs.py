from types import SimpleNamespace

import pytest

from harness.child import ChildError
from harness.folders import Folders
from harness.prepare import costs as module
from harness.prepare.costs import graph_costs
from harness.prepare.models import Prepared
from results.effect import GraphCost
from suites.case import Case
from suites.models.builtin import get, resolve
from suites.signature import Signature, TensorSpec
from suites.suite import BuiltinSource, Model

SIGNATURE = Signature(
    inputs=(TensorSpec(name="features", dtype="float32", dims=("batch", 8)),), outputs=()
)
SIZES = {"features": 8, "hidden": 4, "layers": 1, "classes": 2}
FLOPS = 2 * 8 * 4 + 4 + 4 + 2 * 4 * 2 + 2
"""Of a sample: a Gemm with its bias, a Relu, a Gemm with its bias."""


def plan(*models):
    return SimpleNamespace(
        models={model.name: SimpleNamespace(signature=SIGNATURE) for model in models},
        suite=SimpleNamespace(models=models, measure=SimpleNamespace(timeout_s=60.0)),
    )


def planned(position, *, model="tiny", precision="fp32", batch=1):
    case = Case(model=model, backend="fake", precision=precision, batch=batch)
    return SimpleNamespace(position=position, case=case)


@pytest.fixture
def store(tmp_path):
    """Return a function that stores a model of those sizes."""

    def store(**sizes):
        builtin = get("mlp")
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.onnx"
        model = builtin.build(resolve(builtin, {**SIZES, **sizes}))
        path.write_bytes(model.SerializeToString())
        return Prepared(path=path, sha256="0", external_data=False, precision="fp32")

    return store


@pytest.fixture
def tiny(store):
    return store()


@pytest.fixture
def count(tmp_path, tiny):
    def count(chosen, *models):
        folders = Folders(store=tmp_path, run_id="r")
        own = {model.name: tiny for model in models}
        return graph_costs(plan(*models), own, chosen, folders)

    return count


TINY = Model(name="tiny", source=BuiltinSource(name="mlp"))


def test_a_case_costs_the_operations_of_its_batch(count, tiny):
    found = count([(planned(3), tiny), (planned(5, batch=7), tiny)], TINY)

    assert {position: cost.flops for position, cost in found.items()} == {3: FLOPS, 5: 7 * FLOPS}
    parameters = 4 * (8 * 4 + 4 + 4 * 2 + 2)
    assert [cost.parameter_bytes for cost in found.values()] == [parameters, parameters]
    assert found[5].activation_bytes == 7 * found[3].activation_bytes


def test_bytes_are_of_the_graph_that_runs_and_operations_of_the_model_as_it_came(count, store):
    found = count([(planned(0, precision="fp16"), store(hidden=2))], TINY)

    assert found[0].flops == FLOPS
    assert found[0].parameter_bytes == 4 * (8 * 2 + 2 + 2 * 2 + 2)


def test_ceilings_say_of_what(count, tiny):
    peak = Model(name="peak", source=BuiltinSource(name="matmul-peak"))
    found = count([(planned(0), tiny), (planned(1, model="peak"), tiny)], TINY, peak)

    assert [cost.ceiling for cost in found.values()] == ["", "compute"]


def test_a_child_that_dies_costs_its_cases_their_count_and_no_others(count, tiny, monkeypatch):
    started = []

    class Dying:
        def __init__(self, *_, **__):
            started.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def ask(self, _verb, *, shapes, **_fields):
            if shapes == {"features": (2, 8)}:
                raise ChildError("crash", "SIGSEGV in 'cost'", "")
            traffic = {"fp32": {"parameter_bytes": 1, "activation_bytes": 2}}
            header = {"flops": 3, "uncounted": {"Odd": 1}, "traffic": traffic}
            return SimpleNamespace(header=header)

    monkeypatch.setattr(module, "Child", Dying)
    found = count([(planned(k, batch=k), tiny) for k in (1, 2, 3)], TINY)

    known = GraphCost(flops=3, parameter_bytes=1, activation_bytes=2, uncounted={"Odd": 1})
    assert found == {1: known, 2: "SIGSEGV in 'cost'", 3: known}
    assert len(started) == 2
