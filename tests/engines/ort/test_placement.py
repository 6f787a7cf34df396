import pytest

from engines.contract import EngineError
from engines.ort.placement import Assigned, placement, require_on

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def node(provider, op, name=""):
    return Assigned(provider=provider, name=name, op=op)


def test_nodes_that_reckon_shapes_on_the_cpu_are_no_fallback():
    nodes = [node(CUDA, "MatMul"), node(CPU, "Shape"), node(CPU, "Gather"), node(CPU, "Concat")]
    assert require_on(CUDA, nodes, cpu_fallback=False) == ()


def test_nodes_that_compute_on_the_cpu_are_listed_the_first_few_by_name():
    nodes = [node(CUDA, "MatMul"), *(node(CPU, "LSTM", f"lstm{k}") for k in range(7))]
    with pytest.raises(EngineError) as error:
        require_on(CUDA, nodes, cpu_fallback=False)
    assert error.value.kind == "fallback"
    assert error.value.message == (
        "7 of 8 nodes run on the CPU instead of CUDAExecutionProvider: 'lstm0' (LSTM), "
        "'lstm1' (LSTM), 'lstm2' (LSTM), 'lstm3' (LSTM), 'lstm4' (LSTM) and 2 more"
    )


def test_a_fallback_that_is_allowed_is_a_note():
    nodes = [node(CUDA, "MatMul"), node(CPU, "Unique")]
    assert require_on(CUDA, nodes, cpu_fallback=True) == (
        "1 of 2 nodes run on the CPU instead of CUDAExecutionProvider: Unique",
    )


def test_a_session_of_which_the_provider_runs_nothing_is_never_allowed():
    with pytest.raises(EngineError) as error:
        require_on(CUDA, [node(CPU, "Shape", "s")], cpu_fallback=True)
    assert error.value.message == (
        "the only node does not run on CUDAExecutionProvider: 's' (Shape)"
    )
    assert error.value.hint == "Use another backend for this model."


def test_several_nodes_of_which_the_provider_runs_none_are_counted():
    with pytest.raises(EngineError) as error:
        require_on(CUDA, [node(CPU, "Shape"), node(CPU, "LSTM")], cpu_fallback=True)
    assert error.value.message == ("none of the 2 nodes runs on CUDAExecutionProvider: Shape, LSTM")


def test_a_graph_of_which_nothing_is_left_is_fine():
    assert require_on(CUDA, [], cpu_fallback=False) == ()


def test_placement_counts_nodes_and_names_the_first_few_of_each_provider():
    nodes = [node(CPU, "Shape"), *(node(CUDA, "Relu", f"relu{k}") for k in range(6))]
    most, least = placement(nodes)
    assert (most.provider, most.nodes) == (CUDA, 6)
    assert most.examples == ("relu0", "relu1", "relu2", "relu3", "relu4")
    assert (least.provider, least.nodes, least.examples) == (CPU, 1, ("Shape",))
