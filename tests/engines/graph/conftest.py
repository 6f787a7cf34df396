import pytest
from onnx import TensorProto, helper


@pytest.fixture
def graph_model():
    """Build a model of nodes; inputs and outputs are given as name → (type, dims)."""

    def build(nodes, inputs, outputs, *, weights=(), opset=21, domains=(), values=()):
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(n, *t) for n, t in inputs.items()],
            [helper.make_tensor_value_info(n, *t) for n, t in outputs.items()],
            list(weights),
            value_info=list(values),
        )
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    return build


@pytest.fixture
def relu_model(graph_model):
    """Return a model of one Relu over [N, 3]."""
    tensor = (TensorProto.FLOAT, ["N", 3])
    return graph_model(
        [helper.make_node("Relu", ["x"], ["y"], name="only")], {"x": tensor}, {"y": tensor}
    )
