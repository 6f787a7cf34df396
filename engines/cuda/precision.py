"""Which precisions an NVIDIA device has, by its compute capability."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.contract import Device

_LEAST_SM = {"tf32": 80, "bf16": 80, "fp8": 89, "fp8-fp16": 89}
"""As the CUDA C++ programming guide's table of tensor-core types by compute capability has them."""


def lacking(precision: str, device: Device) -> str | None:
    """Return that the device lacks the precision and what to use, or None; also where unknown."""
    if precision == "int8-dynamic":
        return "int8-dynamic is for CPUs: its operators have no kernels on the device; use int8"
    least, found = _LEAST_SM.get(precision, 0), device.sm.removeprefix("sm")
    if not found.isdigit() or int(found) >= least:
        return None
    instead = "fp32" if precision == "tf32" else "fp16"
    return f"{precision} needs sm{least} or newer, and the device is {device.sm}; use {instead}"
