"""Small graphs, each with one thing that a change of type can break."""

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper, parser, shape_inference

from engines.precision.half.cast import to_half
from engines.precision.half.half import BF16, FP16

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3)
HEAD = '<ir_version: 8, opset_import: ["" : 21, "local" : 1]>'


def test_casts_stand_at_the_inputs_and_outputs_only(agrees, show):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 2] y)
        <float[3, 2] w = {1, 2, 3, 4, 5, 6}, float[2] b = {0.1, 0.2}>
        { p = MatMul(x, w)  s = Add(p, b)  y = Relu(s) }
    """)
    assert show(model.graph) == [
        "x_fp16 = Cast(x)",
        "p = MatMul(x_fp16, w_fp16)",
        "s = Add(p, b_fp16)",
        "y_fp16 = Relu(s)",
        "y = Cast(y_fp16)",
    ]
    assert [node.name for node in model.graph.node] == [
        "x_to_fp16",
        "",
        "",
        "",
        "y_fp16_to_fp32",
    ]


def test_an_output_that_is_read_inside_is_read_in_its_new_type(agrees, show):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] a, float[n, 3] b)
        { a = Relu(x)  b = Exp(a) }
    """)
    assert show(model.graph)[1:3] == ["a_fp16 = Relu(x_fp16)", "b_fp16 = Exp(a_fp16)"]


def test_what_has_no_half_stays_between_two_casts(agrees, convert, show):
    text = """
        g (float[n, 3] x) => (float[n, 3] y, float[n, 3] z)
        { a = Relu(x)  b = Exp(a)  c = Sin(b)  d = Atan(c)  y = Neg(d)  z = Neg(b) }
    """
    agrees(text)
    model, kept = convert(text, keep={"Sin": "it is told to", "Atan": "it is too"})
    assert show(model.graph) == [
        "x_fp16 = Cast(x)",
        "a = Relu(x_fp16)",
        "b = Exp(a)",
        "b_fp32 = Cast(b)",
        "c = Sin(b_fp32)",
        "d = Atan(c)",
        "d_fp16 = Cast(d)",
        "y_fp16 = Neg(d_fp16)",
        "z_fp16 = Neg(b)",
        "y = Cast(y_fp16)",
        "z = Cast(z_fp16)",
    ]
    assert kept == ("Sin stays fp32: it is told to", "Atan stays fp32: it is too")


def test_an_operator_that_the_opset_has_without_the_type_stays_and_is_told(agrees, convert, show):
    text = """
        g (float[n, 3] x) => (float[n, 3] y, float[n, 3] z)
        <float[3] w = {1, 2, 3}>
        { a = Relu(x)  b = HardSwish(a)  c = HardSwish(b)  y = Mul(c, w)  z = Add(a, w) }
    """
    agrees(text)
    model, kept = convert(text, BF16)
    assert kept == ("HardSwish stays fp32: opset 21 has it without bf16 (and 1 more)",)
    assert "b = HardSwish(a_fp32)" in show(model.graph)
    assert "c = HardSwish(b)" in show(model.graph)


def test_a_constant_is_made_once_for_each_type_that_it_is_read_in(agrees, convert, show):
    text = """
        g (float[n, 3] x) => (float[n, 3] y)
        <float[3] w = {1, 2, 3}>
        {
            c = Constant<value_floats = [0.5, 0.25, 0.125]>()
            a = Add(x, w)  b = Sin(c)  d = Sin(w)  e = Mul(a, c)  f = Mul(b, d)  y = Mul(e, f)
        }
    """
    agrees(text)
    model, _ = convert(text, keep={"Sin": "it is told to"})
    assert [(t.name, t.data_type) for t in model.graph.initializer] == [("w", 1), ("w_fp16", 10)]
    assert show(model.graph)[:2] == ["c = Constant()", "c_fp16 = Constant()"]


def test_names_that_are_taken_get_a_number(agrees, show):
    model = agrees(
        """
        g (float[n, 3] x, float[n, 3] x_fp16) => (float[n, 3] y)
        { y = Add(x, x_fp16) }
    """,
        x=X,
        x_fp16=X,
    )
    assert show(model.graph)[:2] == ["x_fp16_2 = Cast(x)", "x_fp16_fp16 = Cast(x_fp16)"]


def test_a_sequence_of_tensors_stays_fp32(agrees, show):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] y)
        <int64 one = {1}>
        { a = Relu(x)  b = Exp(a)  s = SequenceConstruct(a, b)  c = SequenceAt(s, one)  y = Neg(c) }
    """)
    assert "s = SequenceConstruct(a_fp32, b_fp32)" in show(model.graph)


def test_the_scales_of_a_resize_stay_fp32(agrees):
    model = agrees(
        """
        g (float[1, 1, 4, 4] x) => (float[1, 1, 8, 8] y)
        <float[4] s = {1, 1, 2, 2}>
        { y = Resize<mode = "nearest">(x, , s) }
    """,
        x=np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4),
    )
    assert [(t.name, t.data_type) for t in model.graph.initializer] == [("s", 1)]


def test_types_that_attributes_give_change(agrees, show, ops):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] y, int64[2] z)
        {
            z = Shape(x)
            f = ConstantOfShape<value = float[1] {0.1}>(z)
            i = Cast<to = 7>(x)  j = Cast<to = 1>(i)  k = Cast<to = 1>(x)
            a = Add(f, j)  b = Add(a, k)  e = EyeLike<dtype = 1>(x)  y = Add(b, e)
        }
    """)
    floats = shape_inference.infer_shapes(model, strict_mode=True).graph.value_info
    assert {v.name for v in floats if v.type.tensor_type.elem_type == 1} == set()
    assert show(model.graph)[0] == "z = Shape(x)"
    assert ops(model)["Cast"] == 3 + 2


def test_a_weight_beyond_the_range_keeps_its_node(agrees, convert):
    text = """
        g (float[n, 3] x) => (float[n, 3] y)
        <float[3] w = {1, 2, 100000}, float[3] v = {0.001, 0.001, 0.001}>
        { a = Mul(x, v)  b = Mul(a, w)  y = Mul(b, v) }
    """
    model = agrees(text)
    assert [(t.name, t.data_type) for t in model.graph.initializer] == [("w", 1), ("v_fp16", 10)]
    _, kept = convert(text)
    assert kept == (
        "Mul stays fp32: 'w' of node 'b' (Mul) does not fit: it reaches 100000, fp16 65504",
    )


def test_nodes_that_stay_for_a_constant_each_are_told_as_one(convert):
    _, kept = convert("""
        g (float[n, 3] x) => (float[n, 3] y)
        <float[3] w = {1, 2, 100000}, float[3] v = {1, 2, 200000}>
        { a = Mul(x, w)  y = Mul(a, v) }
    """)
    why = "'w' of node 'a' (Mul) does not fit: it reaches 100000, fp16 65504"
    assert kept == (f"Mul stays fp32: {why} (and 1 more)",)


def test_one_number_beyond_the_range_becomes_the_nearest_and_is_told(run_on_cpu, convert):
    text = """
        g (bool[n, 3] m, float[n, 3] x) => (float[n, 3] y, float[n, 3] z)
        <float zero = {0}, float low = {-1000000000.0}>
        {
            guard = Constant<value_float = 0.000000000001>()
            a = Where(m, zero, low)  b = Add(a, x)  y = Softmax(b)
            n = Sub(x, x)  d = Max(n, guard)  z = Div(n, d)
        }
    """
    model, kept = convert(text)
    assert kept == (
        "'low' is -65504 instead of -1e+09: fp16 has nothing nearer",
        "'guard' is 5.96046e-08 instead of 1e-12: fp16 has nothing nearer",
    )
    outputs = run_on_cpu(model, {"m": np.arange(12).reshape(4, 3) % 3 > 0, "x": X})
    assert np.array_equal(outputs["y"][:, 0], np.zeros(4))
    assert np.array_equal(outputs["z"], np.zeros((4, 3)))


def test_infinity_stays_infinity():
    model = parser.parse_model(f"""{HEAD}
        g (float[n, 3] x) => (float[n, 3] y)
        <float low = {{0}}>
        {{ y = Max(x, low) }}
    """)
    low = numpy_helper.from_array(np.array(-np.inf, np.float32), "low")
    model.graph.initializer[0].CopyFrom(low)
    model, kept = to_half(model, FP16)
    assert numpy_helper.to_array(model.graph.initializer[0]) == -np.inf
    assert kept == ()


def test_weights_that_are_listed_as_inputs_are_weights(convert):
    model, _ = convert("""
        g (float[n, 3] x, float[3] w) => (float[n, 3] y)
        <float[3] w = {1, 2, 3}>
        { y = Mul(x, w) }
    """)
    assert [value.name for value in model.graph.input] == ["x"]
    assert [t.name for t in model.graph.initializer] == ["w_fp16"]


def test_a_file_too_old_for_weights_that_are_no_inputs_becomes_newer():
    text = """<ir_version: 3, opset_import: ["" : 8]>
        g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Mul(x, w) }"""
    model, _ = to_half(parser.parse_model(text), FP16)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 4


def test_a_type_that_an_attribute_gives_by_default_is_stated(agrees):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] y)
        { s = Shape(x)  f = ConstantOfShape(s)  y = Add(f, x) }
    """)
    [filled] = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    assert filled.attribute[0].t.data_type == TensorProto.FLOAT16


def test_the_bodies_of_what_stays_stay_with_it(agrees, convert, show):
    text = """
        g (float[n, 3] x, bool c) => (float[n, 3] y) {
            a = Relu(x)
            b = If(c) <
                then_branch = t () => (float[n, 3] d) { d = Exp(a) },
                else_branch = e () => (float[n, 3] f) { f = Neg(a) }
            >
            y = Neg(b)
        }"""
    agrees(text, x=X, c=np.array(True))
    model, _ = convert(text, keep={"If": "it is told to"})
    [branch] = [node for node in model.graph.node if node.op_type == "If"]
    assert [show(attribute.g) for attribute in branch.attribute] == [
        ["a_fp32 = Cast(a)", "d = Exp(a_fp32)"],
        ["a_fp32_2 = Cast(a)", "f = Neg(a_fp32_2)"],
    ]


def test_local_functions_change_in_their_callers_place(show):
    model = parser.parse_model(f"""{HEAD}
        g (float[2] x) => (float[2] y)
        {{ y = local.Twice(x) }}
        <domain: "local", opset_import: ["" : 21]> Twice (a) => (b) {{ b = Add(a, a) }}
    """)
    model, kept = to_half(model, FP16)
    onnx.checker.check_model(model, full_check=True)
    assert show(model.graph)[1] == "y_fp16 = Add(x_fp16, x_fp16)"
    assert kept == ()


def test_what_only_moves_for_fp32_stays_fp32_with_it(agrees, convert, show):
    text = """
        g (float[n, 3] x) => (float[3, n] y, float[3, n] z)
        { t = Transpose(x)  i = Identity(t)  y = Sin(i)  u = Transpose(x)  z = Neg(u) }
    """
    agrees(text)
    model, _ = convert(text, keep={"Sin": "it is told to"})
    assert show(model.graph) == [
        "t = Transpose(x)",
        "i = Identity(t)",
        "y = Sin(i)",
        "x_fp16 = Cast(x)",
        "u = Transpose(x_fp16)",
        "z_fp16 = Neg(u)",
        "z = Cast(z_fp16)",
    ]


def test_floats_that_become_sizes_stay_fp32(agrees, convert, show):
    text = """
        g (float[n, 3] x) => (float[m] y)
        <float many = {1000.3}, float one = {1}, int64[1] all = {-1}>
        {
            s = Shape<start = 1>(x)  f = Cast<to = 1>(s)  p = Mul(f, many)  q = Floor(p)
            i = Cast<to = 7>(q)  e = Expand(one, i)  v = Reshape(x, all)
            first = Constant<value = int64 {0}>()  g = Gather(v, first)  y = Mul(e, g)
        }
    """
    agrees(text)
    model, kept = convert(text)
    assert "q = Floor(p)" in show(model.graph)
    why = "it computes sizes or positions, which fp16 cannot count"
    assert kept == tuple(f"{op} stays fp32: {why}" for op in ("Cast", "Mul", "Floor"))


def test_inputs_that_are_left_out_stay_so(agrees, show):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] y)
        <float top = {1}>
        { y = Clip(x, , top) }
    """)
    assert show(model.graph)[1] == "y_fp16 = Clip(x_fp16, , top_fp16)"


def test_declared_types_of_inner_tensors_follow():
    model = parser.parse_model(f"""{HEAD}
        g (float[n, 3] x) => (float[n, 3] y) <float[n, 3] a, float[n, 3] y>
        {{ a = Relu(x)  y = Neg(a) }}
    """)
    model, _ = to_half(model, FP16)
    kinds = {v.name: v.type.tensor_type.elem_type for v in model.graph.value_info}
    assert kinds["a"] == TensorProto.FLOAT16


def test_an_operator_that_onnx_defines_with_fp32_constants_stays():
    text = """
    <ir_version: 10, opset_import: ["": 21]>
    g (float[1, 2, 3, 4] x) => (float[1, 2, 3, 4] y) {
        z = MeanVarianceNormalization(x)
        y = Relu(z)
    }"""
    model, kept = to_half(parser.parse_model(text), FP16)
    assert kept == ("MeanVarianceNormalization stays fp32: ONNX defines it with constants of fp32",)
    assert next(node.op_type for node in model.graph.node) == "MeanVarianceNormalization"
