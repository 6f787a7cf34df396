"""What the stand-in knows of an ONNX model: its tensors, what is refused, how to compute it."""

from functools import cached_property

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from simulated.runnable import graphs, held, widened

TYPES = {
    TensorProto.FLOAT: ("FLOAT", "float32"),
    TensorProto.DOUBLE: ("FLOAT", "float32"),
    TensorProto.FLOAT16: ("HALF", "float16"),
    TensorProto.INT8: ("INT8", "int8"),
    TensorProto.INT32: ("INT32", "int32"),
    TensorProto.INT64: ("INT64", "int64"),
    TensorProto.UINT8: ("UINT8", "uint8"),
    TensorProto.BOOL: ("BOOL", "bool"),
}
"""DataType and numpy type of an input or output; doubles become floats without a word."""

NO_PLUGIN = "Plugin not found, are the plugin name, version, and namespace correct?"
SHAPE_OPERANDS = {"Expand": (1,), "Reshape": (1,), "ConstantOfShape": (0,), "Tile": (1,)}
REFUSED = ("MatMulInteger", "ConvInteger", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul")
QUANTIZING = ("QuantizeLinear", "DequantizeLinear")
FP8 = (TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2)
DATA_DEPENDENT = ("NonZero", "Unique", "NonMaxSuppression", "Compress")


class Tensor:
    """An input or output: dynamic sizes are -1, names those of the file."""

    def __init__(self, value, *, is_shape):
        kind = value.type.tensor_type
        self.name = value.name
        self.type, self.numpy = TYPES[kind.elem_type]
        self.onnx_numpy = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
        dims = kind.shape.dim
        self.shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in dims)
        self.names = tuple(dim.dim_param or None for dim in dims)
        self.is_shape = is_shape


class Model:
    """A parsed model. Raises what onnx raises for bytes that are none."""

    def __init__(self, proto):
        self.proto = proto
        graph = proto.graph
        weights = {tensor.name for tensor in graph.initializer}
        shapes = {
            node.input[place]
            for node in graph.node
            for place in SHAPE_OPERANDS.get(node.op_type, ())
        }
        values = [value for value in graph.input if value.name not in weights]
        self.inputs = [Tensor(value, is_shape=value.name in shapes) for value in values]
        self.outputs = [Tensor(value, is_shape=False) for value in graph.output]
        self.has_fp8 = any(
            tensor.data_type in FP8 for each in graphs(graph) for tensor in held(each)
        )
        self.is_data_dependent = any(node.op_type in DATA_DEPENDENT for node in graph.node)

    @cached_property
    def _session(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(
            widened(self.proto).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, arrays):
        """Return the outputs by name, in the types that the engine has for them."""
        given = {
            tensor.name: arrays[tensor.name].astype(tensor.onnx_numpy) for tensor in self.inputs
        }
        values = self._session.run([tensor.name for tensor in self.outputs], given)
        return {
            tensor.name: value.astype(tensor.numpy)
            for tensor, value in zip(self.outputs, values, strict=True)
        }


def refusal(proto):
    """Return code, description, index and node of what the parser refuses first, or None."""
    for value in proto.graph.input:
        if value.type.tensor_type.elem_type not in TYPES:
            told = (
                "Assertion failed: convertDtype(onnxDtype.elem_type(), &trtDtype) && "
                '"Failed to convert ONNX date type to TensorRT data type."'
            )
            return "UNSUPPORTED_NODE", told, -1, None
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for index, node in enumerate(proto.graph.node):
        if node.domain not in ("", "ai.onnx"):
            told = f'creator && "{NO_PLUGIN}"'
            return "INVALID_NODE", told, index, node
        if node.op_type in REFUSED:
            return "UNSUPPORTED_NODE", "false", index, node
        if node.op_type in QUANTIZING and (told := refused_quantization(node, constants)):
            return "INVALID_NODE", told, index, node
    return None


def refused_quantization(node, constants):
    """Return what the parser has against constants of a Q/DQ node, in the real one's words."""
    value, scale, zero = (constants.get(name) for name in (*node.input, "", "")[:3])
    if value is not None and value.dtype == np.int32:
        return (
            f"Invalid Node - {node.name}\nITensor::getDimensions: Error Code 4: API Usage Error "
            f"({node.name}: input has type Int32 but must have type FP8, FP4, Int4, Int8, or "
            "UInt8. In checkType at /_src/optimizer/common/nodeBase.cpp:456)"
        )
    if zero is not None and np.any(zero.astype(np.float32)):
        return (
            "Assertion failed: shiftIsAllZeros(zeroPoint): Non-zero zero point is not supported. "
            "Please set kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA to enable asymmetric "
            "quantization if it is on DLA."
        )
    if scale is not None and not np.all(scale > 0):
        return (
            "Assertion failed: (scaleAllPositive || allowNegativeScale): Scale coefficients must "
            "all be positive"
        )
    return None
