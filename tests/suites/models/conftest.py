from functools import cache

import numpy as np
import onnxruntime
import pytest

from suites.models.builtin import get, resolve


@cache
def built(name):
    builtin = get(name)
    return builtin.build(resolve(builtin, {}))


@cache
def session(name):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        built(name).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def signature(name):
    builtin = get(name)
    return builtin.signature(resolve(builtin, {}))


def feed(specs, sizes, *, mask=None):
    rng = np.random.default_rng(7)
    arrays = {}
    for spec in specs:
        shape = [sizes[dim] if isinstance(dim, str) else dim for dim in spec.dims]
        if spec.dtype == "bool":
            arrays[spec.name] = rng.random(shape) < 0.5 if mask is None else np.full(shape, mask)
        elif spec.dtype == "int64":
            arrays[spec.name] = rng.integers(0, spec.bound, shape)
        else:
            arrays[spec.name] = rng.standard_normal(shape, dtype=np.float32)
    return arrays


@pytest.fixture(scope="session", name="built")
def built_fixture():
    return built


@pytest.fixture(scope="session", name="session")
def session_fixture():
    return session


@pytest.fixture(scope="session", name="signature")
def signature_fixture():
    return signature


@pytest.fixture(scope="session", name="feed")
def feed_fixture():
    return feed
