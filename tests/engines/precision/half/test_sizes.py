import onnx
import pytest

from engines.precision.half.readers import Readers
from engines.precision.half.sizes import find_size_nodes

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[n, 3] x) => (float[a, b] y) <float half = {0.5}, int64 zero = {0}, int64 one = {1}> {
    s = Shape(x)
    f = Cast<to = 1>(s)
    h = Mul(f, half)
    k = Floor(h)
    %s
}
"""


def sizes_in(end):
    model = onnx.shape_inference.infer_shapes(onnx.parser.parse_model(TEXT % end))
    graph = model.graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.value_info, *graph.input)}
    types |= {t.name: t.data_type for t in graph.initializer}
    found = find_size_nodes(graph, lambda name: types.get(name, 1), Readers(graph))
    return [graph.node[number].output[0] for number in sorted(found)]


@pytest.mark.parametrize(
    "end",
    [
        "i = Cast<to = 7>(k) y = Expand(x, i)",
        "y = Upsample(x, k)",
        "y = Resize(x, , k)",
        "r = Squeeze(k) y = Range(r, r, r)",
    ],
)
def test_floats_that_become_sizes_are_found_from_the_first_on(end):
    found = sizes_in(end)
    assert found[:3] == ["f", "h", "k"]
    assert "y" not in found


@pytest.mark.parametrize(
    "end",
    [
        "y = Mul(x, k)",
        "i = Cast<to = 7>(k) z = Expand(x, i) y = Mul(z, k)",
        "i = Cast<to = 10>(k) y = Cast<to = 1>(i)",
    ],
)
def test_floats_that_are_also_values_are_not(end):
    assert sizes_in(end) == []


def test_what_depends_on_an_input_is_none():
    assert sizes_in("m = ReduceMax(x) n = Cast<to = 7>(m) y = Expand(x, n)") == []
