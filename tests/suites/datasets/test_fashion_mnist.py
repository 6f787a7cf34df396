import gzip
import struct

import numpy as np
import pytest

from suites.datasets import fashion_mnist
from suites.errors import SuiteError

REINSTALL = "Install it again with: apt install --reinstall dataset-fashion-mnist."


def idx(array):
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "FOLDER", tmp_path)
    for part, count in (("train", 120), ("t10k", 10)):
        images = np.arange(count)[:, None, None] * np.ones((1, 28, 28))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count) % 10))
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_training_images_are_thinned_and_come_first():
    found = fashion_mnist.load()

    assert fashion_mnist.unavailable() is None
    assert (found.values.shape, found.values.dtype) == ((12, 28, 28), np.float32)
    np.testing.assert_allclose(found.values[:, 0, 0] * 255, [0, 60, *range(10)], rtol=1e-6)
    assert found.labels.tolist() == [0, 0, *range(10)]
    assert (found.training, found.classes[9]) == (2, "Ankle boot")


def test_without_the_debian_package_the_reason_names_it(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()

    assert fashion_mnist.unavailable() == (
        f"{folder}/t10k-labels-idx1-ubyte.gz is not there. "
        "Install it with: apt install dataset-fashion-mnist."
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"not gzip", r"Not a gzipped file \(b'no'\)"),
        (idx(np.zeros((3, 4, 4)))[:-12], "Compressed file ended before the end-of-stream marker "),
        (gzip.compress(b"\0\0"), "2 bytes that are none"),
        (idx(np.zeros((3, 4))), "24 bytes that are none"),
        (gzip.compress(gzip.decompress(idx(np.zeros((3, 4, 4)))) + b"\0"), "65 bytes that are"),
    ],
    ids=["not gzip", "cut short", "no header", "of another rank", "a byte too long"],
)
def test_a_damaged_file_is_named(folder, content, told):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)

    with pytest.raises(SuiteError, match=rf": {told}.*\. {REINSTALL}\Z") as caught:
        fashion_mnist.load()
    assert str(caught.value).startswith(
        f"expected an array of bytes in MNIST's format, got '{path}': "
    )


def test_labels_must_be_as_many_as_the_images(folder):
    path = folder / "train-labels-idx1-ubyte.gz"
    path.write_bytes(idx(np.zeros(7)))

    with pytest.raises(SuiteError) as caught:
        fashion_mnist.load()
    assert str(caught.value) == (
        f"expected an array of bytes in MNIST's format, got '{path}': 7 labels of 120 images. "
        f"{REINSTALL}"
    )
