"""The devices of this machine that backends run on, and those that engines can be built for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines.contract import Device
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engines.contract import Backend
SMS = (
    "sm75",
    "sm80",
    "sm86",
    "sm87",
    "sm88",
    "sm89",
    "sm90",
    "sm100",
    "sm103",
    "sm110",
    "sm120",
    "sm121",
)
"""The compute capabilities that CUDA 13 makes code for."""
_AHEAD = "Give --target for a device that is not here."
_SPELT = re.compile(r"(?:sm_?)?(\d+)\.?(\d)\Z", re.ASCII | re.IGNORECASE)


class DeviceChoiceError(Exception):
    """What `--device` or `--target` names cannot be used. One line for the user."""


def find_devices(kinds: Iterable[str], selector: str = "") -> dict[str, Device]:
    """Return the device of each kind that a run would use.

    `selector` picks the CUDA device: an index, a UUID or a MIG id; by default it is the first that
    is visible. Where there is none, that kind has a device without a UUID. Raises
    DeviceChoiceError for a selector that means none.
    """
    return {kind: _cuda(selector) if kind == "cuda" else Device(kind=kind) for kind in kinds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """That engines are built and not run; for `target`, or for the devices at hand if None."""

    target: Device | None = None

    def devices(self, kinds: Iterable[str], selector: str) -> dict[str, Device]:
        """Return the device of each kind that engines are built for."""
        if self.target is None:
            return find_devices(kinds, selector)
        target = self.target
        return {kind: target if kind == target.kind else Device(kind=kind) for kind in kinds}

    def missing(self, backend: Backend, devices: Mapping[str, Device]) -> str | None:
        """Return why the backend cannot build for its device here, or None."""
        device = devices[backend.device]
        if self.target is not None and backend.device != self.target.kind:
            return f"it cannot build for {self.target.sm}. Leave out --target."
        if device.kind == "cuda" and not device.sm:
            reason = backend.unavailable() or "there is no device to build for."
            return f"{reason} {_AHEAD}" if buildable(backend) else reason
        return backend.cannot_build(device)


def parse_targets(text: str) -> tuple[Device, ...]:
    """Return the devices that `sm86,sm89` means, each once. Raises DeviceChoiceError."""
    named = [part.strip() for part in text.split(",")]
    return tuple(Device(kind="cuda", sm=sm) for sm in dict.fromkeys(map(_sm, named)))


def buildable(backend: Backend) -> tuple[str, ...]:
    """Return the compute capabilities that the backend can build for here, whatever it runs on."""
    if backend.device != "cuda":
        return ()
    return tuple(sm for sm in SMS if backend.cannot_build(Device(kind="cuda", sm=sm)) is None)


def variables(device: Device) -> dict[str, str]:
    """Return the environment variables by which a child sees this device and no other.

    A device that is not here, and a CPU, need none.
    """
    if device.kind != "cuda" or not device.uuid:
        return {}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": device.uuid}


def _cuda(selector: str) -> Device:
    from engines.cuda.driver import DeviceError, DriverError, find, missing

    if (reason := missing()) is not None:
        if selector:
            raise DeviceChoiceError(f"--device: expected a CUDA device, got {selector!r}: {reason}")
        return Device(kind="cuda")
    try:
        device = find(selector)
    except DeviceError as error:
        raise DeviceChoiceError(f"--{error}") from None
    except DriverError as error:
        raise DeviceChoiceError(f"--device: expected a CUDA device, got: {error}.") from None
    return device if device.driver else replace(device, driver=_driver())


def _driver() -> str:
    """Return the driver's own version as NVML tells it; containers may hide the kernel's file."""
    from harness.machine.gpu import read_gpus

    gpus, _ = read_gpus()
    return next((facts.values["driver"] for facts in gpus if facts.values["driver"]), "")


def _sm(text: str) -> str:
    """Return `sm86` for that, `86`, `8.6` and `SM_86`."""
    spelt = _SPELT.match(text)
    sm = f"sm{int(spelt[1])}{spelt[2]}" if spelt else text
    if sm not in SMS:
        known = ", ".join(SMS)
        raise DeviceChoiceError(
            f"--target: expected some of {known}, got {text!r}.{did_you_mean(sm, SMS)}"
        )
    return sm
