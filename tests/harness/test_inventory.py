import sys
from types import SimpleNamespace

import numpy as np

from engines import registry
from engines.contract import Device
from harness import inventory as module
from harness.inventory import engine_keys, inventory
from suites.case import Case


def test_versions_are_of_python_numpy_and_what_is_installed_of_those_asked_about():
    found = inventory([], ["pytest", "no-such-distribution"])
    assert found.keys() == {"versions", "missing"}
    assert found["missing"] == {}
    assert found["versions"].keys() == {"pytest", "numpy", "python"}
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_backends_own_distribution_is_among_the_versions(monkeypatch):
    backends = {
        "ours": SimpleNamespace(unavailable=lambda: None, simulated=False, distribution="pytest"),
        "simulated": SimpleNamespace(unavailable=lambda: None, simulated=True, distribution="ruff"),
        "broken": SimpleNamespace(
            unavailable=lambda: "it is not installed.", simulated=False, distribution="mypy"
        ),
    }
    monkeypatch.setattr(module.registry, "get", backends.__getitem__)
    found = inventory(list(backends), [])
    assert found["versions"].keys() == {"pytest", "numpy", "python"}
    assert found["missing"] == {"broken": "it is not installed."}


def test_a_backend_that_nobody_brings_is_missing():
    found = inventory(["fakes"], [])["missing"]["fakes"]
    assert found == "backend: expected a known name, got 'fakes'. Did you mean 'fake'?"


def test_keys_are_those_of_the_backend_itself():
    cases = [
        Case(model="m", backend="fake", precision="fp32", batch=1, options=options)
        for options in ((), (("latency_ns", 7),))
    ]
    keys = engine_keys("fake", [case.to_dict() for case in cases], Device(kind="fake"))
    backend = registry.get("fake")
    assert keys == [backend.engine_key(case, Device(kind="fake")) for case in cases]
    assert keys[1]["latency_ns"] == 7
