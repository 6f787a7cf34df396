import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.errors import SuiteError
from suites.expressions import evaluate, parse_expression
from suites.shapes import (
    apply_dims,
    dimension_names,
    is_dimension_name,
    name_batch,
    names_in,
    require_names,
    resolve_shape,
)
from suites.signature import Signature, TensorSpec


def spec(name, *dims):
    return TensorSpec(name=name, dtype="float32", dims=dims)


def signature(*inputs, outputs=()):
    return Signature(inputs=inputs, outputs=outputs)


VAD = signature(spec("input", None, None), spec("state", 2, None, 128), spec("sr"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("s", 7),
        ("2*s", 14),
        ("s+1", 8),
        ("s-1", 6),
        ("s//2", 3),
        ("s - s//2 - 1", 3),
        ("1+2*s//4", 4),
        ("s+t", 10),
        ("12", 12),
    ],
)
def test_expressions_follow_the_usual_precedence(text, value):
    assert evaluate(text, {"s": 7, "t": 3}) == value


@given(st.lists(st.tuples(st.sampled_from(["+", "-", "*", "//"]), st.integers(1, 9)), max_size=6))
def test_expressions_agree_with_python(terms):
    text = "s" + "".join(f"{operator}{size}" for operator, size in terms)

    assert evaluate(text, {"s": 5}) == eval(text, {"s": 5})  # noqa: S307


@pytest.mark.parametrize(
    "text", ["", "?", "a b", "2(s)", "s/2", "s//0", "1a", "*s", "s*", "é" * 201]
)
def test_what_is_no_expression_is_none(text):
    assert parse_expression(text) is None


def test_names_may_have_dots_and_letters_of_any_alphabet():
    assert is_dimension_name("p2o.Dim.0")
    assert is_dimension_name("séquence")
    assert not is_dimension_name("2s")
    assert names_in("2*a+a+b") == ("a", "b")


def test_dimension_names_come_in_the_order_of_the_inputs():
    found = dimension_names(signature(spec("x", "batch", "t+1"), spec("y", 3, "u", "batch")))

    assert found == ("batch", "t", "u")


def test_a_shape_is_resolved_by_sizes():
    assert resolve_shape(spec("x", "batch", "2*t", 3), {"batch": 8, "t": 5}) == (8, 10, 3)


def test_a_dimension_below_one_is_an_error():
    with pytest.raises(SuiteError) as caught:
        resolve_shape(spec("x", "batch", "t-2"), {"batch": 8, "t": 1})
    assert str(caught.value) == (
        "x: expected dimension 't-2' to be at least 1, got -1 with t=1. Give larger sizes"
    )


def test_a_size_that_is_missing_is_an_error():
    with pytest.raises(SuiteError) as caught:
        resolve_shape(spec("x", "t"), {"batch": 8})
    assert str(caught.value) == "x: expected a size for 't', got none"


def test_an_unnamed_dimension_has_no_shape():
    with pytest.raises(SuiteError) as caught:
        resolve_shape(spec("x", 3, None), {})
    assert str(caught.value) == "x: expected named or fixed dimensions, got [3, ?]"


def test_dims_override_a_file_by_position():
    dims = (("input", ("batch", 576)), ("state", (2, "batch", 128)))

    applied = apply_dims(VAD, dims, "rnn.yaml: models.vad.dims")

    assert [s.dims for s in applied.inputs] == [("batch", 576), (2, "batch", 128), ()]
    assert apply_dims(applied, dims, "again") == applied


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        (
            (("inputt", ("batch", 576)),),
            (
                "m.dims: expected one of the model's inputs 'input', 'state', 'sr', got 'inputt'. "
                "Did you mean 'input'?"
            ),
        ),
        (
            (("state", (2, "batch")),),
            "m.dims.state: expected 3 dimensions, got 2. The file has [2, ?, 128].",
        ),
        (
            (("state", (3, "batch", 128)),),
            (
                "m.dims.state[0]: expected 2, the size that the file fixes, got 3. "
                "Export the model again to vary it."
            ),
        ),
        (
            (("state", (2, "batch", "width")),),
            (
                "m.dims.state[2]: expected 128, the size that the file fixes, got 'width'. "
                "Export the model again to vary it."
            ),
        ),
        ((("sr", (1,)),), "m.dims.sr: expected 0 dimensions, got 1. The file has []."),
    ],
)
def test_dims_that_do_not_fit_are_errors(dims, message):
    with pytest.raises(SuiteError) as caught:
        apply_dims(VAD, dims, "m.dims")
    assert str(caught.value) == message


def test_dims_may_give_anything_where_the_file_fixes_nothing():
    named = signature(spec("x", "rows", None, 128))

    for dims in (("batch", "2*t", 128), (4, 7, "2*64"), ("rows//2", "rows", 128)):
        assert apply_dims(named, (("x", dims),), "m.dims").inputs[0].dims == dims


@pytest.mark.parametrize("name", ["x:0", "a b", "it's", 'say "x"', "scope/x"])
def test_unusual_input_names_can_be_overridden(name):
    applied = apply_dims(signature(spec(name, None)), ((name, ("batch",)),), "m.dims")

    assert applied.inputs[0].dims == ("batch",)


def test_unnamed_dimensions_must_be_named_by_the_user():
    with pytest.raises(SuiteError) as caught:
        require_names(VAD, "rnn.yaml: models.vad.dims")
    assert str(caught.value) == (
        "rnn.yaml: models.vad.dims: expected a name or a size for every dimension of input "
        "'input', got [?, ?]. Write models.vad.dims: {'input': [?, ?]} with a name or a size for "
        "each '?'."
    )


@pytest.mark.parametrize("word", ["N", "n", "B", "batch_size", "BatchSize", "bs"])
def test_customary_names_of_the_batch_become_batch(word):
    named = name_batch(signature(spec("x", word, 3), outputs=(spec("y", f"2*{word}"),)))

    assert named.inputs[0].dims == ("batch", 3)
    assert named.outputs[0].dims == ("2*batch",)


@pytest.mark.parametrize(
    ("dims", "kept"),
    [
        (("batch", "N", 3), ("batch", "N", 3)),
        (("B", "N", 3), ("batch", "N", 3)),
        ((1, "N"), (1, "N")),
        (("t", "batch_size"), ("t", "batch")),
    ],
)
def test_letters_that_may_mean_something_else_are_kept(dims, kept):
    assert name_batch(signature(spec("x", *dims))).inputs[0].dims == kept
