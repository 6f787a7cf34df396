import pytest

from engines.contract import CaptureError
from engines.ort.errors import explain

OLDER = "Export the model with an older opset and IR version, or install a newer runtime."
OTHER = "Try another backend, or another opset or precision of the model."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Unsupported model IR version: 14, max supported IR version: 13", OLDER),
        ("Opset 27 is under development and support for this is limited.", OLDER),
        ("Failed to find kernel for Cast(25) (node:'' ep:'CPUExecutionProvider').", OTHER),
        ("Batchwise recurrent operations (layout == 1) are not supported.", OTHER),
        ("Could not find an implementation for TopK(24) node with name ''", OTHER),
    ],
)
def test_what_a_runtime_lacks_is_an_unsupported_operator(text, hint):
    error = explain(RuntimeError(text), default="build")
    assert (error.kind, error.message, error.hint) == ("unsupported-op", text, hint)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);",
        "Failed to allocate memory for requested buffer of size 4294967296",
        "Available memory of 1024 is smaller than requested bytes of 4294967296",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; expr=cublasCreate(&handle);",
    ],
)
def test_no_room_on_the_device_is_out_of_memory(text):
    error = explain(RuntimeError(text), default="build")
    assert (error.kind, error.message) == ("out-of-memory", text)


@pytest.mark.parametrize("code", [35, 100, 209, 222, 803])
def test_a_driver_or_a_wheel_that_does_not_fit_the_device_is_the_environment(code):
    text = f"CUDA failure {code}: something ; GPU=0 ; expr=cudaSetDevice(info_.device_id);"
    error = explain(RuntimeError(text), default="build")
    assert error.kind == "environment"
    assert error.hint == (
        "Update the driver, or install an onnxruntime-gpu that is made for it and for this device."
    )


@pytest.mark.parametrize("code", [214, 700, 719])
def test_a_kernel_that_breaks_off_is_a_crash(code):
    text = f"CUDA failure {code}: something ; GPU=0 ; expr=cudaStreamSynchronize(stream);"
    assert explain(RuntimeError(text), default="bad-output").kind == "crash"


@pytest.mark.parametrize(
    "text",
    [
        "This session cannot use the graph capture feature as requested by the user",
        "CUDA failure 901: operation failed due to a previous error during capture ; GPU=0 ;",
        "CUDAGraph::CaptureEnd: graph_ is NULL",
        "Graph capture did not complete after 3 internal runs for CUDAExecutionProvider",
    ],
)
def test_a_graph_that_is_refused_is_a_refused_capture(text):
    error = explain(RuntimeError(text), default="build")
    assert isinstance(error, CaptureError)
    assert error.message == text
    assert error.hint == "Leave cuda_graph out for this model."


def test_where_a_cuda_error_was_stays_on_its_machine():
    text = (
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : CUDA failure 719: unspecified launch failure "
        "; GPU=0 ; hostname=lab-17 ; file=/src/cuda_stream.cc ; line=92 ; expr=cudaStreamSync"
    )
    found = explain(RuntimeError(text), default="build")
    assert (found.kind, found.message) == (
        "crash",
        "CUDA failure 719: unspecified launch failure",
    )
