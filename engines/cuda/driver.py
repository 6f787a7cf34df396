"""What the NVIDIA driver says of itself and its devices, without a context. On cuda-bindings."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engines.contract import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNEL_MODULE = Path("/proc/driver/nvidia/version")
_NO_BINDINGS = "cuda-bindings is not installed. Install dyno with the 'gpu' or 'cuda' extra."


class DeviceError(Exception):
    """There is no such device, or none at all. The text is a whole sentence."""


class DriverError(Exception):
    """A call of the driver failed; `name` is the driver's, such as CUDA_ERROR_INVALID_VALUE."""

    def __init__(self, routine: str, name: str, text: str) -> None:
        super().__init__(f"{routine} failed: {name} ({text})")
        self.name = name
        self.text = text


def missing() -> str | None:
    """Return why no device can be used here and what to do, or None. Makes no context.

    Where CUDA_DEVICE_ORDER is not set, devices are numbered along the PCI bus, as in `nvidia-smi`.
    """
    if not _installed("cuda.bindings.driver"):
        return _NO_BINDINGS
    from cuda.bindings import driver

    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # cuInit reads it
    try:
        offered = checked("cuDriverGetVersion", driver.cuDriverGetVersion())
        if offered // 1000 < driver.CUDA_VERSION // 1000:
            return _too_old(offered, driver.CUDA_VERSION)
        checked("cuInit", driver.cuInit(0))
        return None if _count(driver) else _none_visible()
    except DriverError as error:
        if error.name == "CUDA_ERROR_NO_DEVICE":
            return _none_visible()
        return f"the NVIDIA driver does not start: {error}. Run nvidia-smi, and reboot if it fails."
    except RuntimeError:  # of every call of cuda-bindings where it finds no libcuda
        return "libcuda.so.1 was not found. Install the NVIDIA driver."


def devices() -> tuple[Device, ...]:
    """Return the devices that CUDA_VISIBLE_DEVICES leaves; the place of one is its index.

    Raises DeviceError where `missing` has a sentence, and DriverError.
    """
    reason = missing()
    if reason is not None:
        raise DeviceError(reason)
    from cuda.bindings import driver

    version = kernel_module_version()
    return tuple(_device(driver, index, version) for index in range(_count(driver)))


def find(selector: str = "") -> Device:
    """Return the device of an index, of a UUID or its beginning, or of a MIG id; "" is the first.

    Raises DeviceError, with those that exist.
    """
    visible = devices()
    if not selector:
        return visible[0]
    if selector.isdecimal():
        found: Sequence[Device] = visible[int(selector) : int(selector) + 1]
    else:
        found = [each for each in visible if each.uuid.lower().startswith(selector.lower())]
    if not found and selector.upper().startswith("MIG-"):
        from engines.cuda.mig import look_up

        found = look_up(selector)
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{k} = {each.name} ({each.uuid})" for k, each in enumerate(visible))
    if found:
        problem = f"one device, got {selector!r}, the beginning of {len(found)} UUIDs"
    else:
        problem = f"the index, UUID or MIG id of a device, got {selector!r}"
    raise DeviceError(f"device: expected {problem}. There is {known}.")


def driver_version() -> str:
    """Return the newest CUDA version that the driver can serve, such as `13.0`.

    Raises DriverError, and DeviceError where there is no driver.
    """
    if not _installed("cuda.bindings.driver"):
        raise DeviceError(_NO_BINDINGS)
    from cuda.bindings import driver

    try:
        return _spell(checked("cuDriverGetVersion", driver.cuDriverGetVersion()))
    except RuntimeError as error:
        message = "libcuda.so.1 was not found. Install the NVIDIA driver."
        raise DeviceError(message) from error


def kernel_module_version() -> str:
    """Return the driver's own version, such as `580.65.06`, from its kernel module; "" unknown."""
    try:
        text = KERNEL_MODULE.read_text(encoding="utf-8")
    except OSError:
        return ""
    match = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text, re.MULTILINE)
    return match[1] if match else ""


def checked(routine: str, answer: tuple[Any, ...]) -> Any:
    """Return what a call of cuda-bindings answered beside its status: one value, or a tuple.

    Raises DriverError where the status is not success.
    """
    status, *values = answer
    if status != 0:
        from cuda.bindings import driver

        _, text = driver.cuGetErrorString(status)
        raise DriverError(routine, status.name, text.decode() if text else "no description")
    return values[0] if len(values) == 1 else tuple(values)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _count(driver: Any) -> int:
    return int(checked("cuDeviceGetCount", driver.cuDeviceGetCount()))


def _device(driver: Any, index: int, version: str) -> Device:
    handle = checked("cuDeviceGet", driver.cuDeviceGet(index))
    attribute = driver.CUdevice_attribute
    major, minor = (
        checked("cuDeviceGetAttribute", driver.cuDeviceGetAttribute(which, handle))
        for which in (
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    raw_name = checked("cuDeviceGetName", driver.cuDeviceGetName(256, handle))
    name = raw_name.partition(b"\0")[0].decode()  # cuda-bindings pads it with spaces
    # CUDA 12 has two of them, and only the second knows MIG devices from the card they are on
    get_uuid = getattr(driver, "cuDeviceGetUuid_v2", driver.cuDeviceGetUuid)
    uuid = UUID(bytes=checked("cuDeviceGetUuid", get_uuid(handle)).bytes)
    return Device(
        kind="cuda",
        name=name,
        uuid=f"{'MIG' if ' MIG ' in name else 'GPU'}-{uuid}",
        sm=f"sm{major}{minor}",
        driver=version,
        memory_bytes=checked("cuDeviceTotalMem", driver.cuDeviceTotalMem(handle)),
    )


def _none_visible() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return "the NVIDIA driver sees no device. Run nvidia-smi to see why."
    return f"CUDA_VISIBLE_DEVICES={visible!r} leaves no device. Unset it, or name one that exists."


def _too_old(offered: int, needed: int) -> str:
    major = offered // 1000
    return (
        f"the NVIDIA driver is too old: cuda-bindings is made for CUDA {needed // 1000}, the driver"
        f" offers {_spell(offered)}. Update the driver, or install cuda-bindings {major}."
    )


def _spell(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
