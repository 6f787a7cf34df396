"""What an exception of ONNX Runtime means, as a failure kind with a hint."""

from __future__ import annotations

import re

from engines.contract import CaptureError, EngineError

_NO_KERNEL = (
    r"is not a registered function/op|No Op registered|Could not find an implementation|"
    r"Failed to find kernel|operations .* are not supported"
)
_NO_ROOM = (
    r"bad_alloc|[Ff]ailed to allocate memory|out of memory|STATUS_ALLOC_FAILED|"
    r"Available memory of \d+ is smaller than requested"
)
_CAPTURE = (
    r"graph capture feature|CUDA Graph feature|CUDAGraph::CaptureEnd|"
    r"Graph capture did not complete|CUDA failure 90\d"
)
"""900 to 907 are the errors of stream capture."""
TOLD = re.compile(r"CU\w+ failure \d+: [^;\n]*[^;\s]")
"""What ONNX Runtime says of an error of NVIDIA's libraries, before it says where."""
_PATTERNS = (
    (
        _NO_ROOM,
        "out-of-memory",
        "Lower the batch, or another dimension of the case.",
    ),
    (
        r"install TensorRT libraries",
        "environment",
        "Install dyno with the 'tensorrt10' extra.",
    ),
    (
        r"CUDA failure (?:35|100|101|209|218|222|803|804)\b",
        "environment",
        "Update the driver, or install an onnxruntime-gpu that is made for it and for this device.",
    ),
    (
        r"CUDA failure (?:214|7\d\d)\b",
        "crash",
        "A kernel broke off, and nothing more runs in that process. Try another backend or option.",
    ),
    (
        r"Unsupported model IR version|Opset \d+ is under development",
        "unsupported-op",
        "Export the model with an older opset and IR version, or install a newer runtime.",
    ),
    (
        _NO_KERNEL,
        "unsupported-op",
        "Try another backend, or another opset or precision of the model.",
    ),
    (
        r"Got invalid dimensions for input|Invalid rank for input|Non-zero status code.*[Ss]hape",
        "shape-out-of-profile",
        "Give the dimension another value, or say with `dims` what the model really takes.",
    ),
    (
        r"INVALID_PROTOBUF|INVALID_GRAPH|Load model .* failed|Unexpected input data type",
        "invalid-model",
        "Check the file with onnx.checker, and its declared types.",
    ),
)


def explain(error: Exception, *, default: str) -> EngineError:
    """Return the failure that the exception's text names; `default` is the kind of any other."""
    text = _core(str(error)) or type(error).__name__
    if re.search(_CAPTURE, str(error)):
        return CaptureError(text, "Leave cuda_graph out for this model.")
    for pattern, kind, hint in _PATTERNS:
        if re.search(pattern, str(error)):
            return EngineError(kind, text, hint)
    return EngineError(default, text, "")


def _core(text: str) -> str:
    """Return the message on one line, without the runtime's error-code prefix and source paths.

    Nor the place of a CUDA error, which it appends: a report need not tell the host's name.
    """
    line = " ".join(text.split())
    line = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", line)
    line = re.sub(r" ?; ?GPU=-?\d+ ?; ?hostname=.*$", "", line)
    line = re.sub(r"^Load model from .+? failed: ?(?:Fatal error: )?", "", line)
    return re.sub(r"(?:/[\w.+-]+)+/([\w.+-]+\.(?:cc|h)):\d+ \S.*?\) ", "", line)
