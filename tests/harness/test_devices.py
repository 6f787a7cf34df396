from types import SimpleNamespace

import pytest

from engines import contract
from engines.cuda import driver
from harness import devices as module
from harness.devices import Aim, DeviceChoiceError, find_devices, parse_targets, variables

H200 = contract.Device(
    kind="cuda", name="NVIDIA H200", uuid="GPU-5f3c", sm="sm90", driver="580.95", memory_bytes=10
)
KNOWN = "sm75, sm80, sm86, sm87, sm88, sm89, sm90, sm100, sm103, sm110, sm120, sm121"


@pytest.fixture(autouse=True)
def one_gpu(monkeypatch):
    """A machine with the H200 alone; returns a function that says how it is there."""

    def have(device=H200, missing=None, error=None):
        def find(selector=""):
            if error is not None:
                raise error
            if selector not in ("", "0", device.uuid):
                raise driver.DeviceError(f"device: expected a device, got {selector!r}.")
            return device

        monkeypatch.setattr(driver, "missing", lambda: missing)
        monkeypatch.setattr(driver, "find", find)

    have()
    return have


def test_a_cpu_is_what_it_is_and_asks_no_driver(one_gpu):
    one_gpu(error=AssertionError())
    assert find_devices(["cpu", "fake"], "7") == {
        "cpu": contract.Device(kind="cpu"),
        "fake": contract.Device(kind="fake"),
    }


@pytest.mark.parametrize("selector", ["", "0", "GPU-5f3c"])
def test_a_cuda_device_is_the_one_that_the_driver_finds(selector):
    assert find_devices(["cuda"], selector) == {"cuda": H200}


def test_a_device_that_does_not_exist_is_told_as_the_drivers_layer_tells_it():
    with pytest.raises(DeviceChoiceError) as caught:
        find_devices(["cuda"], "7")
    assert str(caught.value) == "--device: expected a device, got '7'."


def test_a_driver_that_fails_is_told(one_gpu):
    one_gpu(error=driver.DriverError("cuDeviceGet", "CUDA_ERROR_UNKNOWN", "unknown error"))
    with pytest.raises(DeviceChoiceError) as caught:
        find_devices(["cuda"])
    assert str(caught.value) == (
        "--device: expected a CUDA device, got: cuDeviceGet failed: CUDA_ERROR_UNKNOWN "
        "(unknown error)."
    )


def test_without_a_driver_there_is_a_device_without_a_uuid_unless_one_was_asked_for(one_gpu):
    one_gpu(missing="libcuda.so.1 was not found. Install the NVIDIA driver.")
    assert find_devices(["cuda"]) == {"cuda": contract.Device(kind="cuda")}
    with pytest.raises(DeviceChoiceError) as caught:
        find_devices(["cuda"], "0")
    assert str(caught.value) == (
        "--device: expected a CUDA device, got '0': "
        "libcuda.so.1 was not found. Install the NVIDIA driver."
    )


def test_nvml_tells_the_drivers_version_where_the_kernels_file_is_hidden(one_gpu, monkeypatch):
    told = [SimpleNamespace(values={"driver": None}), SimpleNamespace(values={"driver": "580.95"})]
    monkeypatch.setattr("harness.machine.gpu.read_gpus", lambda: (told, None))
    one_gpu(module.replace(H200, driver=""))
    assert find_devices(["cuda"])["cuda"].driver == "580.95"
    monkeypatch.setattr("harness.machine.gpu.read_gpus", lambda: ([], "not there"))
    assert find_devices(["cuda"])["cuda"].driver == ""


def test_a_child_sees_the_cuda_device_of_its_case_and_no_other():
    assert variables(H200) == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "GPU-5f3c",
    }
    for device in (contract.Device(kind="cpu"), contract.Device(kind="cuda", sm="sm86")):
        assert variables(device) == {}


@pytest.mark.parametrize(
    ("text", "sms"),
    [
        ("sm86", ["sm86"]),
        ("sm86,sm120", ["sm86", "sm120"]),
        (" 8.9 , SM_120,12.0,90", ["sm89", "sm120", "sm90"]),
    ],
)
def test_targets_are_compute_capabilities_each_once(text, sms):
    assert parse_targets(text) == tuple(contract.Device(kind="cuda", sm=sm) for sm in sms)


@pytest.mark.parametrize(
    ("text", "got", "hint"),
    [
        ("sm86,sm122", "'sm122'", " Did you mean 'sm121'?"),
        ("hopper", "'hopper'", ""),
        ("", "''", ""),
        ("sm86,", "''", ""),
    ],
)
def test_an_unknown_target_lists_the_known_ones(text, got, hint):
    with pytest.raises(DeviceChoiceError) as caught:
        parse_targets(text)
    assert str(caught.value) == f"--target: expected some of {KNOWN}, got {got}.{hint}"


def backend(device="cuda", unavailable=None, targets=()):
    def cannot_build(target):
        return None if target.sm in targets else f"not for {target.sm or target.kind}"

    return SimpleNamespace(
        device=device, unavailable=lambda: unavailable, cannot_build=cannot_build
    )


def test_an_aim_asks_each_backend_whether_it_can_build_for_the_target():
    aim = Aim(target=contract.Device(kind="cuda", sm="sm86"))
    devices = aim.devices(["cuda", "cpu"], "")
    assert devices == {"cuda": aim.target, "cpu": contract.Device(kind="cpu")}
    assert aim.missing(backend(), devices) == "not for sm86"
    assert aim.missing(backend("cpu"), devices) == "it cannot build for sm86. Leave out --target."


def test_an_aim_without_a_target_is_at_the_devices_at_hand():
    devices = Aim().devices(["cuda", "cpu"], "0")
    assert devices == {"cuda": H200, "cpu": contract.Device(kind="cpu")}
    assert Aim().missing(backend(), devices) == "not for sm90"
    assert Aim().missing(backend("cpu"), devices) == "not for cpu"


@pytest.mark.parametrize(
    ("unavailable", "targets", "told"),
    [
        ("no driver.", (), "no driver."),
        ("no driver.", ("sm86",), "no driver. Give --target for a device that is not here."),
        (None, (), "there is no device to build for."),
        (
            None,
            ("sm86",),
            "there is no device to build for. Give --target for a device that is not here.",
        ),
    ],
)
def test_an_aim_without_any_device_says_so_and_what_could_be_done(
    one_gpu, unavailable, targets, told
):
    one_gpu(missing="no driver.")
    devices = Aim().devices(["cuda"], "")
    assert Aim().missing(backend(unavailable=unavailable, targets=targets), devices) == told
