"""TensorRT: plans that are tuned on the device they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Backend
from engines.cuda import driver
from engines.trt.adapter import TensorRtBackend
from engines.trt.flavour import TENSORRT
from engines.trt.options import TENSORRT_OPTIONS

if TYPE_CHECKING:
    from engines.contract import Device, Option


class TensorRt(TensorRtBackend):
    """TensorRT 10.13 and newer, strongly typed networks only."""

    name = "tensorrt"
    flavour = TENSORRT
    builds_on_device = True
    distribution = "tensorrt"
    options: tuple[Option, ...] = TENSORRT_OPTIONS

    def cannot_build(self, device: Device) -> str | None:
        """Return that it builds on the device itself alone, or None."""
        if not device.uuid:
            return (
                "TensorRT measures kernels while it builds, on the device itself. "
                "Build there, or ahead of time with tensorrt-rtx."
            )
        return self.flavour.missing() or driver.missing()


BACKEND: type[Backend] = TensorRt
