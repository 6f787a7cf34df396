import pytest

from engines.ort import wheels
from engines.ort.wheels import Wheel


@pytest.fixture
def site_packages(tmp_path, monkeypatch):
    """A folder whose package `onnxruntime` the installed wheels share."""
    package = tmp_path / "onnxruntime"
    (package / "capi").mkdir(parents=True)
    monkeypatch.setattr(wheels, "folder", lambda: package)
    return tmp_path


def install(site_packages, name, version, owns="onnxruntime/__init__.py"):
    info = site_packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(f"{owns},sha256=x,1\n{info.name}/RECORD,,\n")


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_without_the_package_the_backends_own_extra_is_named(monkeypatch, extra):
    monkeypatch.setattr(wheels, "folder", lambda: None)
    assert wheels.missing(extra) == (
        f"onnxruntime is not installed. Install dyno with the '{extra}' extra."
    )


def test_one_wheel_is_fine(site_packages):
    install(site_packages, "onnxruntime_gpu", "1.31.1")
    assert wheels.wheels(wheels.folder()) == (Wheel(name="onnxruntime-gpu", version="1.31.1"),)
    assert wheels.missing("gpu") is None


def test_a_build_of_ones_own_has_no_wheel_and_is_fine(site_packages):
    assert wheels.wheels(site_packages / "onnxruntime") == ()
    assert wheels.missing("cpu") is None


def test_two_wheels_in_one_environment_are_refused_with_the_fix(site_packages):
    install(site_packages, "onnxruntime", "1.31.1")
    install(site_packages, "onnxruntime_gpu", "1.30.0")
    assert wheels.missing("gpu") == (
        "onnxruntime 1.31.1 and onnxruntime-gpu 1.30.0 are both installed and overwrite each "
        "other's files. Run `pip uninstall onnxruntime onnxruntime-gpu`, then install dyno with "
        "the 'gpu' extra."
    )


def test_packages_that_only_sound_alike_are_no_second_wheel(site_packages):
    install(site_packages, "onnxruntime", "1.31.1")
    install(site_packages, "onnxruntime_ep_openvino", "1.8.1", "onnxruntime_ep_openvino/a.so")
    install(site_packages, "onnxruntime_extensions", "0.15.2", "onnxruntime_extensions/a.py")
    (site_packages / "onnxruntime_odd-1.0.dist-info").mkdir()
    assert wheels.missing("cpu") is None


def test_a_wheel_that_cannot_tell_placement_is_too_old(site_packages):
    install(site_packages, "onnxruntime", "1.23.2")
    assert wheels.missing("cpu") == (
        "onnxruntime 1.23.2 cannot tell where nodes run. Install onnxruntime 1.24 or newer."
    )


def test_the_wheel_of_the_cpu_lacks_the_cuda_provider(site_packages):
    install(site_packages, "onnxruntime", "1.31.1")
    assert wheels.lacks("cuda") == (
        "the installed onnxruntime is the CPU one: it has no libonnxruntime_providers_cuda.so. "
        "Run `pip uninstall onnxruntime`, then install dyno with the 'gpu' extra."
    )
    (site_packages / "onnxruntime/capi/libonnxruntime_providers_cuda.so").touch()
    assert wheels.lacks("cuda") is None


def test_a_wheel_of_the_gpu_may_lack_another_provider(site_packages):
    install(site_packages, "onnxruntime_gpu", "1.31.1")
    (site_packages / "onnxruntime/capi/libonnxruntime_providers_cuda.so").touch()
    assert wheels.lacks("tensorrt") == (
        "the installed onnxruntime-gpu was made without that provider: it has no "
        "libonnxruntime_providers_tensorrt.so."
    )


@pytest.mark.parametrize(
    ("wheel", "driver", "enough"),
    [
        ("13.0", "13.0", True),
        ("13.2", "13.0", True),
        ("12.8", "13.0", True),
        ("", "12.4", True),
        ("13.0", "", True),
        ("13.0", "12.4", False),
    ],
)
def test_a_driver_runs_wheels_of_its_own_major_cuda_and_older_ones(
    site_packages, wheel, driver, enough
):
    told = site_packages / "onnxruntime/capi/build_and_package_info.py"
    told.write_text(f"package_name = 'onnxruntime-gpu'\ncuda_version = '{wheel}'\n")
    expected = (
        "the installed onnxruntime is made for CUDA 13.0, the NVIDIA driver runs CUDA 12.4 and "
        "older. Update the driver, or install an onnxruntime-gpu for CUDA 12."
    )
    assert wheels.needs_newer_driver(driver) == (None if enough else expected)


def test_a_wheel_that_does_not_tell_its_cuda_is_not_held_against_the_driver(site_packages):
    del site_packages
    assert wheels.cuda_version() == ""
