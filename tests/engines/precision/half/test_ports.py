import pytest
from onnx import TensorProto, defs, helper

from engines.precision.half.half import BF16, FP16
from engines.precision.half.ports import Ports, find_ports, takes_any_type

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
TYPES = {"i": INT64, "b": BOOL, "q": TensorProto.INT8}


def type_of(name):
    """Every tensor is fp32 but those above, and `u`, whose type is not known."""
    return TensorProto.UNDEFINED if name == "u" else TYPES.get(name, FLOAT)


def ports_of(op, inputs, outputs, *, half=FP16, opset=25):
    node = helper.make_node(op, inputs, outputs)
    return find_ports(node, defs.get_schema(op, opset), type_of, half)


def both(inputs, outputs):
    return Ports(inputs=frozenset(inputs), outputs=frozenset(outputs))


@pytest.mark.parametrize(
    ("op", "inputs", "outputs", "expected"),
    [
        ("MatMul", ["x", "w"], ["y"], both((0, 1), (0,))),
        ("Gather", ["x", "i"], ["y"], both((0,), (0,))),
        ("Where", ["b", "x", "w"], ["y"], both((1, 2), (0,))),
        ("Concat", ["x", "w", "v"], ["y"], both((0, 1, 2), (0,))),
        ("LSTM", ["x", "w", "r", "", "", "h"], ["y", "", "c"], both((0, 1, 2, 5), (0, 2))),
        ("Resize", ["x", "", "s"], ["y"], both((0,), (0,))),
        ("Cast", ["i"], ["y"], both((), (0,))),
        ("If", ["b"], ["y", "z"], both((), (0, 1))),
        ("QuantizeLinear", ["x", "s"], ["q"], both((0, 1), ())),
        ("LinearAttention", ["x", "k", "v"], ["y", "state"], both((0, 1, 2), (0, 1))),
    ],
)
def test_what_shares_a_type_changes_together(op, inputs, outputs, expected):
    if not defs.has(op):
        pytest.skip(f"this onnx has no {op}")
    opset = defs.onnx_opset_version()
    assert ports_of(op, inputs, outputs, opset=opset) == expected


def test_floats_that_the_definition_fixes_stay():
    assert ports_of("NonMaxSuppression", ["x", "w"], ["i"]) == both((), ())


def test_an_output_whose_type_nothing_decides_stays():
    found = ports_of("MelWeightMatrix", ["i", "i", "i", "x", "w"], ["y"])
    assert found == both((3, 4), ())


@pytest.mark.parametrize(("opset", "expected"), [(21, both((), ())), (22, both((0, 1, 2), (0,)))])
def test_the_opset_says_which_types_there_are(opset, expected):
    found = ports_of("GRU", ["x", "w", "r"], ["y"], half=BF16, opset=opset)
    assert found == expected


def test_nothing_is_found_without_all_types_or_a_definition():
    assert ports_of("MatMul", ["x", "u"], ["y"]) is None
    assert find_ports(helper.make_node("Own", ["x"], ["y"]), None, type_of, FP16) is None


def test_a_casts_input_may_come_in_any_type():
    cast, add = helper.make_node("Cast", ["x"], ["y"]), helper.make_node("Add", ["x", "w"], ["y"])
    assert [takes_any_type(node, 0) for node in (cast, add)] == [True, False]
    assert not takes_any_type(helper.make_node("CastLike", ["x", "w"], ["y"]), 1)
