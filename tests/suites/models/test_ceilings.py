import numpy as np
import onnxruntime
import pytest

from suites.models.builtin import builtins, get, resolve
from suites.models.ceilings import FAMILY, ceiling


def run(name, params, rng):
    builtin = get(name)
    given = resolve(builtin, params)
    [spec] = builtin.signature(given).inputs
    shape = [3, *spec.dims[1:]]
    values = rng.standard_normal(shape, dtype=np.float32)
    model = builtin.build(given).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return values, session.run(None, {spec.name: values})[0]


def test_each_ceiling_says_what_it_finds_the_limit_of():
    found = {name: ceiling(name) for name, builtin in builtins().items() if ceiling(name)}
    assert found == {"matmul-peak": "compute", "copy-peak": "memory"}
    assert {builtin.name for builtin in builtins().values() if builtin.family == FAMILY} == {*found}


@pytest.mark.parametrize("size", [64, 1024])
def test_a_product_keeps_the_variance_of_its_rows_whatever_its_size(size):
    rng = np.random.default_rng(0)
    values, product = run("matmul-peak", {"size": size, "rows": 64}, rng)
    assert product.shape == values.shape
    assert product.std() == pytest.approx(1, abs=0.05)
    assert np.abs(product).max() < 10


def test_the_copy_streams_every_number_through():
    values, negated = run("copy-peak", {"elements": 1000}, np.random.default_rng(0))
    assert (negated == -values).all()


def test_the_batch_multiplies_rows_and_leaves_the_weight():
    dims = [spec.dims for spec in get("matmul-peak").signature({"size": 8, "rows": 4}).inputs]
    assert dims == [("batch", 4, 8)]


def test_the_default_weight_of_the_product_is_1_mib():
    given = resolve(get("matmul-peak"), {})

    (weight,) = get("matmul-peak").build(given).graph.initializer
    assert list(weight.dims) == [512, 512]
    assert given["rows"] == 512


def test_a_default_sample_of_the_copy_is_64_mib_each_way():
    signature = get("copy-peak").signature(resolve(get("copy-peak"), {}))
    assert [spec.dims[1] * 4 for spec in (*signature.inputs, *signature.outputs)] == [1 << 26] * 2
