import hashlib
import re
from importlib.machinery import ModuleSpec

import pytest

from engines.ort import machine
from engines.ort.machine import cpu_identity, runtime_versions

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R)
stepping\t: 8
cpu MHz\t\t: {mhz}
flags\t\t: {flags}

processor\t: 1
flags\t\t: other
"""
ARM = """processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""


@pytest.fixture
def identity(tmp_path):
    def of(text):
        (tmp_path / "cpuinfo").write_text(text)
        return cpu_identity(tmp_path / "cpuinfo")

    return of


def test_a_cpu_is_told_by_its_model_and_features(identity):
    found = identity(X86.format(mhz="2000.0", flags="sse avx512f"))
    assert found["cpu"] == "GenuineIntel / 6 / 143 / Intel(R) Xeon(R) / 8"
    assert found == identity(X86.format(mhz="3000.0", flags="avx512f sse"))
    other = identity(X86.format(mhz="2000.0", flags="sse"))
    assert other == {**found, "cpu_features": other["cpu_features"]}
    assert other["cpu_features"] != found["cpu_features"]


def test_an_arm_cpu_is_told_by_its_part(identity):
    found = identity(ARM)
    assert found["cpu"] == "0x41 / 0xd0c"
    assert found["cpu_features"] != identity(ARM.replace("asimd", "sve"))["cpu_features"]


def test_this_machine_has_an_identity():
    assert all(cpu_identity().values())


@pytest.fixture
def installed(monkeypatch):
    """Say which distributions install the package `onnxruntime`, with their versions."""

    def say(**versions):
        named = {name.replace("_", "-"): found for name, found in versions.items()}
        brought = {"onnxruntime": [*named, *named]} if named else {}
        monkeypatch.setattr(machine, "packages_distributions", lambda: brought)
        monkeypatch.setattr(machine, "version", named.__getitem__)
        runtime_versions.cache_clear()

    yield say
    runtime_versions.cache_clear()


def test_every_distribution_of_the_runtime_is_named(installed):
    installed(onnxruntime_openvino="4.5.6", onnxruntime="1.2.3")
    assert runtime_versions() == "onnxruntime 1.2.3 onnxruntime-openvino 4.5.6"
    installed(ort_nightly="4.5.7")
    assert runtime_versions() == "ort-nightly 4.5.7"


def test_a_runtime_of_no_distribution_is_told_by_its_library(installed, monkeypatch, tmp_path):
    library = tmp_path / "capi" / "onnxruntime_pybind11_state.so"
    library.parent.mkdir()
    spec = ModuleSpec("onnxruntime", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(machine, "find_spec", lambda _: spec)
    told = []
    for content in (b"one", b"two"):
        library.write_bytes(content)
        installed()
        told.append(runtime_versions())
    assert told == [
        f"onnxruntime sha256 {hashlib.sha256(content).hexdigest()}" for content in (b"one", b"two")
    ]


def test_no_runtime_at_all_has_no_name(installed, monkeypatch):
    monkeypatch.setattr(machine, "find_spec", lambda _: None)
    installed()
    assert runtime_versions() == ""


def test_this_machines_runtime_has_a_name():
    pytest.importorskip("onnxruntime")
    runtime_versions.cache_clear()
    assert re.match(r"(\S*onnxruntime\S*|ort-\S+) \S+", runtime_versions())
