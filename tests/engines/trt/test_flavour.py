import pytest

from engines.trt import flavour
from engines.trt.flavour import RTX, TENSORRT


@pytest.fixture
def installed(monkeypatch):
    """Return a function that says which packages there are, and what library the loader has."""

    def say(*names, library=None):
        flavour._finds_library.cache_clear()
        monkeypatch.setattr(flavour, "find_spec", lambda name: name if name in names else None)
        monkeypatch.setattr("ctypes.util.find_library", lambda _: library)

    yield say
    flavour._finds_library.cache_clear()


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (TENSORRT, "tensorrt is not installed. Install dyno with the 'tensorrt' extra."),
        (RTX, "tensorrt_rtx is not installed. Install dyno with the 'rtx' extra."),
    ],
)
def test_a_missing_module_says_what_to_install(found, sentence, installed):
    installed()
    assert found.missing() == sentence


def test_bindings_without_their_library_are_told(installed):
    installed("tensorrt", "tensorrt_bindings")
    assert TENSORRT.missing() == (
        "tensorrt is installed without its library libnvinfer.so. "
        "Install dyno with the 'tensorrt' extra."
    )


def test_the_library_is_a_package_or_the_systems(installed):
    installed("tensorrt", "tensorrt_bindings", "tensorrt_libs")
    assert TENSORRT.missing() is None
    installed("tensorrt", "tensorrt_bindings", library="libnvinfer.so.11")
    assert TENSORRT.missing() is None


def test_a_module_that_holds_its_own_bindings_is_taken(installed):
    installed("tensorrt")
    assert TENSORRT.missing() is None


def test_versions_are_those_of_the_distributions(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def version(name):
        if name != "tensorrt-cu13":
            raise PackageNotFoundError(name)
        return "11.4.0.106"

    flavour._versions.cache_clear()
    monkeypatch.setattr("importlib.metadata.version", version)
    assert TENSORRT.versions() == "tensorrt-cu13 11.4.0.106"
    assert RTX.versions() == "unknown"
    flavour._versions.cache_clear()
