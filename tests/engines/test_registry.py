import subprocess
import sys

import pytest

from engines import registry


def test_the_names_are_those_of_the_files():
    assert {"fake", "onnxruntime-cpu"} <= set(registry.names())
    assert list(registry.names()) == sorted(registry.names())


@pytest.mark.parametrize("name", registry.names())
def test_a_backend_bears_its_files_name(name):
    assert registry.get(name).name == name


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(registry.UnknownBackendError) as error:
        registry.get("onnxruntime-cpi")
    assert str(error.value) == (
        "backend: expected a known name, got 'onnxruntime-cpi'. Did you mean 'onnxruntime-cpu'?"
    )


def test_a_name_like_nothing_is_answered_with_all():
    with pytest.raises(registry.UnknownBackendError) as error:
        registry.get("zzz")
    everything = ", ".join(registry.names())
    assert str(error.value) == f"backend: expected a known name, got 'zzz'. There are {everything}."


def test_listing_and_constructing_import_no_runtime():
    code = (
        "import sys\n"
        "from engines import registry\n"
        "[registry.get(name).unavailable() for name in registry.names()]\n"
        "print(sorted({'onnxruntime', 'numpy', 'onnx'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_package_may_bring_a_backend(monkeypatch):
    from importlib import metadata

    from engines.backends.fake import Fake

    class Entry:
        name = "third-party"

        def load(self):
            return Fake

    found = lambda *, group, name=None: [Entry()] if group == "dyno.backends" else []  # noqa: ARG005, E731
    monkeypatch.setattr(metadata, "entry_points", found)
    registry.names.cache_clear()
    assert "third-party" in registry.names()
    assert isinstance(registry.get("third-party"), Fake)
    registry.names.cache_clear()
