"""TensorRT-RTX: plans that are built ahead of time, and compiled when they are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Backend
from engines.trt.adapter import TensorRtBackend
from engines.trt.flavour import RTX
from engines.trt.options import RTX_OPTIONS, no_target

if TYPE_CHECKING:
    from engines.contract import Device, Option


class TensorRtRtx(TensorRtBackend):
    """TensorRT-RTX 1.x, whose builder needs no device."""

    name = "tensorrt-rtx"
    flavour = RTX
    builds_on_device = False
    distribution = "tensorrt-rtx-cu13"
    options: tuple[Option, ...] = RTX_OPTIONS

    def cannot_build(self, device: Device) -> str | None:
        """Return that the module is missing, or has no such target, or None."""
        return self.flavour.missing() or no_target(self.flavour, device)


BACKEND: type[Backend] = TensorRtRtx
