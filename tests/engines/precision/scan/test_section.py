"""A stretch of a graph: everything in it is named after it."""

import numpy as np
from onnx import numpy_helper

from engines.precision.scan.section import Section


def test_every_name_begins_alike():
    section = Section("layer.scan")
    made = section.node("Add", ["a", section.constant("one", np.float32([1]))], "sum")
    parts = section.split(made, [1, 2], ["left", "right"])
    assert made == "layer.scan.sum"
    assert parts == ["layer.scan.left", "layer.scan.right"]
    assert [node.name for node in section.nodes] == ["layer.scan.sum", "layer.scan.left.split"]
    names = [tensor.name for tensor in section.constants]
    assert names == ["layer.scan.one", "layer.scan.left.sizes"]
    assert numpy_helper.to_array(section.constants[1]).tolist() == [1, 2]


def test_an_output_may_have_a_name_from_outside():
    section = Section("s")
    assert section.node("Identity", ["x"], "copy", output="y") == "y"
    assert section.nodes[0].name == "s.copy"


def test_a_body_takes_and_gives_rows_of_any_batch():
    section = Section("s")
    section.node("Identity", [section.named("h")], "next")
    body = section.body([("s.h", 4)], [("s.next", 4)])
    (given,) = body.input
    assert given.type.tensor_type.shape.dim[1].dim_value == 4
    assert not given.type.tensor_type.shape.dim[0].WhichOneof("value")
    assert [node.op_type for node in body.node] == ["Identity"]
