import sys

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.ort.dtypes import from_bytes, laid_out, read

ort = pytest.importorskip("onnxruntime")
bind = pytest.importorskip("engines.ort.session").bind

TYPES = {
    "bfloat16": TensorProto.BFLOAT16,
    "float8_e4m3fn": TensorProto.FLOAT8E4M3FN,
    "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "float8_e5m2": TensorProto.FLOAT8E5M2,
    "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
    "uint4": TensorProto.UINT4,
    "int4": TensorProto.INT4,
    "float4_e2m1fn": TensorProto.FLOAT4E2M1,
    "float8_e8m0fnu": TensorProto.FLOAT8E8M0,
    "uint2": TensorProto.UINT2,
    "int2": TensorProto.INT2,
}


def values(name, shape):
    """Return values that the type can hold, its lowest and highest among them."""
    count = int(np.prod(shape))
    dtype = np.dtype(getattr(ml_dtypes, name))
    if name.startswith("int"):
        half = 2 ** (int(name[-1]) - 1)
        return (np.arange(count) % (2 * half) - half).astype(dtype).reshape(shape)
    if name.startswith("uint"):
        return (np.arange(count) % 2 ** int(name[-1])).astype(dtype).reshape(shape)
    return np.resize([1.0, 2.0, 4.0], count).astype(dtype).reshape(shape)


def run(op, kinds, array, **attributes):
    """Return the runtime's output of one node; `kinds` are its input's type and its output's."""
    given, made = (
        helper.make_tensor_value_info(name, kind, array.shape)
        for name, kind in zip("xy", kinds, strict=True)
    )
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    model = helper.make_model(
        helper.make_graph([node], "g", [given], [made]),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    session = ort.InferenceSession(model.SerializeToString())
    binding = bind(session, {"x": laid_out(array)})
    session.run_with_iobinding(binding)
    return binding.get_outputs()[0]


@pytest.mark.parametrize("name", TYPES)
def test_a_type_that_numpy_lacks_is_laid_out_as_onnx_does(name):
    array = values(name, (3, 3))
    tensor = laid_out(array)
    assert (tensor.onnx_type, tensor.shape) == (TYPES[name], (3, 3))
    assert tensor.data.tobytes() == numpy_helper.from_array(array).raw_data


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "int4", "uint4"])
@pytest.mark.parametrize("shape", [(3, 3), (4,), (0, 2), ()])
def test_the_runtime_reads_and_writes_the_same_values(name, shape):
    array = values(name, shape)
    floats = np.asarray(array.astype(np.float32))
    number = TYPES[name]
    given = read(run("Cast", (number, TensorProto.FLOAT), array, to=TensorProto.FLOAT))
    made = read(run("Cast", (TensorProto.FLOAT, number), floats, to=number))
    assert np.array_equal(given, floats)
    assert (made.dtype, made.shape) == (array.dtype, array.shape)
    assert made.tobytes() == array.tobytes()


def test_an_array_that_numpy_has_is_bound_as_it_is():
    array = np.ones((2, 3), np.float16)
    tensor = laid_out(array)
    assert tensor.onnx_type is None
    assert tensor.data is array


def test_text_is_left_out():
    kinds = TensorProto.FLOAT, TensorProto.STRING
    text = run("Cast", kinds, np.ones(1, np.float32), to=TensorProto.STRING)
    assert read(text) is None


def test_without_ml_dtypes_its_types_are_left_out(monkeypatch):
    raw = np.zeros(2, np.uint16)
    value = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(raw, TensorProto.BFLOAT16)
    assert read(value).dtype == ml_dtypes.bfloat16
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert read(value) is None


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])
def test_bytes_of_a_type_that_numpy_has_are_an_array_of_it(number):
    array = np.arange(6).reshape(2, 3).astype(helper.tensor_dtype_to_np_dtype(number))
    raw = array.reshape(-1).view(np.uint8)
    found = from_bytes(raw, number, (2, 3))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("name", TYPES)
def test_bytes_of_a_type_that_numpy_lacks_are_what_was_laid_out(name):
    array = values(name, (3, 3))
    tensor = laid_out(array)
    found = from_bytes(tensor.data.reshape(-1).view(np.uint8), tensor.onnx_type, array.shape)
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
