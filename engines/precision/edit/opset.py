"""A model's opsets, its operators' definitions in them, and the model at a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto, NodeProto
    from onnx.defs import OpSchema

_ONNX = ("", "ai.onnx")


def opsets_of(model: ModelProto) -> dict[str, int]:
    """Return the version of every domain; ONNX's own is the empty one."""
    return {
        "" if entry.domain in _ONNX else entry.domain: entry.version for entry in model.opset_import
    }


def is_onnx(node: NodeProto) -> bool:
    """Return whether a node's operator is one of ONNX's own domain."""
    return node.domain in _ONNX


def schema_of(node: NodeProto, opsets: Mapping[str, int]) -> OpSchema | None:
    """Return an operator's definition, or None for one that ONNX does not define."""
    from onnx import defs

    domain = "" if is_onnx(node) else node.domain
    version = opsets.get(domain, 0)
    if version and defs.has(node.op_type, domain=domain, max_inclusive_version=version):
        return defs.get_schema(node.op_type, version, domain)
    return None


def raise_opset(model: ModelProto, least: int, *, recipe: str) -> ModelProto:
    """Return the model at opset `least`, itself where it is not older.

    By ONNX's version converter, which goes into bodies and leaves other domains alone, but drops
    local functions: they are put in their callers' place first. Raises EngineError where it cannot;
    the message begins with `recipe`.
    """
    from onnx import helper
    from onnx.inliner import inline_local_functions
    from onnx.version_converter import ConvertError, convert_version

    given = opsets_of(model).get("", 1)
    if given >= least:
        return model
    try:
        whole = inline_local_functions(model) if model.functions else model
        raised: ModelProto = convert_version(whole, least)
    except (ConvertError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rpartition(" failed: ")[2]
        raise EngineError(
            "unsupported-op",
            f"{recipe}: expected a model of opset {least} or one that ONNX can convert to it, "
            f"got {reason}",
            f"Export the model with opset {least}.",
        ) from error
    needed = helper.find_min_ir_version_for(raised.opset_import, ignore_unknown=True)
    raised.ir_version = max(raised.ir_version, needed)
    return raised
