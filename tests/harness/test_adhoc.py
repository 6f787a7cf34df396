import pytest

from engines import registry
from harness.adhoc import adhoc_suite
from harness.vocabulary import installed_vocabulary
from suites.errors import SuiteError
from suites.suite import Axis, BuiltinSource, FileSource

DEFAULTS = {
    "batches": ["1"],
    "backends": ["onnxruntime-cpu"],
    "precisions": ["fp32"],
    "axes": {},
    "dims": {},
}


def adhoc(model, **changes):
    return adhoc_suite(model, installed_vocabulary(), **{**DEFAULTS, **changes})


def test_a_built_in_is_known_by_its_name():
    suite = adhoc("lstm", batches=["1", "8"], axes={"sequence": ["16", "128"]})
    assert suite.name == "bench-lstm"
    assert suite.models[0].source == BuiltinSource(name="lstm")
    assert suite.matrix == (
        Axis(name="model", values=("lstm",)),
        Axis(name="backend", values=("onnxruntime-cpu",)),
        Axis(name="precision", values=("fp32",)),
        Axis(name="batch", values=(1, 8)),
        Axis(name="sequence", values=(16, 128)),
    )


def test_a_file_is_named_by_its_stem_made_fit_for_a_case_id(tmp_path):
    path = tmp_path / "my model=1,2.onnx"
    path.write_bytes(b"")
    suite = adhoc(str(path), dims={"x:0": ["batch", "64"]})
    assert suite.name == "bench-my-model-1-2"
    assert suite.models[0].source == FileSource(path=path, given=str(path))
    assert suite.models[0].dims == (("x:0", ("batch", 64)),)


def test_all_backends_are_the_real_ones_that_are_available():
    suite = adhoc("lstm", backends=["all"])
    (values,) = [axis.values for axis in suite.matrix if axis.name == "backend"]
    assert "onnxruntime-cpu" in values
    assert "fake" not in values


@pytest.mark.parametrize(
    ("axes", "backends"),
    [
        ({}, ("onnxruntime-cpu",)),
        ({"provider": ["Mine"]}, ("onnxruntime-cpu", "onnxruntime-plugin")),
    ],
)
def test_a_plugin_is_among_all_backends_where_an_option_says_which(monkeypatch, axes, backends):
    vocabulary = installed_vocabulary()
    names = ("fake", "onnxruntime-cpu", "onnxruntime-plugin")
    real = {name: registry.get(name) for name in names}
    for backend in real.values():
        monkeypatch.setattr(type(backend), "unavailable", lambda _: None)
    monkeypatch.setattr(registry, "names", lambda: names)
    suite = adhoc_suite("lstm", vocabulary, **{**DEFAULTS, "backends": ["all"], "axes": axes})
    (values,) = [axis.values for axis in suite.matrix if axis.name == "backend"]
    assert values == backends


def test_other_arguments_are_another_suite():
    assert adhoc("lstm").sha256 == adhoc("lstm").sha256
    assert adhoc("lstm").sha256 != adhoc("lstm", batches=["2"]).sha256


def test_option_values_have_their_types():
    suite = adhoc("lstm", axes={"threads": ["1", "2"], "spinning": ["true"]})
    axes = {axis.name: axis.values for axis in suite.matrix}
    assert axes["threads"] == (1, 2)
    assert axes["spinning"] == (True,)


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(SuiteError) as error:
        adhoc("nowhere.onnx")
    assert "nowhere.onnx" in str(error.value)
    assert str(error.value).startswith("bench: models.nowhere.onnx")
