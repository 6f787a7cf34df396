"""Whether a file is a valid ONNX model, before any runtime sees it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.graph.errors import GraphError
from engines.graph.signature import load_graph
from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, SparseTensorProto, ValueInfoProto

STANDARD_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training")

_EXPORT = "Export the model again, or check the file with onnx.checker."

_IN_A_FUNCTION = re.compile(
    r"\[ShapeInferenceError\] Inference error\(s\): \(op_type:(?P<outer>\w+)[^)]*\): "
    r"\[ShapeInferenceError\] Inference error\(s\): \(op_type:"
)


def check(path: str | os.PathLike[str]) -> None:
    """Check a file with its external data by ONNX's own checker, shapes inferred strictly.

    Left to the runtime are operators of domains that are not ONNX's, those whose own definition,
    a function, fails the inference, and shapes of what it computes that the file declares wrongly
    or not at all.
    Raises EngineError of kind `invalid-model` or `unsupported-op`. Reads the weights; needs memory
    of about the file's size.
    """
    from onnx.checker import ValidationError, check_model
    from onnx.shape_inference import InferenceError

    try:
        model = load_graph(path)
    except GraphError as error:
        message = str(error).removeprefix(f"{path}: ")
        raise EngineError("invalid-model", message, _EXPORT) from error
    _check_operators(model)
    try:
        check_model(_shaped(model, path), full_check=True)
    except (ValidationError, OSError, ValueError) as error:
        raise EngineError("invalid-model", _one_line(error), _EXPORT) from error
    except InferenceError:
        _check_undeclared(model)


def _shaped(model: ModelProto, path: str | os.PathLike[str]) -> ModelProto | str:
    """Return the path, or, with its weights, a model whose outputs all declare a shape.

    The checker refuses outputs without one, which runtimes load. The shape declared is a scalar's;
    where it is wrong, it counts as any wrong one does.
    """
    from onnx.external_data_helper import load_external_data_for_model

    bare = [
        output.type.tensor_type
        for output in model.graph.output
        if output.type.HasField("tensor_type") and not output.type.tensor_type.HasField("shape")
    ]
    if not bare:
        return os.fspath(path)
    for tensor in bare:
        tensor.shape.SetInParent()
    load_external_data_for_model(model, str(Path(path).parent))
    return model


def _check_undeclared(model: ModelProto) -> None:
    """Infer shapes from the inputs and weights alone. Raises EngineError. Changes the model.

    Runtimes believe what they compute, not what a file declares, and they store sparse weights
    densely before they look at types.
    """
    from onnx.shape_inference import InferenceError, infer_shapes

    for graph in every_graph(model.graph):
        del graph.value_info[:]
        for output in graph.output:
            if output.type.HasField("tensor_type"):
                output.type.tensor_type.ClearField("shape")
        graph.value_info.extend(_dense(tensor) for tensor in graph.sparse_initializer)
        del graph.sparse_initializer[:]
    try:
        infer_shapes(model, check_type=True, strict_mode=True)
    except InferenceError as error:
        if not _is_own_fault(error):
            raise EngineError("invalid-model", _one_line(error), _EXPORT) from error


def _dense(tensor: SparseTensorProto) -> ValueInfoProto:
    from onnx.helper import make_tensor_value_info

    values = tensor.values
    return make_tensor_value_info(values.name, values.data_type, list(tensor.dims))


def _is_own_fault(error: Exception) -> bool:
    """Return whether it lies in ONNX's definition of an operator, not in the model.

    onnx 1.23 cannot infer the body of MeanVarianceNormalization 13, which runtimes run.
    """
    from onnx import defs

    found = _IN_A_FUNCTION.match(str(error))
    if found is None or not defs.has(found["outer"]):
        return False
    schema: Any = defs.get_schema(found["outer"])  # its stub lacks what is asked here
    return bool(schema.has_function or schema.has_context_dependent_function)


def _check_operators(model: ModelProto) -> None:
    from onnx.defs import onnx_opset_version

    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opsets.setdefault("", opsets.get("ai.onnx", 0))
    newest = onnx_opset_version()
    if opsets[""] > newest:
        raise EngineError(
            "unsupported-op",
            f"expected an opset of at most {newest}, got {opsets['']}",
            "Export the model with an older opset, or install a newer onnx.",
        )
    local = {(function.domain, function.name) for function in model.functions}
    for graph in every_graph(model.graph):
        for number, node in enumerate(graph.node, start=1):
            if node.domain in STANDARD_DOMAINS and (node.domain, node.op_type) not in local:
                _check_operator(node, opsets.get(node.domain, 0), number)


def _check_operator(node: NodeProto, opset: int, number: int) -> None:
    """Raise EngineError for an operator that ONNX does not have; `number` counts nodes from 1."""
    from onnx import defs

    domain = "" if node.domain == "ai.onnx" else node.domain
    if opset == 0 or defs.has(node.op_type, domain=domain, max_inclusive_version=opset):
        return
    known = f"{node.domain or 'ai.onnx'} opset {opset}"
    which = f"node {node.name!r}" if node.name else f"node #{number} ({node.op_type})"
    raise EngineError(
        "unsupported-op",
        f"{which}: expected an operator of {known}, got {node.op_type!r}",
        _hint(node.op_type, domain),
    )


def _hint(name: str, domain: str) -> str:
    from onnx import defs

    from suites.errors import STRICT_LIKENESS, did_you_mean

    if defs.has(name, domain=domain):
        since = min(
            schema.since_version
            for schema in defs.get_all_schemas_with_history()
            if (schema.domain, schema.name) == (domain, name)
        )
        return f"It came with opset {since}. Export the model with that opset."
    names = sorted({schema.name for schema in defs.get_all_schemas() if schema.domain == domain})
    hint = did_you_mean(name, names, likeness=STRICT_LIKENESS).strip()
    return hint or "Export the model without it, or give the node the domain of its runtime."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
