import pytest

from engines.ort.device import tensorrt_library


@pytest.fixture
def linked(tmp_path, monkeypatch):
    """Make the provider's library link TensorRT 10, and give a folder for what is installed."""
    provider = tmp_path / "libonnxruntime_providers_tensorrt.so"
    provider.write_bytes(b"\x7fELF\0libcublas.so.13\0libnvinfer.so.10\0libnvonnxparser.so.10\0")
    installed = tmp_path / "tensorrt_libs"
    installed.mkdir()
    monkeypatch.setattr(tensorrt_library, "provider_library", lambda _: provider)
    monkeypatch.setattr(tensorrt_library, "_folders", lambda: [installed])
    return installed


def test_the_library_that_the_provider_links_is_enough(linked):
    (linked / "libnvinfer.so.10").touch()
    assert tensorrt_library.linked_major() == 10
    assert tensorrt_library.missing() is None
    assert tensorrt_library.library("libnvinfer.so.10") == linked / "libnvinfer.so.10"


def test_another_tensorrt_is_told_from_none(linked):
    assert tensorrt_library.missing() == (
        "the installed onnxruntime links TensorRT 10 (libnvinfer.so.10), which is not installed. "
        "Install dyno with the 'tensorrt10' extra."
    )
    (linked / "libnvinfer.so.11").touch()
    (linked / "libnvinfer.so.11.4.0").touch()
    assert tensorrt_library.missing() == (
        "the installed onnxruntime links TensorRT 10 (libnvinfer.so.10), and TensorRT 11 is "
        "installed. Install dyno with the 'tensorrt10' extra in its place."
    )


def test_a_wheel_without_the_provider_links_none(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorrt_library, "provider_library", lambda _: tmp_path / "none.so")
    assert tensorrt_library.linked_major() is None
    assert tensorrt_library.missing() is None


def test_libraries_are_looked_for_where_the_linker_looks(tmp_path, monkeypatch):
    (tmp_path / "libnvinfer.so.10").touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{tmp_path}")
    assert tensorrt_library.library("libnvinfer.so.10") == tmp_path / "libnvinfer.so.10"
