import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import helper, numpy_helper

ENTRIES = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Odd:
    """An entry of models.toml: its model, and the entry itself."""

    name: str
    entry: dict

    @property
    def model(self):
        return _model(self.entry)

    @property
    def source(self):
        """Return the model as a suite has it; its file lies beside the suite's."""
        given = {key: self.entry[key] for key in ("dims", "inputs") if key in self.entry}
        return {"onnx": f"{self.name}.onnx", **given}


def pytest_generate_tests(metafunc):
    if "odd" in metafunc.fixturenames:
        odds = [Odd(name, entry) for name, entry in ENTRIES.items()]
        metafunc.parametrize("odd", odds, ids=list(ENTRIES))


@pytest.fixture
def odd_models():
    return [Odd(name, entry) for name, entry in ENTRIES.items()]


def _model(entry):
    domains = "".join(f', "{domain}": 1' for domain in entry.get("domains", ()))
    opsets = f'"": {entry.get("opset", 17)}{domains}'
    head = f"<ir_version: {entry.get('ir', 8)}, opset_import: [{opsets}]>\n"
    model = onnx.parser.parse_model(head + entry["text"])
    for old, new in entry.get("rename", {}).items():
        _rename(model.graph, old, new)
    if "sparse" in entry:
        _make_sparse(model.graph, entry["sparse"])
    return model


def _rename(graph, old, new):
    for value in (*graph.input, *graph.output):
        value.name = new if value.name == old else value.name
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == old:
                dim.dim_param = new
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _make_sparse(graph, name):
    [weight] = [tensor for tensor in graph.initializer if tensor.name == name]
    dense = numpy_helper.to_array(weight)
    [places] = np.nonzero(dense)
    values = numpy_helper.from_array(dense[places], name)
    indices = numpy_helper.from_array(places, f"{name}-indices")
    graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, dense.shape))
    graph.initializer.remove(weight)
