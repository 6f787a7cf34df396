"""Bodies of If, Loop and Scan when types change."""

import numpy as np
from onnx import parser

from engines.graph.walk import every_graph
from engines.precision.half.cast import to_half
from engines.precision.half.half import FP16

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3)
HEAD = '<ir_version: 8, opset_import: ["" : 21, "local" : 1]>'


def test_both_branches_of_an_if_give_the_same_type(agrees, convert, ops):
    text = """
        g (bool c, float[n, 3] x) => (float[n, 3] y)
        <float[3] w = {1, 2, 3}>
        {
            h = Relu(x)
            i = If(c)<
                then_branch = t () => (float[n, 3] a) { a = Mul(h, w) },
                else_branch = e () => (float[n, 3] a) {
                    k = Constant<value = float {0.5}>()  b = Mul(x, k)  a = Sin(b) }
            >
            y = Neg(i)
        }
    """
    for c in (True, False):
        model = agrees(text, c=np.array(c), x=X)
    assert ops(model)["Cast"] == 2
    model, _ = convert(text, keep={"Sin": "it is told to"})
    then, other = list(every_graph(model.graph))[1:]
    assert {g.output[0].type.tensor_type.elem_type for g in (then, other)} == {10}


def test_what_only_a_body_reads_is_cast_inside_it(agrees):
    model = agrees(
        """
        g (bool c, float[n, 3] x) => (float[n, 3] y)
        {
            y = If(c)<
                then_branch = t () => (float[n, 3] a) { a = Neg(x) },
                else_branch = e () => (float[n, 3] b) { b = Exp(x) }
            >
        }
    """,
        c=np.array(True),
        x=X,
    )
    names = [node.output[0] for g in every_graph(model.graph) for node in g.node]
    assert len(set(names)) == len(names)


def test_the_state_of_a_scan_keeps_one_type(agrees, ops):
    model = agrees("""
        g (float[n, 3] x) => (float[3] last, float[n, 3] all)
        <float[3] h = {0, 0, 0}>
        {
            last, all = Scan<num_scan_inputs = 1, body = step (float[3] s, float[3] r) =>
                (float[3] t, float[3] u) { t = Add(s, r)  u = Identity(t) }>(h, x)
        }
    """)
    assert ops(model)["Cast"] == 3


def test_the_state_of_a_loop_keeps_one_type_and_its_counter_its_own(agrees, ops):
    model = agrees("""
        g (float[n, 3] x) => (float[n, 3] y)
        <int64 m = {3}, bool go = {1}>
        {
            y = Loop<body = step (int64 i, bool c, float[n, 3] s) => (bool d, float[n, 3] t) {
                d = Identity(c)  f = Cast<to = 1>(i)  t = Add(s, f) }>(m, go, x)
        }
    """)
    assert ops(model)["Cast"] == 3


def test_a_body_of_what_onnx_does_not_define_reads_fp32(show):
    text = """
        g (float[n, 3] x) => (float[n, 3] y)
        {
            h = Relu(x)
            z = local.Each<body = b () => (float[n, 3] a) { a = Neg(h) }>(h)
            y = Neg(h)
        }
    """
    model, kept = to_half(parser.parse_model(f"{HEAD}\n{text}"), FP16)
    assert show(model.graph)[2:4] == ["h_fp32 = Cast(h)", "z = Each(h_fp32)"]
    assert show(list(every_graph(model.graph))[1]) == ["a = Neg(h_fp32)"]
    assert kept == ("Each stays fp32: ONNX does not define it",)
