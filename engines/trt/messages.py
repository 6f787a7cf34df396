"""What a runtime says while it works, and what its errors mean as failure kinds with a hint."""

from __future__ import annotations

import gc
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLD = ("INTERNAL_ERROR", "ERROR", "WARNING")
_KEPT = ("INTERNAL_ERROR", "ERROR")
_PREFIX = re.compile(r"^(?:I?\w+::\w+: )?(?:\[[^\]]*\] )?Error Code \d+: ")
_CUDA = re.compile(r"\(In \w+ at /\S+ \((cudaError [^()]*)\)\)$")
_PLACE = re.compile(r"\.?\s*\bIn [\w:~]+(?:\(\))? at /[^\s)]+")

_NO_MEMORY = (
    r"[Oo]ut ?[Oo]f ?[Mm]emory|OUT_OF_MEMORY|bad_alloc|Insufficient (?:workspace|memory)|"
    r"MEM_ALLOC_FAILED"
)
_SHAPE = (
    r"(?:does not satisfy|outside|out of|not in) (?:any )?(?:optimization )?profile|"
    r"Dimension mismatch for tensor|Set dimensions? .* does not satisfy|MIN<=OPT<=MAX|"
    r"[Ii]nput dimensions? .*profile|Supplied binding dimension|reshape changes volume"
)
_NO_KERNEL = (
    r"Plugin not found|No (?:Op )?[Ii]mporter|plugin creator .* not found|"
    r"must have same input types|Unsupported (?:ONNX )?(?:data type|operator)"
)
_PATTERNS = (
    (
        _NO_MEMORY,
        "out-of-memory",
        "Lower the batch, or another dimension of the case.",
    ),
    (
        r"within workspace limit",
        "build",
        "Allow a larger `workspace`, or 0 for no limit.",
    ),
    (
        r"Int32 but must have type FP8|int32 bias",
        "unsupported-op",
        "Quantize the model without its biases (QuantizeBias=False).",
    ),
    (
        r"shiftIsAllZeros|[Nn]on-zero zero point",
        "unsupported-op",
        "Quantize activations symmetrically.",
    ),
    (
        r"Scale coefficients must all be positive",
        "unsupported-op",
        "Quantize without scales of 0: leave out what was 0 in every sample.",
    ),
    (
        r"contains HW-specific datatypes|is not supported\. In compileGraph|for Turing",
        "unsupported-op",
        "The device has no kernels of that precision: use fp16 or int8, or a newer device.",
    ),
    (
        _SHAPE,
        "shape-out-of-profile",
        "Rebuild, or say with `dims` what the model really takes.",
    ),
    (
        r"Failed to parse the ONNX model|MODEL_DESERIALIZE_FAILED",
        "invalid-model",
        "Check the file with onnx.checker.",
    ),
    (
        r"cudaError 35|driver version is insufficient|no CUDA-capable device",
        "environment",
        "Install a driver that is as new as the runtime's CUDA.",
    ),
    (
        r"illegal memory access|unspecified launch failure|ECC error",
        "crash",
        "The device is in an unknown state: look at the log and at `nvidia-smi`.",
    ),
    (
        _NO_KERNEL,
        "unsupported-op",
        "Try another backend, or another opset or precision of the model.",
    ),
)


class Messages:
    """The logger of one builder or runtime; `logger` is what the module takes.

    Warnings and errors also go to stderr, as the module's own logger would have it.
    """

    def __init__(self, trt: Any) -> None:
        self._errors: list[str] = []
        self.logger = _logger(trt, self.add)

    def add(self, severity: str, text: str) -> None:
        """Take a message of that severity."""
        if severity in _TOLD:
            sys.stderr.write(f"{severity}: {text}\n")
        if severity in _KEPT:
            self._errors.append(text)

    def forget(self) -> None:
        """Drop the errors so far: they were of something that could be done without."""
        self._errors.clear()

    def failure(self, otherwise: str, *, default: str) -> EngineError:
        """Return what the first error since the last call means, or `otherwise`.

        The first one is the cause: what follows are the failures of those that called it.
        `default` is the kind of an error that no pattern knows.
        """
        text = self._errors[0] if self._errors else otherwise
        self._errors.clear()
        return explain_text(text, default=default)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from running within the module's calls, and so in a logger's.

    There it may free an older builder, which waits for a lock that the logger's caller holds: the
    process hangs (seen with TensorRT-RTX 1.7).
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _logger(trt: Any, add: Any) -> Any:
    """Return a logger of the module, which calls `add` with each severity's name and text."""

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            add(severity.name, msg)

    return Logger()


def explain_text(text: str, *, default: str) -> EngineError:
    """Return the failure that a text of the runtime names."""
    line = core(text)
    for pattern, kind, hint in _PATTERNS:
        if re.search(pattern, text):
            return EngineError(kind, line, hint)
    return EngineError(default, line, "")


def core(text: str) -> str:
    """Return a message on one line, without the runtime's function names and source places."""
    line = _PREFIX.sub("", " ".join(text.split()))
    line = _CUDA.sub(r"(\1)", line)
    return _PLACE.sub("", line)
