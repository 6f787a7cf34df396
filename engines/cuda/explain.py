"""What an exception of pycuda or of the driver means, as a failure kind with a hint."""

from __future__ import annotations

import re

from engines.contract import EngineError

_ENDED = (
    r"illegal memory access|ILLEGAL_ADDRESS|unspecified launch failure|LAUNCH_FAILED|"
    r"misaligned address|MISALIGNED_ADDRESS|illegal instruction|ILLEGAL_INSTRUCTION|"
    r"invalid program counter|INVALID_PC|invalid address space|INVALID_ADDRESS_SPACE|"
    r"hardware stack error|HARDWARE_STACK_ERROR|launch timed out|LAUNCH_TIMEOUT|"
    r"device-side assert|CUDA_ERROR_ASSERT|unspecified error in device|"
    r"context is destroyed|CONTEXT_IS_DESTROYED|fell off the bus|device is lost|DEVICE_UNAVAILABLE"
)
_NO_DEVICE = (
    r"no CUDA-capable device|NO_DEVICE|invalid device ordinal|driver version is insufficient|"
    r"INSUFFICIENT_DRIVER|SYSTEM_DRIVER_MISMATCH|unsupported display driver"
)
_PATTERNS = (
    (
        r"out of memory|OUT_OF_MEMORY",
        "out-of-memory",
        "Lower the batch or another dimension, or free the device of other processes.",
    ),
    (
        r"uncorrectable|ECC_UNCORRECTABLE|CONTAINED",
        "crash",
        "The device's memory is failing: see `nvidia-smi -q -d ECC`, and reset it.",
    ),
    (
        _ENDED,
        "crash",
        "A kernel broke off, and nothing more runs in that process. Try another backend or option.",
    ),
    (
        _NO_DEVICE,
        "environment",
        "Run nvidia-smi and `dyno doctor`.",
    ),
)


def explain(error: Exception, *, default: str = "bad-output") -> EngineError:
    """Return the failure that the exception stands for; `default` is the kind of any other.

    A crash ends the process's context: the process must not go on with the device.
    """
    if isinstance(error, EngineError):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    for pattern, kind, hint in _PATTERNS:
        if re.search(pattern, text):
            return EngineError(kind, text, hint)
    return EngineError(default, text, "")
