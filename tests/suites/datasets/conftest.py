from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from suites.datasets.load import load_dataset
from suites.errors import SuiteError
from suites.signature import Signature, TensorSpec
from suites.suite import FileDataset

PLACE = "s.yaml: models.m.dataset"


def spec(name, *dims, dtype="float32", bound=None):
    return TensorSpec(name=name, dtype=dtype, dims=dims, bound=bound)


IMAGES = Signature(inputs=(spec("x", "batch", 2, 2),), outputs=(spec("logits", "batch", 3),))


@dataclass(frozen=True, kw_only=True)
class UserData:
    """The user's file `val.npz`: its arrays saved, then loaded for a model."""

    folder: Path

    def save(self, **arrays):
        np.savez(self.folder / "val.npz", **arrays)

    def load(self, signature=IMAGES, inputs=(("x", "images"),), *, given=(), **keys):
        dataset = FileDataset(
            path=self.folder / "val.npz", given="val.npz", inputs=tuple(inputs), **keys
        )
        return load_dataset(dataset, signature, PLACE, given=given)

    def error(self, *args, **keys):
        with pytest.raises(SuiteError) as caught:
            self.load(*args, **keys)
        return str(caught.value).removeprefix(PLACE)


@pytest.fixture
def data(tmp_path):
    return UserData(folder=tmp_path)


@pytest.fixture
def images():
    return np.linspace(0, 1, 5 * 2 * 2, dtype=np.float32).reshape(5, 2, 2)
