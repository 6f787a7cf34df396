import pytest

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
