import ml_dtypes
import numpy as np
import pytest

from suites.case import Case
from suites.errors import SuiteError
from suites.inputs import check_input_files, make_inputs
from suites.matrix import Planned
from suites.signature import Signature, TensorSpec
from suites.suite import FileInput, FileSource, FixedInput, Model, RandomInput, Suite

FLOATS = ["float16", "float32", "float64", "bfloat16", "float8_e4m3fn"]


def spec(name, dtype="float32", dims=("batch", "sequence"), bound=None):
    return TensorSpec(name=name, dtype=dtype, dims=dims, bound=bound)


def case(batch=2, sequence=5, **more):
    return Case(
        model="m",
        backend="fake",
        precision="fp32",
        batch=batch,
        dims=(("sequence", sequence),),
        **more,
    )


def model(**inputs):
    return Model(
        name="m", source=FileSource(path=None, given="m.onnx"), inputs=tuple(inputs.items())
    )


def make(*specs, at=None, seed=0, **inputs):
    signature = Signature(inputs=specs, outputs=())
    return make_inputs(model(**inputs), signature, at or case(), seed)


def check(*specs, at=None, **inputs):
    signature = Signature(inputs=specs, outputs=())
    held = model(**inputs)
    suite = Suite(name="s", path=None, sha256="", models=(held,), matrix=())
    check_input_files(suite, (Planned(case=at or case()),), {"m": signature})


def error(*specs, **inputs):
    """Return the message, once it is clear that make_inputs refuses the same."""
    with pytest.raises(SuiteError):
        make(*specs, **inputs)
    with pytest.raises(SuiteError) as caught:
        check(*specs, **inputs)
    return str(caught.value)


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_standard_normal_of_their_type(dtype):
    values = make(spec("x", dtype), at=case(batch=200, sequence=200))["x"]

    wide = values.astype(np.float64)
    assert (values.dtype.name, values.shape) == (dtype, (200, 200))
    assert abs(wide.mean()) < 0.02
    assert abs(wide.std() - 1) < 0.02


def test_values_depend_on_seed_name_and_shape_only():
    alone = make(spec("x"))["x"]

    assert (make(spec("y"), spec("x"))["x"] == alone).all()
    assert (make(spec("x"), at=case(options=(("threads", 2),)))["x"] == alone).all()
    assert (make(spec("x"), seed=1)["x"] != alone).all()
    assert (make(spec("y"))["y"] != alone).all()
    assert (make(spec("x"), at=case(batch=3))["x"][:2] != alone).all()


def test_values_stay_what_they_were():
    floats = make(spec("x", dims=(3,)))["x"]
    ids = make(spec("ids", "int64", dims=(6,), bound=1000))["ids"]

    assert floats.tolist() == pytest.approx([0.75401, -1.859736, 0.011195], abs=1e-6)
    assert ids.tolist() == [23, 926, 592, 517, 819, 397]


def test_integers_stay_below_the_bound_of_the_graph():
    values = make(spec("ids", "int64", bound=7), at=case(batch=50, sequence=50))["ids"]

    assert (values.dtype, values.min(), values.max()) == (np.int64, 0, 6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "int4"])
def test_integers_without_a_bound_are_zero_or_one(dtype):
    values = make(spec("x", dtype), at=case(batch=9, sequence=9))["x"]

    assert values.dtype.name == dtype
    assert set(values.astype(int).flat) == {0, 1}


def test_booleans_are_fair():
    values = make(spec("x", "bool"), at=case(batch=100, sequence=100))["x"]

    assert values.dtype == bool
    assert 0.45 < values.mean() < 0.55


def test_a_range_may_name_a_dimension():
    lengths = RandomInput(low=1, high="sequence+1")

    values = make(spec("n", "int32", ("batch",)), at=case(batch=400, sequence=3), n=lengths)["n"]

    assert set(values.tolist()) == {1, 2, 3}


def test_a_range_of_floats_is_uniform():
    values = make(spec("x"), at=case(batch=99, sequence=99), x=RandomInput(low=-2, high=3.5))["x"]

    assert values.dtype == np.float32
    assert values.min() == pytest.approx(-2, abs=0.01)
    assert values.max() == pytest.approx(3.5, abs=0.01)


@pytest.mark.parametrize(
    ("dtype", "value"), [("int64", 16000), ("float16", 0.5), ("bool", True), ("bfloat16", -1)]
)
def test_a_fixed_value_fills_a_scalar_and_an_array(dtype, value):
    made = make(
        spec("x", dtype, ()),
        spec("y", dtype),
        x=FixedInput(value=value),
        y=FixedInput(value=value),
    )

    assert (made["x"].shape, made["y"].shape) == ((), (2, 5))
    assert made["x"].dtype.name == dtype
    assert (made["y"] == made["x"]).all()
    assert made["x"] == value


@pytest.mark.parametrize(
    ("dtype", "source", "message"),
    [
        ("int64", FixedInput(value=0.5), ".value: expected a whole number for int64, got 0.5."),
        (
            "int8",
            FixedInput(value=300),
            (".value: expected values from -128 to 127 for int8, got 300."),
        ),
        ("int64", FixedInput(value=True), ".value: expected a whole number for int64, got true."),
        ("float32", FixedInput(value=True), ".value: expected a number for float32, got true."),
        (
            "float16",
            FixedInput(value=1e5),
            (".value: expected values from -65504.0 to 65504.0 for float16, got 100000.0."),
        ),
        ("bool", FixedInput(value=2), ".value: expected true or false for bool, got 2."),
        (
            "int8",
            RandomInput(high=300),
            (".high: expected values from -128 to 127 for int8, got 300."),
        ),
        ("int64", RandomInput(low=0.5), ".low: expected a whole number for int64, got 0.5."),
        (
            "int64",
            RandomInput(low=5, high="sequence"),
            (": expected low below high, got 5 and 5 for m/fake/fp32/b2/sequence=5."),
        ),
        ("float32", RandomInput(low=0), ": expected both low and high for float32."),
        (
            "int64",
            RandomInput(high="sequense"),
            (
                ".high: expected a dimension of the model (batch, sequence), got "
                "'sequense'. Did you mean 'sequence'?"
            ),
        ),
        (
            "complex64",
            RandomInput(),
            (
                ": expected an input of numbers or booleans, got one of complex64. dyno "
                "cannot make such values."
            ),
        ),
    ],
)
def test_values_that_do_not_fit_the_type_are_errors(dtype, source, message):
    assert error(spec("x", dtype), x=source) == f"s: models.m.inputs.x{message}"


@pytest.mark.parametrize(
    ("source", "place", "shown"),
    [
        (FixedInput(value=7), "value", "7"),
        (FixedInput(value=-8), "value", "-8"),
        (RandomInput(low=-8), "low", "-8"),
        (RandomInput(low=7), "low", "7"),
        (RandomInput(high=8), "high", "8"),
        (RandomInput(low=0, high="2*sequence"), "high", "10"),
    ],
)
def test_values_that_index_beyond_what_the_graph_has_are_errors(source, place, shown):
    assert error(spec("ids", "int64", bound=7), ids=source) == (
        f"s: models.m.inputs.ids.{place}: expected values from -7 to 6 for int64, "
        f"which index 7 entries, got {shown}."
    )


@pytest.mark.parametrize(
    ("dtype", "source", "lowest", "highest"),
    [
        ("int64", FixedInput(value=-7), -7, -7),
        ("int64", FixedInput(value=6), 6, 6),
        ("int64", RandomInput(low=-7, high=7), -7, 6),
        ("int64", RandomInput(low=5), 5, 6),
        ("uint8", RandomInput(high=7), 0, 6),
        ("float32", FixedInput(value=9), 9, 9),
    ],
)
def test_indices_reach_from_the_last_entry_backwards_to_the_last(dtype, source, lowest, highest):
    values = make(spec("ids", dtype, bound=7), at=case(batch=50, sequence=50), ids=source)["ids"]

    assert (values.min(), values.max()) == (lowest, highest)


@pytest.mark.parametrize(
    ("dtype", "source", "bound", "lowest", "highest"),
    [
        ("int8", RandomInput(low=127), None, 127, 127),
        ("int8", RandomInput(), 1000, 0, 127),
        ("uint64", RandomInput(low=2**64 - 1, high=2**64), None, 2**64 - 1, 2**64 - 1),
    ],
)
def test_a_range_never_leaves_the_type(dtype, source, bound, lowest, highest):
    values = make(spec("x", dtype, bound=bound), at=case(batch=90, sequence=90), x=source)["x"]

    assert (int(values.min()), int(values.max())) == (lowest, highest)


def test_a_shape_that_is_empty_is_an_error():
    assert error(spec("x", dims=("batch", "sequence-5"))) == (
        "s: m/fake/fp32/b2/sequence=5: input x: expected dimension 'sequence-5' to be at least 1, "
        "got 0 with sequence=5. Give larger sizes."
    )


@pytest.mark.parametrize("name", ["x:0", "a b", "it's", 'say "x"', "scope/x"])
def test_unusual_names_of_inputs_are_kept(name):
    assert list(make(spec(name), **{name: FixedInput(value=1)})) == [name]


@pytest.fixture
def array_file(tmp_path):
    """Return the input source of a file that numpy wrote."""

    def write(name="a.npz", key=None, **arrays):
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, *arrays.values())
        else:
            np.savez(path, **arrays)
        return FileInput(path=path, given=name, key=key)

    return write


VALUES = np.arange(10, dtype=np.float32).reshape(2, 5)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_an_array_comes_from_a_file(array_file, name):
    made = make(spec("x"), x=array_file(name, x=VALUES))

    assert made["x"].dtype == np.float32
    assert (made["x"] == VALUES).all()


def test_an_array_is_found_by_its_key(array_file):
    source = array_file(key="b:0/c", **{"a": VALUES[:1], "b:0/c": VALUES})

    assert (make(spec("x"), x=source)["x"] == VALUES).all()


def test_a_longer_file_serves_its_first_rows(array_file):
    source = array_file("a.npy", x=VALUES)

    assert (make(spec("x"), at=case(batch=1), x=source)["x"] == VALUES[:1]).all()


def test_types_that_numpy_saves_as_bytes_are_read_back(array_file):
    wanted = VALUES.astype(ml_dtypes.bfloat16)

    made = make(spec("x", "bfloat16"), x=array_file(x=wanted))["x"]

    assert made.dtype == wanted.dtype
    assert (made == wanted).all()


def test_a_scalar_comes_from_a_file(array_file):
    made = make(spec("x", "int64", ()), x=array_file("a.npy", x=np.int64(7)))

    assert (made["x"].shape, made["x"]) == ((), 7)


@pytest.mark.parametrize(
    ("dims", "arrays", "key", "message"),
    [
        (
            ("batch", "sequence"),
            {"mask": VALUES, "ids": VALUES},
            "masks",
            (".key: expected one of mask, ids, got 'masks'. Did you mean 'mask'?"),
        ),
        (
            ("batch", "sequence"),
            {"mask": VALUES, "ids": VALUES},
            None,
            (".key: expected one of mask, ids, got nothing. Name one."),
        ),
        (
            ("batch", "sequence"),
            {"x": VALUES.astype(float)},
            None,
            (": expected float32, got float64 in 'a.npz'. Save it as float32."),
        ),
        (
            ("batch", "sequence"),
            {"x": VALUES[:1]},
            None,
            (
                ": expected shape [2, 5] for m/fake/fp32/b2/sequence=5, got [1, 5] in "
                "'a.npz'. The first axis may be longer."
            ),
        ),
        (
            ("batch", "sequence"),
            {"x": VALUES[:, :4]},
            None,
            (
                ": expected shape [2, 5] for m/fake/fp32/b2/sequence=5, got [2, 4] in "
                "'a.npz'. The first axis may be longer."
            ),
        ),
        (
            (1, "sequence"),
            {"x": VALUES},
            None,
            (
                ": expected shape [1, 5] for m/fake/fp32/b2/sequence=5, got [2, 5] in "
                "'a.npz'. Save it in that shape."
            ),
        ),
        (
            (),
            {"x": VALUES},
            None,
            (
                ": expected shape [] for m/fake/fp32/b2/sequence=5, got [2, 5] in "
                "'a.npz'. Save it in that shape."
            ),
        ),
    ],
)
def test_an_array_that_does_not_fit_is_an_error(array_file, dims, arrays, key, message):
    source = array_file(key=key, **arrays)

    assert error(spec("x", dims=dims), x=source) == f"s: models.m.inputs.x{message}"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.npz", b"no zip", "File is not a zip file"),
        ("a.npy", b"", "EOF: reading magic string, expected 8 bytes got 0"),
        ("a.npy", b"\x93NUMPY\x03\x00", "format 3.0 holds no plain numbers"),
    ],
)
def test_a_file_that_numpy_did_not_write_is_an_error(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    source = FileInput(path=tmp_path / name, given=name)

    assert error(spec("x"), x=source) == (
        f"s: models.m.inputs.x.file: expected an array file as numpy saves it, got '{name}': "
        f"{reason}. Save it again."
    )


def test_a_file_that_is_gone_is_an_error(tmp_path):
    source = FileInput(path=tmp_path / "a.npy", given="a.npy")
    assert error(spec("x"), x=source) == (
        "s: models.m.inputs.x.file: expected an array file as numpy saves it, got 'a.npy': "
        "No such file or directory. Save it again."
    )


def test_pickled_objects_are_never_loaded(array_file):
    source = array_file("a.npy", x=np.array([[object()] * 5] * 2))

    assert error(spec("x"), x=source) == (
        "s: models.m.inputs.x: expected float32, got object in 'a.npy'. Save it as float32."
    )
