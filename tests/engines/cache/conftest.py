import pytest

from engines.cache.cache import Draft, EngineCache, Request


class Builder:
    """A build that writes what it is told, and counts."""

    def __init__(self, data=b"plan", more=None):
        self.data, self.more, self.builds = data, more or {}, 0

    def __call__(self, path):
        self.builds += 1
        path.write_bytes(self.data)
        for suffix, data in self.more.items():
            path.with_name(path.name + suffix).write_bytes(data)
        return Draft(facts={"layers": 3, "fused": True}, build_ns=1234)


@pytest.fixture
def cache(tmp_path):
    return EngineCache.make(tmp_path / "cache")


@pytest.fixture
def builder():
    return Builder


@pytest.fixture
def wanted():
    def of(model="lstm", **fields):
        return Request(
            fields={"backend": "fake", "model_sha256": model * 3, **fields},
            about={"model": model, "case": f"{model}/fake/fp32/b1"},
            dyno_version="1.0",
        )

    return of
