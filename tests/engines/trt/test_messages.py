import pytest

from engines.trt.messages import Messages, explain_text


class Module:
    """As much of the module as a logger takes."""

    class ILogger:
        def __init__(self):
            pass


class Severity:
    def __init__(self, name):
        self.name = name


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            (
                "IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (Dimension "
                "mismatch for tensor x and profile 0. At dimension axis 1, profile has min=5, "
                "opt=5, max=5 but tensor has 4. In validate at "
                "/_src/optimizer/api/network.cpp:4054)"
            ),
            "shape-out-of-profile",
            (
                "API Usage Error (Dimension mismatch for tensor x and profile 0. At dimension "
                "axis 1, profile has min=5, opt=5, max=5 but tensor has 4)"
            ),
        ),
        (
            (
                "Error Code 4: API Usage Error (IShuffleLayer r: reshape changes volume. Reshaping "
                "[2,4] to [3,5]. In operator() at "
                "/_src/optimizer/common/shape/shapeContext.cpp:4633)"
            ),
            "shape-out-of-profile",
            ("API Usage Error (IShuffleLayer r: reshape changes volume. Reshaping [2,4] to [3,5])"),
        ),
        (
            (
                "[virtualMemoryBuffer.cpp::resizePhysical::127] Error Code 2: OutOfMemory "
                "(Requested size was 2097152 bytes.)"
            ),
            "out-of-memory",
            "OutOfMemory (Requested size was 2097152 bytes.)",
        ),
        (
            (
                "Error Code 1: Myelin ([pass.cpp:1500: run_passes] Cannot compile for target(s) "
                "sm86, because the model contains HW-specific datatypes: fp8_e4m3"
            ),
            "unsupported-op",
            (
                "Myelin ([pass.cpp:1500: run_passes] Cannot compile for target(s) sm86, "
                "because the model contains HW-specific datatypes: fp8_e4m3"
            ),
        ),
        (
            (
                "IBuilder::buildSerializedNetwork: Error Code 1: Cuda Runtime (In "
                "generateForCurrent at /_src/runtime/core/cudaDeviceProfile.cpp:221 (cudaError 35: "
                "CUDA driver version is insufficient for CUDA runtime version))"
            ),
            "environment",
            (
                "Cuda Runtime (cudaError 35: CUDA driver version is insufficient for CUDA runtime "
                "version)"
            ),
        ),
        ("something else", "build", "something else"),
    ],
)
def test_a_text_becomes_a_kind_and_one_line(text, kind, message):
    failure = explain_text(text, default="build")
    assert (failure.kind, failure.message) == (kind, message)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "fc_b_DequantizeLinear: input has type Int32 but must have type FP8, FP4, Int4",
            "Quantize the model without its biases (QuantizeBias=False).",
        ),
        (
            "Assertion failed: shiftIsAllZeros(zeroPoint): Non-zero zero point is not supported",
            "Quantize activations symmetrically.",
        ),
        (
            "ElementWiseOperation SUB must have same input types. But they are of types Float and",
            "Try another backend, or another opset or precision of the model.",
        ),
    ],
)
def test_known_refusals_say_what_to_do(text, hint):
    failure = explain_text(text, default="build")
    assert (failure.kind, failure.hint) == ("unsupported-op", hint)


def test_the_first_error_is_the_cause_and_is_told_once():
    messages = Messages(Module)
    messages.logger.log(Severity("WARNING"), "careful")
    messages.logger.log(Severity("ERROR"), "cause")
    messages.logger.log(Severity("ERROR"), "consequence")
    assert messages.failure("nothing said", default="build").message == "cause"
    assert messages.failure("nothing said", default="build").message == "nothing said"


def test_an_error_that_was_done_without_is_not_the_cause():
    messages = Messages(Module)
    messages.logger.log(Severity("ERROR"), "no such cache")
    messages.forget()
    messages.logger.log(Severity("ERROR"), "cause")
    assert messages.failure("nothing said", default="build").message == "cause"


def test_warnings_and_errors_are_written_and_chatter_is_not(capfd):
    messages = Messages(Module)
    for name in ("VERBOSE", "INFO", "WARNING", "ERROR", "INTERNAL_ERROR"):
        messages.logger.log(Severity(name), "text")
    assert capfd.readouterr().err == "WARNING: text\nERROR: text\nINTERNAL_ERROR: text\n"
