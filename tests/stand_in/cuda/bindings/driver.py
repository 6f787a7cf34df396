"""Stands in for `cuda.bindings.driver` 13: what dyno uses of it. Calls answer (CUresult, …)."""

from enum import IntEnum
from functools import wraps
from types import SimpleNamespace
from uuid import UUID

from simulated.errors import TEXTS, SimulatedError
from simulated.machine import machine

CUDA_VERSION = 13000

_CODES = {name: code for name, (code, _) in TEXTS.items()}
CUresult = IntEnum("CUresult", {"CUDA_SUCCESS": 0, **_CODES})


class CUstreamCaptureMode(IntEnum):
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1
    CU_STREAM_CAPTURE_MODE_RELAXED = 2


class CUctx_flags(IntEnum):
    CU_CTX_SCHED_SPIN = 1
    CU_CTX_SCHED_BLOCKING_SYNC = 4


class CUdevice_attribute(IntEnum):
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76


class CUstream(int):
    pass


class _Graph:
    def __init__(self, work):
        self.work = work
        self.destroyed = False


def _answers(values):
    """Make cuda-bindings' tuple of what a function returns or raises: status, `values` more."""

    def decorate(function):
        @wraps(function)
        def call(*arguments):
            if machine().fails("no-driver"):
                raise RuntimeError(
                    '"cuda" is an NVIDIA driver library and can only be found via system search. '
                    "Ensure the NVIDIA display driver is installed."
                )
            try:
                answer = function(*arguments)
            except SimulatedError as error:
                return (CUresult[error.name], *[None] * values)
            return (CUresult.CUDA_SUCCESS, *[answer][:values])

        return call

    return decorate


@_answers(0)
def cuInit(Flags):
    if machine().fails("init"):
        raise SimulatedError("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")
    if not machine().devices:
        raise SimulatedError("CUDA_ERROR_NO_DEVICE")
    machine().started = True


@_answers(1)
def cuDriverGetVersion():
    return machine().script.cuda_driver


def cuGetErrorString(error):
    texts = dict(TEXTS.values())
    if error not in texts:
        return (CUresult.CUDA_ERROR_INVALID_VALUE, None)
    return (CUresult.CUDA_SUCCESS, texts[error].encode())


def _devices():
    if not machine().started:
        raise SimulatedError("CUDA_ERROR_NOT_INITIALIZED")
    return machine().devices


@_answers(1)
def cuDeviceGetCount():
    return len(_devices())


@_answers(1)
def cuDeviceGet(ordinal):
    if not 0 <= ordinal < len(_devices()):
        raise SimulatedError("CUDA_ERROR_INVALID_DEVICE")
    return ordinal


@_answers(1)
def cuDeviceGetName(length, dev):
    return _devices()[dev].name.encode() + b"\0".ljust(length)


@_answers(1)
def cuDeviceGetUuid(dev):
    return SimpleNamespace(bytes=UUID(_devices()[dev].uuid.partition("-")[2]).bytes)


@_answers(1)
def cuDeviceTotalMem(dev):
    return _devices()[dev].memory.total_bytes


@_answers(1)
def cuDeviceGetAttribute(attrib, dev):
    number = _devices()[dev].sm.removeprefix("sm")
    major = attrib == CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    return int(number[:-1] if major else number[-1])


@_answers(0)
def cuDevicePrimaryCtxSetFlags(dev, flags):
    _devices()[dev].context_flags = flags


@_answers(1)
def cuCtxPopCurrent():
    if machine().left_current is None:
        raise SimulatedError("CUDA_ERROR_INVALID_CONTEXT")
    machine().left_current = None


def _stream(handle):
    return machine().devices[0].stream(handle)


@_answers(0)
def cuStreamBeginCapture(hStream, mode):
    if not isinstance(mode, CUstreamCaptureMode):
        raise TypeError(
            f"Argument 'mode' has incorrect type (expected CUstreamCaptureMode, got {mode!r})"
        )
    _stream(hStream).begin_capture()


@_answers(1)
def cuStreamEndCapture(hStream):
    stream = _stream(hStream)
    if machine().fails("capture"):
        stream.spoil_capture()
    return _Graph(stream.end_capture())


def cuGraphGetNodes(hGraph, numNodes=0):
    return (CUresult.CUDA_SUCCESS, [], len(hGraph.work))


@_answers(1)
def cuGraphInstantiate(hGraph, flags):
    if machine().fails("instantiate"):
        raise SimulatedError("CUDA_ERROR_OUT_OF_MEMORY")
    return _Graph(hGraph.work)


def _destroy(graph):
    if graph.destroyed:
        raise SimulatedError("CUDA_ERROR_INVALID_VALUE")
    graph.destroyed = True


@_answers(0)
def cuGraphDestroy(hGraph):
    _destroy(hGraph)


@_answers(0)
def cuGraphExecDestroy(hGraphExec):
    _destroy(hGraphExec)


@_answers(0)
def cuGraphLaunch(hGraphExec, hStream):
    if hGraphExec.destroyed:
        raise SimulatedError("CUDA_ERROR_INVALID_VALUE")
    _stream(hStream).launch(hGraphExec.work)
