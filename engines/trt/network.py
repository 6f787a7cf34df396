"""An ONNX file parsed into a strongly typed network, or what the parser has against it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.trt.messages import core, explain_text

if TYPE_CHECKING:
    from pathlib import Path

    from engines.trt.messages import Messages

_INVALID = ("MODEL_DESERIALIZE_FAILED", "INVALID_GRAPH")
_OTHER_OP = "Try another backend, or another opset or precision of the model."


def parse(trt: Any, builder: Any, path: Path, messages: Messages) -> tuple[Any, Any]:
    """Return the network and its parser, which owns the weights and has to live as long.

    Weights outside the file are found beside it. Raises EngineError.
    """
    strongly_typed = trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    network = builder.create_network(1 << int(strongly_typed))
    if not network.get_flag(strongly_typed):
        raise EngineError(
            "build",
            f"{trt.__name__} {trt.__version__} did not make a strongly typed network",
            "Install a newer version: precision is the graph's, and no other is measured.",
        )
    parser = trt.OnnxParser(network, messages.logger)
    if not parser.parse_from_file(str(path)):
        raise _refusal(parser, messages)
    return network, parser


def _refusal(parser: Any, messages: Messages) -> EngineError:
    """Return what the parser's first error means; the others follow from it more often than not."""
    if parser.num_errors == 0:
        return messages.failure("the parser gave no reason", default="invalid-model")
    error = parser.get_error(0)
    text = _condition(error.desc())
    known = explain_text(text, default="")
    more = f" (and {parser.num_errors - 1} more)" if parser.num_errors > 1 else ""
    message = f"{_where(error)}{known.message or 'the parser does not take it'}{more}"
    code = error.code().name
    if known.kind:
        return EngineError(known.kind, message, known.hint)
    if code in _INVALID:
        return EngineError("invalid-model", message, "Check the file with onnx.checker.")
    if code.startswith(("UNSUPPORTED", "INVALID_NODE")):
        return EngineError("unsupported-op", message, _OTHER_OP)
    return EngineError("invalid-model", message, "")


def _where(error: Any) -> str:
    """Return the node with its operator, or the input, whose name the parser tells as a file."""
    if error.node() < 0:
        return f"input {error.file()!r}: " if error.func() == "importInput" else ""
    name = error.node_name()
    called = repr(name) if name else f"number {error.node()}"
    return f"node {called} ({error.node_operator()}): "


def _condition(text: str) -> str:
    """Return the reason of a failed assertion: the text beside its condition, where there is one.

    A bare `false` is what the parser says of operators that it knows and does not take.
    """
    line = core(text)
    if line == "false":
        return "TensorRT does not take this operator"
    stated = re.search(r'&& "(.+)"$', line) or re.search(r"^Assertion failed: .+?: (.+)$", line)
    return stated[1] if stated else line.removeprefix("Assertion failed: ")
