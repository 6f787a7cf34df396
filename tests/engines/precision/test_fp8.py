"""fp8 and fp8-fp16 of every built-in family; ONNX Runtime runs them with basic optimization."""

from functools import cache

import onnx
import pytest

from engines.precision.fp8 import fp8, fp8_fp16
from engines.precision.recipe import Calibration
from suites.models.builtin import builtins

FAMILIES = [
    *(name for name, builtin in builtins().items() if builtin.family != "ceiling"),
    "digits-lstm",
]
RECIPES = {"fp8": fp8, "fp8-fp16": fp8_fp16}
TARGETS = ("sm89", "sm120")
COSINES = {
    "rnn": 0.997,
    "lstm": 0.996,
    "gru": 0.998,
    "stacked-lstm": 0.998,
    "bilstm-text": 0.998,
    "mlp": 0.993,
    "cnn": 0.996,
    "detector": 0.992,
    "transformer": 0.996,
    "digits-lstm": 0.998,
}
"""As measured on ONNX Runtime's CPU, rounded down."""

CELLS = [(recipe, family) for recipe in RECIPES for family in FAMILIES]


@cache
def convert(recipe, family):
    return RECIPES[recipe](family.model, family.calibration()).model


@pytest.mark.parametrize(("recipe", "name"), CELLS)
def test_the_graph_is_valid_and_its_answers_are_as_close_as_listed(
    recipe, name, family_of, run_on_cpu, cosine
):
    family = family_of(name)
    inputs = family.inputs()
    model = convert(recipe, family)
    onnx.checker.check_model(model, full_check=True)
    expected, found = run_on_cpu(family.model, inputs), run_on_cpu(model, inputs, basic=True)
    assert min(cosine(expected[key], found[key]) for key in expected) >= COSINES[name]


@pytest.mark.parametrize(("recipe", "name"), CELLS)
def test_tensorrt_rtx_builds_it(recipe, name, family_of, build_for):
    pytest.importorskip("onnxruntime")
    family = family_of(name)
    assert all(build_for(convert(recipe, family), TARGETS, dims=family.dims))


def test_scales_are_those_of_the_greatest_magnitudes_whatever_the_method(family_of):
    pytest.importorskip("onnxruntime")
    family = family_of("mlp")
    samples = family.calibration().samples
    first, second = (
        fp8(family.model, Calibration(samples=samples, method=method)).model
        for method in ("minmax", "entropy")
    )
    assert first == second
