import ctypes
import inspect
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from engines.contract import Device
from engines.cuda import driver

FIRST = "GPU-00000000-5171-4a7e-8000-00000000c0de"
SECOND = "GPU-00000001-5171-4a7e-8000-00000000c0de"
REAL = """
import json
from cuda.bindings import driver
from inspect import getmembers
documented = {name: each.__doc__.splitlines()[0] for name, each in getmembers(driver)
              if name.startswith("cu") and callable(each) and each.__doc__}
enums = {name: {member.name: int(member) for member in each} for name, each in getmembers(driver)
         if name.startswith("CU") and hasattr(each, "__members__")}
print(json.dumps([documented, enums, sorted(vars(driver))]))
"""


def has_libcuda():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


needs_bindings = pytest.mark.skipif(
    find_spec("cuda") is None or find_spec("cuda.bindings") is None,
    reason="cuda-bindings is not installed",
)


@needs_bindings
@pytest.mark.skipif(has_libcuda(), reason="there is an NVIDIA driver")
def test_the_real_bindings_without_a_driver_give_a_sentence():
    sentence = "libcuda.so.1 was not found. Install the NVIDIA driver."
    assert driver.missing() == sentence
    for ask in (driver.devices, driver.driver_version):
        with pytest.raises(driver.DeviceError) as refused:
            ask()
        assert str(refused.value) == sentence


@needs_bindings
def test_the_stand_in_has_the_names_and_arguments_of_the_real_bindings(simulated):
    simulated()
    from cuda.bindings import driver as stand_in

    done = subprocess.run(
        [sys.executable, "-P", "-c", REAL], capture_output=True, text=True, check=True
    )
    documented, enums, names = json.loads(done.stdout)
    own = {name: each for name, each in vars(stand_in).items() if name.lower().startswith("cu")}
    assert set(own) <= set(names)
    for name, each in own.items():
        if name in enums:
            assert {member.name: int(member) for member in each}.items() <= enums[name].items()
        elif not inspect.isclass(each) and callable(each):
            real = re.findall(r"(\w+)(?:: \w+|=\w+)?[,)]", documented[name])
            assert list(inspect.signature(each).parameters) == real, name


def test_a_machine_with_a_device_misses_nothing(simulated):
    simulated()
    assert driver.missing() is None


def test_bindings_that_are_not_installed_are_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda", None)
    monkeypatch.delitem(sys.modules, "cuda.bindings", raising=False)
    monkeypatch.setattr("engines.cuda.driver.find_spec", lambda _: None)
    sentence = "cuda-bindings is not installed. Install dyno with the 'gpu' or 'cuda' extra."
    assert driver.missing() == sentence
    with pytest.raises(driver.DeviceError, match="cuda-bindings is not installed"):
        driver.driver_version()


def test_a_missing_package_around_the_bindings_is_the_same(monkeypatch):
    def raises(_):
        raise ModuleNotFoundError("No module named 'cuda'", name="cuda")

    monkeypatch.setattr("engines.cuda.driver.find_spec", raises)
    assert driver.missing() == (
        "cuda-bindings is not installed. Install dyno with the 'gpu' or 'cuda' extra."
    )


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"fail": "no-driver"}, "libcuda.so.1 was not found. Install the NVIDIA driver."),
        ({"devices": 0}, "the NVIDIA driver sees no device. Run nvidia-smi to see why."),
        (
            {"fail": "init"},
            (
                "the NVIDIA driver does not start: cuInit failed: "
                "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (system has unsupported display driver / cuda "
                "driver combination). Run nvidia-smi, and reboot if it fails."
            ),
        ),
        (
            {"cuda_driver": 12040},
            (
                "the NVIDIA driver is too old: cuda-bindings is made for CUDA 13, the driver "
                "offers 12.4. Update the driver, or install cuda-bindings 12."
            ),
        ),
    ],
)
def test_what_is_wrong_with_the_driver_is_a_sentence(simulated, script, sentence):
    simulated(**script)
    assert driver.missing() == sentence
    with pytest.raises(driver.DeviceError) as refused:
        driver.devices()
    assert str(refused.value) == sentence


def test_a_newer_driver_serves(simulated):
    simulated(cuda_driver=14010)
    assert driver.missing() is None


def test_a_variable_that_hides_all_devices_is_named(simulated, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    simulated(devices=2)
    assert driver.missing() == (
        "CUDA_VISIBLE_DEVICES='-1' leaves no device. Unset it, or name one that exists."
    )


def test_devices_are_numbered_along_the_bus_unless_the_user_says_otherwise(simulated, monkeypatch):
    simulated()
    monkeypatch.delenv("CUDA_DEVICE_ORDER")
    driver.missing()
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    driver.missing()
    assert os.environ["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"


def test_devices_say_all_that_engines_depend_on(simulated, monkeypatch, tmp_path):
    version = tmp_path / "version"
    version.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs)\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
    )
    monkeypatch.setattr(driver, "KERNEL_MODULE", version)
    simulated(devices=2, sm="sm120", memory_bytes=1 << 30, name="NVIDIA H200")
    assert driver.devices() == tuple(
        Device(
            kind="cuda",
            name="NVIDIA H200",
            uuid=uuid,
            sm="sm120",
            driver="580.65.06",
            memory_bytes=1 << 30,
        )
        for uuid in (FIRST, SECOND)
    )


def test_the_version_of_the_kernel_module_is_empty_where_it_is_not_told(monkeypatch, tmp_path):
    monkeypatch.setattr(driver, "KERNEL_MODULE", tmp_path / "absent")
    assert driver.kernel_module_version() == ""
    (tmp_path / "odd").write_text("GCC version:  gcc version 12.2.0 (Debian)\n")
    monkeypatch.setattr(driver, "KERNEL_MODULE", tmp_path / "odd")
    assert driver.kernel_module_version() == ""


def test_the_older_spelling_of_the_kernel_module_is_read_too(monkeypatch, tmp_path):
    version = tmp_path / "version"
    version.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
    )
    monkeypatch.setattr(driver, "KERNEL_MODULE", version)
    assert driver.kernel_module_version() == "535.104.05"


@pytest.mark.parametrize(
    ("selector", "uuid"),
    [
        ("", FIRST),
        ("0", FIRST),
        ("1", SECOND),
        (SECOND, SECOND),
        ("GPU-00000001", SECOND),
        ("gpu-00000001", SECOND),
    ],
)
def test_a_device_is_found_by_index_and_by_the_beginning_of_its_uuid(simulated, selector, uuid):
    simulated(devices=2)
    assert driver.find(selector).uuid == uuid


def test_an_index_counts_the_devices_that_the_user_left_visible(simulated, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    simulated(devices=2)
    assert driver.find("0").uuid == SECOND


@pytest.mark.parametrize("selector", ["2", "GPU-7", "first", "-1", "²"])
def test_an_unknown_device_is_refused_with_those_that_exist(simulated, selector):
    simulated(devices=2)
    with pytest.raises(driver.DeviceError) as refused:
        driver.find(selector)
    assert str(refused.value) == (
        f"device: expected the index, UUID or MIG id of a device, got {selector!r}. "
        f"There is 0 = Simulated GPU ({FIRST}), 1 = Simulated GPU ({SECOND})."
    )


def test_a_beginning_of_two_uuids_is_refused(simulated):
    simulated(devices=2)
    with pytest.raises(driver.DeviceError) as refused:
        driver.find("GPU-0000000")
    assert str(refused.value) == (
        "device: expected one device, got 'GPU-0000000', the beginning of 2 UUIDs. "
        f"There is 0 = Simulated GPU ({FIRST}), 1 = Simulated GPU ({SECOND})."
    )


@pytest.fixture
def children_on_the_stand_in(monkeypatch):
    stand_in = Path(__file__).resolve().parents[2] / "stand_in"
    monkeypatch.setenv("PYTHONPATH", str(stand_in))
    monkeypatch.setenv("SIMULATED_NAME", "NVIDIA H100 MIG 1g.10gb")
    monkeypatch.setenv("SIMULATED_DEVICES", "2")


@pytest.mark.usefixtures("children_on_the_stand_in")
def test_a_mig_device_that_cuda_hides_from_this_process_is_found(simulated):
    simulated(devices=2, name="NVIDIA H100 MIG 1g.10gb")
    hidden = SECOND.replace("GPU", "MIG")
    assert [device.uuid for device in driver.devices()] == [FIRST.replace("GPU", "MIG")]
    assert driver.find(hidden).uuid == hidden
    assert driver.find(hidden).name == "NVIDIA H100 MIG 1g.10gb"


def test_with_two_calls_for_a_uuid_the_one_that_knows_mig_devices_is_taken(simulated, monkeypatch):
    simulated(name="NVIDIA H100 MIG 1g.10gb")
    from cuda.bindings import driver as bindings

    of_the_card = UUID(int=7).bytes
    monkeypatch.setattr(bindings, "cuDeviceGetUuid_v2", bindings.cuDeviceGetUuid, raising=False)
    monkeypatch.setattr(
        bindings,
        "cuDeviceGetUuid",
        lambda _: (bindings.CUresult.CUDA_SUCCESS, SimpleNamespace(bytes=of_the_card)),
    )
    assert driver.devices()[0].uuid == FIRST.replace("GPU", "MIG")


@pytest.mark.usefixtures("children_on_the_stand_in")
def test_an_unknown_mig_device_is_refused(simulated):
    simulated(devices=2, name="NVIDIA H100 MIG 1g.10gb")
    with pytest.raises(driver.DeviceError) as refused:
        driver.find("MIG-9")
    assert str(refused.value) == (
        "device: expected the index, UUID or MIG id of a device, got 'MIG-9'. There is "
        f"0 = NVIDIA H100 MIG 1g.10gb ({FIRST.replace('GPU', 'MIG')})."
    )


def test_the_driver_tells_the_newest_cuda_it_serves(simulated):
    simulated(cuda_driver=13020)
    assert driver.driver_version() == "13.2"


def test_a_failed_call_is_told_by_name_and_text(simulated):
    simulated()
    driver.missing()
    from cuda.bindings import driver as bindings

    with pytest.raises(driver.DriverError) as failed:
        driver.checked("cuDeviceGet", bindings.cuDeviceGet(7))
    assert str(failed.value) == (
        "cuDeviceGet failed: CUDA_ERROR_INVALID_DEVICE (invalid device ordinal)"
    )
    assert failed.value.name == "CUDA_ERROR_INVALID_DEVICE"
