import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suites.errors import SuiteError
from suites.matrix import expand
from suites.signature import Signature, TensorSpec
from suites.suite import Axis, FileSource, Model, Selection, Suite
from suites.vocabulary import OptionWord, Vocabulary

VOCABULARY = Vocabulary(
    backends=("fake", "cpu"),
    options=(
        OptionWord(name="threads", kind=int, backends=("cpu",), minimum=1),
        OptionWord(name="spinning", kind=bool, backends=("cpu",), choices=(False, True)),
    ),
)


def spec(name, *dims):
    return TensorSpec(name=name, dtype="float32", dims=dims)


def signature(*inputs, defaults=()):
    return Signature(inputs=inputs, outputs=(spec("out", "batch"),), defaults=defaults)


SIGNATURES = {
    "lstm": signature(spec("x", "batch", "sequence"), defaults=(("sequence", 32),)),
    "mlp": signature(spec("x", "N", 3)),
    "vad": signature(spec("x", 1, "frames"), spec("sr")),
    "four": signature(spec("x", 4, 3), spec("y", 4), spec("z")),
    "mixed": signature(spec("x", 4, 3), spec("y", 2, 4)),
    "unnamed": signature(spec("x", None, 3)),
}


def model(name, **more):
    return Model(name=name, source=FileSource(path=None, given=f"{name}.onnx"), **more)


def suite(*models, include=(), exclude=(), defaults=(), **axes):
    axes = {"precision": ("fp32",), "backend": ("fake",), "batch": (1,), **axes}
    models = tuple(m if isinstance(m, Model) else model(m) for m in models)
    names = tuple(m.name for m in models)
    return Suite(
        name="s",
        path=None,
        sha256="",
        models=models,
        matrix=tuple(Axis(name=n, values=v) for n, v in {"model": names, **axes}.items()),
        defaults=defaults,
        include=selections("include", include),
        exclude=selections("exclude", exclude),
    )


def selections(key, entries):
    return tuple(
        Selection(
            where=f"{key}[{at}]",
            axes=tuple((n, v) for n, v in entry.items() if n != "reason"),
            reason=entry.get("reason", ""),
        )
        for at, entry in enumerate(entries)
    )


def ids(*args, **kwargs):
    return [entry.case.id for entry in expand(suite(*args, **kwargs), SIGNATURES, VOCABULARY)]


def error(*args, **kwargs):
    with pytest.raises(SuiteError) as caught:
        expand(suite(*args, **kwargs), SIGNATURES, VOCABULARY)
    return str(caught.value)


def test_models_vary_slowest_then_backend_precision_batch_and_the_rest():
    found = ids("lstm", backend=("fake", "cpu"), sequence=(8, 4), batch=(2, 1))

    assert found == [
        "lstm/fake/fp32/b2/sequence=8",
        "lstm/fake/fp32/b2/sequence=4",
        "lstm/fake/fp32/b1/sequence=8",
        "lstm/fake/fp32/b1/sequence=4",
        "lstm/cpu/fp32/b2/sequence=8",
        "lstm/cpu/fp32/b2/sequence=4",
        "lstm/cpu/fp32/b1/sequence=8",
        "lstm/cpu/fp32/b1/sequence=4",
    ]


def test_an_axis_does_not_multiply_what_does_not_have_it():
    found = ids("lstm", "mlp", backend=("fake", "cpu"), sequence=(4, 8), threads=(1, 2))

    assert found == [
        "lstm/fake/fp32/b1/sequence=4",
        "lstm/fake/fp32/b1/sequence=8",
        "lstm/cpu/fp32/b1/sequence=4/threads=1",
        "lstm/cpu/fp32/b1/sequence=4/threads=2",
        "lstm/cpu/fp32/b1/sequence=8/threads=1",
        "lstm/cpu/fp32/b1/sequence=8/threads=2",
        "mlp/fake/fp32/b1",
        "mlp/cpu/fp32/b1/threads=1",
        "mlp/cpu/fp32/b1/threads=2",
    ]


def test_a_dimension_takes_the_axis_else_the_suites_default_else_the_models():
    assert ids("lstm") == ["lstm/fake/fp32/b1/sequence=32"]
    assert ids("lstm", defaults=(("sequence", 5),)) == ["lstm/fake/fp32/b1/sequence=5"]
    assert ids("lstm", sequence=(7,)) == ["lstm/fake/fp32/b1/sequence=7"]


def test_options_are_those_given_in_an_order_of_their_own():
    found = ids("mlp", backend=("cpu", "fake"), defaults=(("spinning", True),), threads=(2,))

    assert found == ["mlp/cpu/fp32/b1/threads=2/spinning=true", "mlp/fake/fp32/b1"]


def test_a_dimension_without_a_size_is_an_error_with_both_remedies():
    assert error("vad") == (
        "s: models.vad: expected a size for dimension 'frames' of input 'x', got none. "
        "Add matrix.frames, or fix it in models.vad.dims."
    )


def test_an_unnamed_dimension_is_an_error():
    assert error("unnamed") == (
        "s: models.unnamed.dims: expected a name or a size for every dimension of input 'x', got "
        "[?, 3]. Write models.unnamed.dims: {'x': [?, 3]} with a name or a size for each '?'."
    )


def test_dims_make_a_dimension_of_the_matrix():
    named = model("unnamed", dims=(("x", ("rows", 3)),))

    found = expand(suite(named, rows=(2, 3)), SIGNATURES, VOCABULARY)

    assert [entry.case.id for entry in found] == [
        "unnamed/fake/fp32/b1/rows=2",
        "unnamed/fake/fp32/b1/rows=3",
    ]


def test_values_for_an_input_that_is_not_there_are_an_error():
    assert error(model("mlp", inputs=(("y", None),))) == (
        "s: models.mlp.inputs: expected one of the model's inputs 'x', got 'y'."
    )


@pytest.mark.parametrize(
    ("name", "axis", "hint"),
    [
        ("sequense", "matrix", " Did you mean 'sequence'?"),
        ("thread", "matrix", " Did you mean 'threads'?"),
        ("batch_", "defaults", " Did you mean 'batch'?"),
        ("zzz", "matrix", " Remove it."),
    ],
)
def test_an_axis_that_nothing_has_is_an_error(name, axis, hint):
    given = {name: (3,)} if axis == "matrix" else {"defaults": ((name, 3),)}

    assert error("lstm", backend=("cpu",), **given) == (
        f"s: {axis}: expected a dimension of its models (sequence) or an option of its backends "
        f"(threads, spinning), got '{name}'.{hint}"
    )


def test_an_option_of_another_backend_is_an_error():
    assert error("mlp", threads=(1,)) == (
        "s: matrix: expected a dimension of its models (they have none) or an option of its "
        "backends (they have none), got 'threads'. Remove it."
    )


@pytest.mark.parametrize(
    ("name", "size"), [("vad", 1), ("four", 4), ("mixed", 1)], ids=["ones", "common", "differ"]
)
def test_other_batches_of_a_static_model_are_skipped_with_what_would_vary_it(name, size):
    axes = {"frames": (9,)} if name == "vad" else {}

    found = expand(suite(name, batch=(1, 4), **axes), SIGNATURES, VOCABULARY)

    remedy = (
        "if one of its dimensions is the batch, call it so in models.vad.dims"
        if name == "vad"
        else "export it with one to vary it"
    )
    reason = f"static batch {size}: the model has no 'batch' dimension; {remedy}"
    assert [entry.skip for entry in found] == [None if b == size else reason for b in (1, 4)]


def test_a_model_with_dims_and_no_batch_has_batch_one():
    fixed = model("four", dims=(("x", (4, 3)),))

    found = expand(suite(fixed, batch=(1, 4)), SIGNATURES, VOCABULARY)

    assert [entry.skip is None for entry in found] == [True, False]


@pytest.mark.parametrize("name", ["model", "backend", "precision"])
def test_a_dimension_called_as_an_axis_is_must_be_renamed(name):
    signatures = {"m": signature(spec("x", "batch", 3), spec("y", f"2*{name}"))}

    with pytest.raises(SuiteError) as caught:
        expand(suite("m"), signatures, VOCABULARY)
    assert str(caught.value) == (
        f"s: models.m: expected dimensions with names of their own, got '{name}' of input 'y', "
        "which is an axis already. Rename it with models.m.dims."
    )
    renamed = expand(suite(model("m", dims=(("y", ("rows",)),)), rows=(2,)), signatures, VOCABULARY)
    assert [entry.case.id for entry in renamed] == ["m/fake/fp32/b1/rows=2"]


@pytest.mark.parametrize("axes", [{"threads": (1,), "backend": ("cpu",)}, {}])
def test_a_dimension_called_as_an_option_is_must_be_renamed(axes):
    signatures = {"m": signature(spec("x", "batch", "threads")), "mlp": SIGNATURES["mlp"]}

    with pytest.raises(SuiteError) as caught:
        expand(suite("mlp", "m", **axes), signatures, VOCABULARY)
    assert str(caught.value) == (
        "s: models.m: expected dimensions with names of their own, got 'threads' of input 'x', "
        "which is an option of cpu already. Rename it with models.m.dims."
    )


def test_a_model_that_no_case_has_may_call_its_dimensions_anything():
    signatures = {"m": signature(spec("x", "batch", "threads")), "mlp": SIGNATURES["mlp"]}

    found = expand(suite("mlp", "m", model=("mlp",)), signatures, VOCABULARY)

    assert [entry.case.id for entry in found] == ["mlp/fake/fp32/b1"]


def test_excluded_cases_are_skipped_with_the_reason():
    found = expand(
        suite(
            "lstm",
            "mlp",
            batch=(1, 8),
            sequence=(4, 8),
            exclude=[
                {"sequence": (8,), "batch": (8,), "reason": "too long"},
                {"model": ("mlp",), "batch": (8,)},
            ],
        ),
        SIGNATURES,
        VOCABULARY,
    )

    assert {entry.case.id: entry.skip for entry in found if entry.skip} == {
        "lstm/fake/fp32/b8/sequence=8": "excluded by the suite: too long",
        "mlp/fake/fp32/b8": "excluded by the suite",
    }


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            {"model": ("mlp",), "batch": (16,)},
            "{model: mlp, batch: 16}. The matrix has batch 1, 8.",
        ),
        (
            {"model": ("mlp",), "sequence": (4,)},
            "{model: mlp, sequence: 4}. No single case has all of these.",
        ),
        ({"threads": (1, 2)}, "{threads: [1, 2]}. No case has 'threads'."),
        ({"model": ("vad",)}, "{model: vad}. The matrix has model lstm, mlp."),
    ],
)
def test_an_exclude_that_matches_nothing_is_an_error(entry, text):
    found = error("lstm", "mlp", batch=(1, 8), sequence=(4,), exclude=[{"batch": (8,)}, entry])

    assert found == f"s: exclude[1] matches no case: {text}"


def test_included_cases_follow_and_take_the_matrix_for_what_they_leave_out():
    found = ids(
        "lstm",
        "mlp",
        batch=(1, 8),
        sequence=(4, 8),
        exclude=[{"batch": (8,)}],
        include=[{"model": ("lstm",), "batch": (64, 32), "backend": ("cpu",), "threads": (3,)}],
    )

    assert found[-4:] == [
        "lstm/cpu/fp32/b64/sequence=4/threads=3",
        "lstm/cpu/fp32/b64/sequence=8/threads=3",
        "lstm/cpu/fp32/b32/sequence=4/threads=3",
        "lstm/cpu/fp32/b32/sequence=8/threads=3",
    ]
    assert len(found) == 10


def test_an_include_may_bring_a_model_that_the_matrix_has_not():
    both = suite("lstm", "four", include=[{"model": ("four",), "batch": (2,)}], model=("lstm",))

    found = expand(both, SIGNATURES, VOCABULARY)

    assert [entry.case.id for entry in found] == [
        "lstm/fake/fp32/b1/sequence=32",
        "four/fake/fp32/b2",
    ]
    assert found[1].skip.startswith("static batch 4: ")


def test_an_include_with_an_axis_that_means_nothing_is_an_error():
    assert error("mlp", include=[{"batch": (2,), "sequence": (3,)}]) == (
        "s: include[0] matches no case: {batch: 2, sequence: 3}. "
        "None of its models or backends has 'sequence'; remove it."
    )


def test_a_case_twice_is_an_error():
    assert error("mlp", "lstm", batch=(1, 8), include=[{"model": ("mlp",)}]) == (
        "s: include: expected each case once, got mlp/fake/fp32/b1 again. "
        "Remove it from include, or from the matrix."
    )


def test_too_many_cases_are_an_error_before_any_is_made():
    sizes = tuple(range(1, 10_001))

    assert error("lstm", "mlp", batch=sizes, sequence=sizes) == (
        "s: matrix: expected at most 100000 cases, got 100010000. "
        "Shorten an axis, or split the suite."
    )


axis_sizes = st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True).map(tuple)


@settings(max_examples=40, deadline=None)
@given(axis_sizes, axis_sizes, axis_sizes, st.data())
def test_an_exclude_parts_the_cases_and_keeps_their_order(batch, sequence, threads, data):
    axes = {"backend": ("cpu", "fake"), "batch": batch, "sequence": sequence, "threads": threads}
    entry = {
        "batch": (data.draw(st.sampled_from(batch)),),
        "backend": (data.draw(st.sampled_from(axes["backend"])),),
    }

    plain = expand(suite("lstm", "mlp", **axes), SIGNATURES, VOCABULARY)
    parted = expand(suite("lstm", "mlp", **axes, exclude=[entry]), SIGNATURES, VOCABULARY)

    assert len({entry.case.id for entry in plain}) == len(plain)
    assert [entry.case for entry in parted] == [entry.case for entry in plain]
    excluded = {p.case for p in parted if p.skip}
    assert excluded == {
        p.case
        for p in plain
        if p.case.batch in entry["batch"] and p.case.backend in entry["backend"]
    }
