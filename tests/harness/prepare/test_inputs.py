import errno
import itertools
import os
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from harness.child import ChildError
from harness.folders import Folders
from harness.inspect import Inspected
from harness.prepare.inputs import is_whole, store_inputs
from harness.prepare.models import prepare_models
from suites.case import Case
from suites.signature import Signature, TensorSpec
from suites.suite import BuiltinSource, FixedInput, Model

MODEL = Model(name="m", source=BuiltinSource(name="mlp"))
CASE = Case(model="m", backend="fake", precision="fp32", batch=3)
SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="a/b", dtype="float32", dims=("batch", 4)),
        TensorSpec(name="half", dtype="bfloat16", dims=("batch",)),
    ),
    outputs=(),
)
INSPECTED = Inspected(signature=SIGNATURE, precision="fp32")


@pytest.fixture
def store(tmp_path):
    folders = Folders(store=tmp_path, run_id="r")
    return lambda: store_inputs(MODEL, INSPECTED, CASE, seed=0, folders=folders)


def contents(path):
    with np.load(path) as arrays:
        return {name: array.tobytes() for name, array in arrays.items()}


def test_inputs_are_a_file_named_by_their_hash(store):
    inputs = store()

    assert inputs.names == ("a/b", "half")
    assert inputs.dtypes == ("float32", "bfloat16")
    assert inputs.path.stem == inputs.sha256
    with np.load(inputs.path) as arrays:
        assert arrays["input0"].shape == (3, 4)
        assert arrays["input1"].view(ml_dtypes.bfloat16).shape == (3,)


def test_whole_inputs_are_left_alone(store):
    before = store().path.stat()
    after = store().path.stat()

    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:0],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    ],
    ids=["cut short", "empty", "a flipped bit"],
)
def test_damaged_inputs_are_made_again(store, damage):
    path = store().path
    whole = contents(path)
    path.write_bytes(damage(path.read_bytes()))

    store()

    assert contents(path) == whole


def test_a_damaged_byte_of_inputs_anywhere_is_no_crash(store):
    path = store().path
    whole = path.read_bytes()
    names = ("input0", "input1")
    arrays = {name: np.load(path)[name] for name in names}

    for position, byte in itertools.product(range(len(whole)), (0x00, 0x01, 0xFF)):
        data = bytearray(whole)
        data[position] ^= byte
        path.write_bytes(bytes(data))
        if is_whole(path, arrays):
            assert contents(path) == {name: array.tobytes() for name, array in arrays.items()}


def test_a_full_disk_names_the_file(store, monkeypatch, tmp_path):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        store()

    assert caught.value.filename.startswith(str(tmp_path / "inputs"))
    assert list((tmp_path / "inputs").iterdir()) == []


def test_inputs_that_memory_cannot_hold_are_told(store, monkeypatch):
    def refuse(*_):
        raise MemoryError("Unable to allocate 4 TiB")

    monkeypatch.setattr("harness.prepare.inputs.make_inputs", refuse)

    with pytest.raises(ChildError) as caught:
        store()

    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "out-of-memory",
        "inputs of m/fake/fp32/b3: Unable to allocate 4 TiB",
        "Lower the batch, or free memory.",
    )


def test_what_the_suite_says_of_inputs_travels_with_the_model(tmp_path):
    spec = TensorSpec(name="features", dtype="float32", dims=("n", 784))
    inspected = Inspected(signature=Signature(inputs=(spec,), outputs=()), precision="fp32")
    model = Model(
        name="m",
        source=BuiltinSource(name="mlp"),
        dims=(("features", ("batch", 784)),),
        inputs=(("features", FixedInput(value=3)),),
    )
    suite = SimpleNamespace(models=(model,), measure=SimpleNamespace(timeout_s=60.0))
    folders = Folders(store=tmp_path, run_id="r")
    prepared = prepare_models(suite, {"m": inspected}, ["m"], folders)["m"]

    assert prepared.dims == {"features": ("batch", 784)}
    assert prepared.values == {"features": 3}
