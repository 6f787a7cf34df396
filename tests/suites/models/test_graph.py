import json
import os
import subprocess
import sys

import onnx
import pytest

from suites.models.builtin import builtins, get, resolve

NAMES = tuple(builtins())

# The bytes of the default models. A change moves every number ever measured with that model.
SHA256 = {
    "rnn": "cefa4f82a2289c69f94c77120388dac184532cc30fededb3fae6043a19a3fb92",
    "lstm": "35cd93bd13c8ac50009d87588dd42f888b20ca70aa8c97ea37780f481ceda35a",
    "gru": "0b3be56c4a2b42df8408f4778eaeceaa4b6d76f723126259795723b33b406282",
    "stacked-lstm": "aaec5fc5df5527f28f2b2304200d6d00cfa4906122bd4f3dfb28cefda7436071",
    "bilstm-text": "8afc549d4d03e8590ab31d1304d1b3d63265d42f9322e2be70fa7020b22c539b",
    "mlp": "456ab1a3611b06f3f8b9be7766701fd511d67d0fbdd8943fb576a388c73f92fa",
    "cnn": "a848276f59554cae9e0c905f7b0b7e2a5d36d4320ce779efc4976ecf69b656cd",
    "detector": "f8b934c72899551a8bc0190c850346027fda15c36a19b6e29fd3ebda4c919e69",
    "transformer": "887eb2baf131a5d9ec1e27a63b58d4cca33a0ca011172ece59f4c27195658db2",
    "matmul-peak": "3ff6446cb95395d524f4d9b7bf4a9dde79b1bd7f7cd87f33d3259154536503c5",
    "copy-peak": "bbcd948ca35484a1fbf86875eac9a2ac434a87d3fbb2b076681eaaa05085acbb",
}

# One size a model, which must show in the size of its file.
LARGER = {
    "rnn": {"hidden": 320},
    "lstm": {"layers": 2},
    "gru": {"features": 128},
    "stacked-lstm": {"classes": 100},
    "bilstm-text": {"vocabulary": 20_000},
    "mlp": {"layers": 4},
    "cnn": {"blocks": 3},
    "detector": {"width": 24},
    "transformer": {"feedforward": 2048},
    "matmul-peak": {"size": 1040},
}

PROGRAM = """
import hashlib, json
from suites.models.builtin import builtins, resolve
print(json.dumps({
    name: hashlib.sha256(builtin.build(resolve(builtin, {})).SerializeToString()).hexdigest()
    for name, builtin in builtins().items()
}))
"""


def declared(values):
    return [
        (
            value.name,
            onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_is_what_the_graph_declares(name, built, signature):
    graph, expected = built(name).graph, signature(name)
    assert declared(graph.input) == [(s.name, s.dtype, s.dims) for s in expected.inputs]
    assert declared(graph.output) == [(s.name, s.dtype, s.dims) for s in expected.outputs]


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_of_an_input_is_the_length_of_the_table_it_indexes(name, built, signature):
    graph = built(name).graph
    lengths = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    gathered = {n.input[1]: lengths[n.input[0]] for n in graph.node if n.op_type == "Gather"}
    bounds = {spec.name: spec.bound for spec in signature(name).inputs if spec.bound is not None}
    assert bounds == gathered


@pytest.mark.parametrize("name", NAMES)
def test_every_named_dimension_but_batch_has_a_default(name, signature):
    expected = signature(name)
    named = {dim for spec in expected.inputs for dim in spec.dims if isinstance(dim, str)}
    assert named == {"batch", *dict(expected.defaults)}


@pytest.mark.parametrize("name", NAMES)
def test_the_model_passes_the_full_check_at_the_pinned_versions(name, built):
    model = built(name)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 10
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 21)]


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_has_a_known_rank(name, built):
    inferred = onnx.shape_inference.infer_shapes(built(name), strict_mode=True, data_prop=True)
    graph = inferred.graph
    ranked = {
        value.name
        for value in (*graph.value_info, *graph.output)
        if value.type.tensor_type.HasField("shape")
    }
    assert [out for node in graph.node for out in node.output if out not in ranked] == []


@pytest.mark.parametrize("name", NAMES)
def test_nodes_and_their_outputs_are_named_once_and_no_weight_is_idle(name, built):
    graph = built(name).graph
    nodes = [node.name for node in graph.node]
    outputs = [output for node in graph.node for output in node.output]
    assert "" not in nodes + outputs
    assert len(set(nodes)) == len(nodes)
    assert len(set(outputs)) == len(outputs)
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


@pytest.mark.parametrize(
    ("name", "op", "outputs"),
    [("rnn", "RNN", 2), ("lstm", "LSTM", 3), ("gru", "GRU", 2), ("bilstm-text", "LSTM", 3)],
)
def test_a_recurrent_node_has_all_of_its_outputs(name, op, outputs, built):
    assert [len(node.output) for node in built(name).graph.node if node.op_type == op] == [outputs]


@pytest.mark.parametrize("name", NAMES)
def test_a_rebuild_has_the_same_bytes(name, built):
    builtin = get(name)
    again = builtin.build(resolve(builtin, {})).SerializeToString()
    assert again == built(name).SerializeToString()


def test_another_process_with_another_hash_seed_builds_the_bytes_on_record():
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == SHA256


@pytest.mark.parametrize("name", [name for name in NAMES if name != "copy-peak"])
def test_the_default_model_is_at_most_20_mb(name, built):
    assert 10_000 < built(name).ByteSize() < 20_000_000


def test_weights_are_a_function_of_their_name_and_shape_alone():
    builtin = get("lstm")
    weights = {
        layers: {
            tensor.name: tensor.raw_data
            for tensor in builtin.build(resolve(builtin, {"layers": layers})).graph.initializer
        }
        for layers in (1, 2)
    }
    assert weights[1].items() <= weights[2].items()


@pytest.mark.parametrize(("name", "params"), LARGER.items())
def test_a_larger_parameter_makes_a_larger_model(name, params, built):
    builtin = get(name)
    larger = builtin.build(resolve(builtin, params))
    onnx.checker.check_model(larger, full_check=True)
    assert larger.ByteSize() > built(name).ByteSize()


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_may_have_its_minimum(name):
    builtin = get(name)
    least = resolve(builtin, {p.name: p.minimum for p in builtin.parameters})
    onnx.checker.check_model(builtin.build(least), full_check=True)
