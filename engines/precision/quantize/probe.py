"""Running a graph on ONNX Runtime's CPU to see tensors inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.graph.weights import MOST_INSIDE_BYTES, weights_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

    from engines.precision.recipe import Sample


class Probe:
    """A session that also gives the named tensors of the main graph.

    It runs the nodes as they stand, on one thread, so that the same samples give the same ranges.
    """

    def __init__(self, model: ModelProto, tensors: Sequence[str], recipe: str) -> None:
        if find_spec("onnxruntime") is None:
            raise EngineError(
                "environment",
                f"{recipe}: expected onnxruntime to calibrate with, got none",
                "Install dyno with the 'cpu' extra.",
            )
        self._recipe = recipe
        self._inputs = [value.name for value in model.graph.input]
        self._tensors = [name for name in dict.fromkeys(tensors) if name not in self._inputs]
        try:
            self._session = _open(_with_outputs(model, self._tensors))
        except MemoryError:
            raise
        except Exception as error:
            raise self._refusal(error, "a graph that ONNX Runtime can load to calibrate") from error

    def run(self, sample: Sample, number: int) -> Mapping[str, NDArray[np.generic]]:
        """Return the tensors, and the inputs, of one sample."""
        feeds = {name: sample[name] for name in self._inputs if name in sample}
        try:
            values = self._session.run(self._tensors, feeds) if self._tensors else ()
        except MemoryError:
            raise
        except Exception as error:
            wanted = f"calibration sample {number} to run on ONNX Runtime"
            raise self._refusal(error, wanted) from error
        return {**feeds, **dict(zip(self._tensors, values, strict=True))}

    def _refusal(self, error: Exception, wanted: str) -> EngineError:
        said = " ".join(str(error).split())
        return EngineError(
            "invalid-model",
            f"{self._recipe}: expected {wanted}, got {said}",
            "Check the model and its inputs at fp32 on onnxruntime-cpu first.",
        )


def _with_outputs(model: ModelProto, tensors: Sequence[str]) -> ModelProto:
    from onnx import ModelProto, helper

    probe = ModelProto()
    probe.CopyFrom(model)
    known = {output.name for output in model.graph.output}
    added = [helper.make_empty_tensor_value_info(name) for name in tensors if name not in known]
    probe.graph.output.extend(added)
    return probe


def _open(model: ModelProto) -> Any:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    if weights_bytes(model) <= MOST_INSIDE_BYTES:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "probe.onnx"
        onnx.save(model, path, save_as_external_data=True)
        return onnxruntime.InferenceSession(path, options, providers=providers)
