from importlib.metadata import PackageNotFoundError

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


def test_every_distribution_of_the_runtime_is_named(monkeypatch):
    versions = {"onnxruntime": "1.2.3", "onnxruntime-gpu": "4.5.6"}

    def version(name):
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(machine, "version", version)
    assert runtime_versions() == "onnxruntime 1.2.3 onnxruntime-gpu 4.5.6"
    del versions["onnxruntime"]
    assert runtime_versions() == "onnxruntime-gpu 4.5.6"
