"""The ranges of a graph's activations over calibration samples, run on ONNX Runtime's CPU.

The three methods are those of `onnxruntime.quantization.calibrate`. That one keeps the activations
of all samples at once, needs all samples of one shape, and its entropy search over as many bins as
levels has one candidate; here one sample's activations live at a time, whatever its shape.

- `minmax`: the greatest magnitude. One run over the samples; a number a tensor.
- `percentile`: the magnitude that 99.99 % of the values stay below.
- `entropy`: the magnitude at which clipping and rounding lose least information, as the
  Kullback-Leibler divergence tells (Migacz 2017, "8-bit inference with TensorRT", GTC).

The last two take a second run, for a histogram of 2048 bins a tensor (16 KiB). Zeros are left out
of it: every scale holds them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engines.contract import EngineError
from engines.precision.quantize.samples import check_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from engines.precision.quantize.probe import Probe
    from engines.precision.recipe import Calibration

BINS = 2048
LEVELS = 128
"""Of a signed 8-bit code without its sign."""
PERCENTILE = 99.99
_STRIDE = 16
_LEAST_COUNT = 1e-4
"""In place of none, where the divergence would be infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A tensor whose range is asked for, and the node that reads it, spelled for messages."""

    tensor: str
    reader: str


def ranges(
    model: ModelProto, calibration: Calibration, wanted: Sequence[Wanted], recipe: str
) -> dict[str, float]:
    """Return the magnitude up to which each float32 tensor is to be held; others are missing.

    0 means that only zeros were seen. Raises EngineError for samples that the model does not take
    and for values that are not finite, and where onnxruntime is not installed.
    """
    from engines.precision.quantize.probe import Probe

    check_samples(model, calibration.samples, recipe)
    if not wanted:
        return {}
    probe = Probe(model, [each.tensor for each in wanted], recipe)
    greatest: dict[str, float] = {}
    for number, values in _runs(probe, calibration):
        for each in wanted:
            _widen(greatest, each, values[each.tensor], f"{recipe}: {each.reader}", number)
    _require_values(greatest, wanted, recipe)
    if calibration.method == "minmax":
        return greatest
    return _clipped(probe, calibration, greatest, _SEARCHES[calibration.method])


def _runs(
    probe: Probe, calibration: Calibration
) -> Iterator[tuple[int, Mapping[str, NDArray[np.generic]]]]:
    for number, sample in enumerate(calibration.samples):
        yield number, probe.run(sample, number)


def _widen(
    greatest: dict[str, float],
    wanted: Wanted,
    values: NDArray[np.generic],
    where: str,
    number: int,
) -> None:
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        return  # a sequence, a sparse tensor or another type
    found = float(np.max(np.abs(values), initial=0.0)) if values.size else -1.0
    if not np.isfinite(found):
        raise EngineError(
            "invalid-model",
            f"{where}: expected finite values of {wanted.tensor!r}, "
            f"got NaN or Inf in calibration sample {number}",
            "Calibrate with inputs that the model is made for.",
        )
    greatest[wanted.tensor] = max(found, greatest.get(wanted.tensor, -1.0))


def _require_values(greatest: Mapping[str, float], wanted: Sequence[Wanted], recipe: str) -> None:
    for each in wanted:
        if greatest.get(each.tensor, 0.0) < 0:
            raise EngineError(
                "invalid-model",
                f"{recipe}: {each.reader}: expected values of {each.tensor!r}, "
                "got none in any calibration sample",
                "Calibrate with inputs that are not empty.",
            )


def _clipped(
    probe: Probe,
    calibration: Calibration,
    greatest: Mapping[str, float],
    search: Callable[[NDArray[np.int64]], int],
) -> dict[str, float]:
    """Return the upper edges of the bins that a search chooses from each tensor's histogram."""
    histograms = {name: np.zeros(BINS, np.int64) for name, top in greatest.items() if top > 0}
    for _, values in _runs(probe, calibration):
        for name, top in greatest.items():
            if top > 0:
                magnitudes = np.abs(values[name][values[name] != 0])
                histograms[name] += np.histogram(magnitudes, bins=BINS, range=(0.0, top))[0]
    return {
        name: top * search(histograms[name]) / BINS if name in histograms else top
        for name, top in greatest.items()
    }


def bins_of_percentile(histogram: NDArray[np.int64]) -> int:
    """Return how many of the first bins hold PERCENTILE of all values."""
    share = np.cumsum(histogram) / histogram.sum()
    return int(np.searchsorted(share, PERCENTILE / 100)) + 1


def bins_of_least_divergence(histogram: NDArray[np.int64]) -> int:
    """Return after how many of the first bins to clip, from LEVELS in steps of 16."""
    candidates = range(LEVELS, len(histogram) + 1, _STRIDE)
    return min(candidates, key=lambda bins: _divergence(histogram, bins))


def _divergence(histogram: NDArray[np.int64], bins: int) -> float:
    """Return what is lost by clipping after so many bins and rounding them to LEVELS, in nats."""
    from scipy.special import rel_entr

    kept = histogram[:bins].astype(np.float64)
    if not kept.any():
        return float("inf")
    clipped = kept.copy()
    clipped[-1] += histogram[bins:].sum()
    starts = np.arange(LEVELS) * bins // LEVELS
    lengths = np.diff(np.append(starts, bins))
    filled = clipped > 0
    per_level = np.add.reduceat(filled, starts, dtype=np.int64)
    mean = np.add.reduceat(kept, starts) / np.maximum(per_level, 1)
    rounded = np.where(filled, np.maximum(np.repeat(mean, lengths), _LEAST_COUNT), 0.0)
    return float(rel_entr(clipped / clipped.sum(), rounded / rounded.sum()).sum())


_SEARCHES: Mapping[str, Callable[[NDArray[np.int64]], int]] = {
    "percentile": bins_of_percentile,
    "entropy": bins_of_least_divergence,
}
