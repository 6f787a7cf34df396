"""TensorRT-RTX compiles kernels when a plan is opened: how, and what it keeps for the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engines.trt.kept import keep, kept
from engines.trt.timing_cache import identity

if TYPE_CHECKING:
    from pathlib import Path

    from engines.contract import Site

REFUSED = "the kernels kept from an earlier session were refused, and compiled anew"


class RuntimeCache:
    """The runtime configuration of an engine's contexts, and the compiled kernels kept with it.

    Kernels for a shape are compiled at once (EAGER), never while queries run: a later, faster
    kernel would change the latency in the middle of a launch.
    """

    def __init__(self, trt: Any, engine: Any, plan: str, site: Site) -> None:
        self._path: Path = site.scratch / f"kernels-{plan[:16]}-{identity(trt, site.device)}"
        self.config = engine.create_runtime_config()
        strategy = trt.DynamicShapesKernelSpecializationStrategy.EAGER
        self.config.dynamic_shapes_kernel_specialization_strategy = strategy
        self.config.cuda_graph_strategy = trt.CudaGraphStrategy.DISABLED
        self._cache = self.config.create_runtime_cache()
        self._stored = kept(self._path)
        refused = bool(self._stored) and not self._cache.deserialize(self._stored)
        self.notes = (REFUSED,) if refused else ()
        self.config.set_runtime_cache(self._cache)

    def store(self) -> None:
        """Keep the compiled kernels, unless there are none or they are those that were read."""
        serialized = self._cache.serialize()
        data = b"" if serialized is None else bytes(memoryview(serialized))
        if data and data != self._stored:
            keep(self._path, data)
