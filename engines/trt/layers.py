"""Time per layer, from queries of their own on a context of their own."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import Any

from engines.contract import LayerTime

QUERIES = 10
_NS_PER_MS = 1e6


class LayerTimes:
    """What a profiler was told; `profiler` is what the module's context takes."""

    def __init__(self, trt: Any) -> None:
        self._ms: defaultdict[str, list[float]] = defaultdict(list)
        self.profiler = _profiler(trt, self._add)

    def means(self) -> tuple[LayerTime, ...]:
        """Return the mean time of each layer, in the order of the network."""
        return tuple(
            LayerTime(name=name, kind="layer", mean_ns=round(fmean(times) * _NS_PER_MS, 3))
            for name, times in self._ms.items()
        )

    def _add(self, name: str, ms: float) -> None:
        self._ms[name].append(ms)


def _profiler(trt: Any, add: Any) -> Any:
    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            add(layer_name, ms)

    return Profiler()
