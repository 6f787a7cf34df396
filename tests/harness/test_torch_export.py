"""These run where torch is: in an environment with dyno's 'torch' extra."""

import pytest

from engines.contract import EngineError
from harness.torch_export import TorchModel, export

torch = pytest.importorskip("torch", reason="torch is not installed (dyno's 'torch' extra)")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
# the exporter and what it calls warn of their own doings
pytestmark = pytest.mark.filterwarnings("ignore")


class Tagger(torch.nn.Module):
    """Recurrent, with dropout, a scalar, an argument left out and outputs by name."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(50, 8)
        self.lstm = torch.nn.LSTM(8, 16, num_layers=2, batch_first=True, bidirectional=True)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, ids, bias=None, scale=None):
        states, (last, _) = self.lstm(self.table(ids))
        scaled = self.dropout(states) * scale
        return {"tags": scaled if bias is None else scaled + bias, "last": last}


class Frozen(torch.nn.Module):
    """Its trace keeps the width of the example."""

    def forward(self, x):
        return x + torch.arange(float(int(x.shape[1])))


class Branching(torch.nn.Module):
    """Its trace keeps the branch that the example took."""

    def forward(self, x):
        return x * 2 if float(x.min()) > 0 else x - 1


class Square(torch.nn.Module):
    """Runs for one width only."""

    def forward(self, x):
        return x @ torch.ones(8, 8)


class Half(torch.nn.Module):
    def forward(self, x):
        return torch.tanh(x), x > 0


def tagger():
    examples = {"ids": torch.randint(0, 50, (2, 16)), "scale": torch.tensor(2.0)}
    return TorchModel(name="zoo:build", module=Tagger(), examples=examples)


def of(module, **examples):
    return TorchModel(name="zoo:build", module=module, examples=examples)


def exported(model, values=None, **dims):
    return export(model, {"dims": dims, "values": values or {}})


def problem(model, **dims):
    with pytest.raises(EngineError) as caught:
        exported(model, **dims)
    return caught.value.kind, caught.value.message, caught.value.hint


def test_a_module_agrees_with_its_export_at_other_sizes_too():
    found = exported(tagger(), ids=["batch", "sequence"])

    assert found.mismatch == ""
    graph = onnx.load_model_from_string(found.data).graph
    dims = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in graph.input
    ]
    assert [value.name for value in graph.input] == ["ids", "scale"]
    assert dims == [["batch", "sequence"], []]
    assert [value.name for value in graph.output] == ["tags", "last"]
    assert [node.op_type for node in graph.node].count("LSTM") == 2


def test_what_no_dims_name_stays_as_the_example_has_it():
    graph = onnx.load_model_from_string(exported(tagger()).data).graph

    assert [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim] == [2, 16]


def test_a_dimension_may_be_an_expression():
    assert exported(tagger(), ids=["batch", "2*sequence"]).mismatch == ""


def test_a_frozen_size_is_found_at_another_size():
    model = of(Frozen(), x=torch.ones(2, 8))

    found = exported(model, x=["batch", "width"]).mismatch

    assert found.startswith("the exported model fails with batch=4, width=4: ")
    assert "4 by 8" in found


def test_a_frozen_branch_is_found_with_other_values_and_told_with_the_figure():
    model = of(Branching(), x=torch.ones(2, 8))

    found = exported(model, {"x": {"value": -3.0}}, x=["batch", 8]).mismatch

    assert found == (
        "output 'output' of the exported model differs by up to 2, the module's reaching 4, "
        "with batch=4"
    )


def test_a_module_that_runs_for_one_size_only_is_told():
    found = exported(of(Square(), x=torch.ones(2, 8)), x=["batch", "width"]).mismatch

    assert found == (
        "with batch=4, width=4: expected the module of zoo:build to run, got RuntimeError: "
        "mat1 and mat2 shapes cannot be multiplied (4x4 and 8x8)"
    )


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_outputs_of_every_type_are_compared(kind):
    example = torch.linspace(-1, 1, 8).reshape(2, 4).to(getattr(torch, kind))

    assert exported(of(Half(), x=example), x=["batch", 4]).mismatch == ""


def test_a_module_that_does_not_run_on_its_examples_is_told():
    kind, message, hint = problem(of(Half(), y=torch.ones(2)))

    assert kind == "invalid-model"
    assert message == (
        "expected the module of zoo:build to run on its example inputs, got TypeError: "
        "Half.forward() got an unexpected keyword argument 'y'"
    )
    assert hint == "Name the example inputs as its forward names its arguments."


def test_a_module_whose_outputs_are_no_tensors_is_told():
    class Words(torch.nn.Module):
        def forward(self, x):
            return x, "words"

    assert problem(of(Words(), x=torch.ones(2)))[1] == (
        "expected tensors from the module of zoo:build, got a str as output1"
    )


def test_a_module_that_cannot_be_exported_is_told():
    class Odd(torch.nn.Module):
        def forward(self, x):
            return torch.linalg.eigvals(x)

    kind, message, hint = problem(of(Odd(), x=torch.eye(2)))

    assert kind == "invalid-model"
    assert message.startswith(
        "expected the module of zoo:build to export to ONNX opset 17, got UnsupportedOperatorError"
    )
    assert hint == "Export it yourself, and return the onnx.ModelProto."


def test_sizes_that_no_example_tells_are_told():
    assert problem(tagger(), ids=["batch", "a+b"]) == (
        "invalid-model",
        "cannot be compared: input ids: expected a size for 'a', got none",
        "Mend the model's dims and inputs.",
    )


def test_dims_that_do_not_fit_are_left_to_whoever_applies_them():
    assert exported(tagger(), idz=["batch", "sequence"]).mismatch == ""
    assert exported(tagger(), ids=["batch", "sequence", 3]).mismatch == ""


class Nested(torch.nn.Module):
    def forward(self, x):
        return {"a": {"o": x + 1}, "b": ({"o": x + 2}, [x + 3, x + 4])}


def test_outputs_in_nested_mappings_are_called_by_the_whole_way_to_them():
    found = exported(of(Nested(), x=torch.ones(2, 4)), x=["batch", 4])

    graph = onnx.load_model_from_string(found.data).graph
    assert [value.name for value in graph.output] == ["a.o", "b.0.o", "b.1.0", "b.1.1"]
    assert found.mismatch == ""


def test_outputs_of_the_same_name_are_told():
    class Twice(torch.nn.Module):
        def forward(self, x):
            return {"a": {"o": x}, "a.o": x}

    assert problem(of(Twice(), x=torch.ones(2))) == (
        "invalid-model",
        "expected outputs of different names from the module of zoo:build, got 'a.o' twice",
        "Rename one of them.",
    )


@pytest.mark.parametrize("noise", [torch.randn_like, lambda x: torch.dropout(x, 0.5, train=True)])
def test_a_random_module_is_told(noise):
    class Noisy(torch.nn.Module):
        def forward(self, x):
            return noise(x)

    kind, message, hint = problem(of(Noisy(), x=torch.ones(8, 8)))

    assert kind == "invalid-model"
    assert message.startswith(
        "expected the module of zoo:build to be deterministic, got an output 'output' that differs"
    )
    assert hint == (
        "It is in evaluation mode already: take out what is random or kept in its forward."
    )


def test_the_same_infinities_and_nans_are_no_difference():
    class Masked(torch.nn.Module):
        def forward(self, x):
            return torch.log(torch.relu(x)), (x - x) / (x - x)

    assert exported(of(Masked(), x=torch.randn(2, 8)), x=["batch", 8]).mismatch == ""


def test_a_branch_on_a_batch_of_one_is_found():
    class Squeezing(torch.nn.Module):
        def forward(self, x):
            return x * 3 if x.shape[0] == 1 else x

    model = of(Squeezing(), x=torch.ones(2, 8))
    found = exported(model, {"x": {"value": 1.0}}, x=["batch", 8])

    assert found.mismatch == (
        "output 'output' of the exported model differs by up to 2, the module's reaching 3, "
        "with batch=1"
    )
