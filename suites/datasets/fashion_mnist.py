"""Fashion-MNIST as Debian packages it, each image a sequence of its rows: `fashion-mnist`.

Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747 (MIT). The format is MNIST's: a magic number and the
sizes of all axes, each in four bytes, the most significant first, then the values, one byte each.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.datasets.named import Labelled
from suites.errors import SuiteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path("/usr/share/datasets/fashion-mnist")
PACKAGE = "dataset-fashion-mnist"
TRAINING_STEP = 60
"""Every 60th training image is loaded: they only calibrate, and all would take 188 MB."""
RAW_MAX = 255
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
PARTS = ("train", "t10k")


def unavailable() -> str | None:
    """Return why there are no files of the Debian package here, or None."""
    names = [name for part in PARTS for name in (_images(part), _labels(part))]
    missing = next((path for name in names if not (path := FOLDER / name).is_file()), None)
    if missing is None:
        return None
    return f"{missing} is not there. Install it with: apt install {PACKAGE}."


def load() -> Labelled:
    """Return float32 rows [11000, 28, 28] from 0 to 1, 1000 of the images for training.

    Raises SuiteError where a file is damaged.
    """
    images = [_read(_images(part), axes=3) for part in PARTS]
    labels = [_read(_labels(part), axes=1) for part in PARTS]
    for part, found, told in zip(PARTS, images, labels, strict=True):
        if len(found) != len(told):
            raise _damaged(_labels(part), f"{len(told)} labels of {len(found)} images")
    images[0], labels[0] = images[0][::TRAINING_STEP], labels[0][::TRAINING_STEP]
    return Labelled(
        values=np.concatenate(images).astype(np.float32) / RAW_MAX,
        labels=np.concatenate(labels).astype(np.int64),
        classes=CLASSES,
        training=len(images[0]),
    )


def _images(part: str) -> str:
    return f"{part}-images-idx3-ubyte.gz"


def _labels(part: str) -> str:
    return f"{part}-labels-idx1-ubyte.gz"


def _read(name: str, *, axes: int) -> NDArray[Any]:
    """Return the uint8 array of a file. The magic number is 0, 0, 8 for bytes, the axes."""
    try:
        data = gzip.decompress((FOLDER / name).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(name, str(error)) from error
    header = struct.Struct(f">{1 + axes}I")
    magic, *shape = header.unpack(data[: header.size].ljust(header.size, b"\0"))
    if magic != 0x800 + axes or prod(shape) != len(data) - header.size:
        raise _damaged(name, f"{len(data)} bytes that are none")
    return np.frombuffer(data, dtype=np.uint8, offset=header.size).reshape(shape)


def _damaged(name: str, found: str) -> SuiteError:
    return SuiteError(
        f"expected an array of bytes in MNIST's format, got {str(FOLDER / name)!r}: {found}. "
        f"Install it again with: apt install --reinstall {PACKAGE}."
    )
