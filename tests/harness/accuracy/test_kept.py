import ml_dtypes
import numpy as np
import pytest

from harness.accuracy import kept


def test_outputs_of_any_type_and_name_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "folder" / "answers.npz"
    arrays = {
        "a/b": np.arange(6, dtype=np.float16).reshape(2, 3),
        "": np.array([[1, 2]], ml_dtypes.bfloat16),
        "types": np.array([-8, 7], ml_dtypes.int4),
        "scalar": np.array(True),
        "none": np.zeros((0, 2), np.int64),
    }
    kept.write(path, arrays)
    found = kept.read(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda _: b"", lambda _: b"PK\x03\x04"]
)
def test_a_damaged_file_is_as_none(tmp_path, damage):
    path = tmp_path / "answers.npz"
    kept.write(path, {"y": np.ones(3)})
    path.write_bytes(damage(path.read_bytes()))
    assert kept.read(path) is None


def test_a_file_that_is_not_there_is_none(tmp_path):
    assert kept.read(tmp_path / "answers.npz") is None


def test_a_disk_that_takes_nothing_is_no_failure(tmp_path):
    (tmp_path / "file").touch()
    kept.write(tmp_path / "file" / "answers.npz", {"y": np.ones(3)})
