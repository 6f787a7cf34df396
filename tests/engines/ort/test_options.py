import pytest

from engines.ort.options import HOST_OPTIONS, refused_level, session_options

pytest.importorskip("onnxruntime")

DEFAULTS = {option.name: option.default for option in HOST_OPTIONS}


def test_products_with_4_bit_weights_keep_their_other_factor_in_floats():
    options = session_options(DEFAULTS, optimize=True)
    key = "session.qdq_matmulnbits_accuracy_level"
    assert options.get_session_config_entry(key) == "1"


def test_the_setting_under_which_fp8_is_silently_wrong_is_never_made():
    options = session_options(DEFAULTS, optimize=True)
    with pytest.raises(RuntimeError, match="does not have configuration with key"):
        options.get_session_config_entry("session.disable_quant_qdq")


@pytest.mark.parametrize("precision", ["fp8", "fp8-fp16"])
@pytest.mark.parametrize("level", ["extended", "layout", "all"])
def test_levels_that_take_fp8_for_int8_are_refused(precision, level):
    assert refused_level(precision, {"graph_optimization": level}) == (
        f"graph_optimization={level} makes ONNX Runtime take {precision} for int8 on the CPU; "
        "use basic or disabled"
    )


@pytest.mark.parametrize(
    ("precision", "level"), [("fp8", "basic"), ("fp8-fp16", "disabled"), ("int8", "all")]
)
def test_other_levels_and_precisions_are_not_refused(precision, level):
    assert refused_level(precision, {"graph_optimization": level}) is None
