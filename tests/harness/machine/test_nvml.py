import ast
import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness
from harness.machine.nvml import CLOCK_REASONS, Nvml, opened
from harness.machine.reading import UnknownFactError

ASKING = ("machine/nvml.py", "machine/gpu.py", "telemetry/gpu.py")
STAND_IN = Path(__file__).resolve().parents[2] / "stand_in" / "pynvml.py"


def _real():
    pynvml = pytest.importorskip("pynvml")
    assert Path(pynvml.__file__).parent != STAND_IN.parent
    return pynvml


def _names_asked():
    """Return every name of pynvml that the code has, as a text or an attribute."""
    found = set()
    for name in ASKING:
        tree = ast.parse((Path(harness.__file__).parent / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
    return {name for name in found if name.startswith(("nvmlDevice", "nvmlSystem", "NVML_"))}


def test_every_name_that_is_asked_for_exists_in_the_real_package():
    pynvml = _real()
    asked = _names_asked() | {"nvmlInit", "nvmlShutdown", "NVMLError"}
    assert len(asked) > 25
    assert [name for name in asked if not hasattr(pynvml, name)] == []


def test_every_clock_reason_has_a_constant_of_its_own_in_the_real_package():
    assert tuple(Nvml(_real())._reasons().values()) == CLOCK_REASONS


def test_the_stand_in_has_the_signatures_and_constants_of_the_real_package():
    pynvml = _real()
    tree = ast.parse(STAND_IN.read_text())
    functions = [node for node in tree.body if getattr(node, "name", "").startswith("nvml")]
    for node in functions:
        names = [argument.arg for argument in node.args.args]
        real = list(inspect.signature(inspect.unwrap(getattr(pynvml, node.name))).parameters)
        assert names == real[: len(names)], node.name
    assert _names_asked() <= {node.name for node in functions} | _constants(tree).keys() | {
        "nvmlDeviceGetCurrentClocksThrottleReasons"
    }
    for name, value in _constants(tree).items():
        assert getattr(pynvml, name) == value, name


def _constants(tree):
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.targets[0].id.lower().startswith("nvml")
    }


def test_the_stand_in_has_the_error_classes_and_texts_of_the_real_package(pynvml):
    real = _real()
    for code, text in pynvml.NVMLError._texts.items():
        assert text == real.NVMLError._errcode_to_string[code]
        assert type(pynvml.NVMLError(code)).__name__ == type(real.NVMLError(code)).__name__
        assert str(pynvml.NVMLError(code)) == text


def test_clock_reasons_are_names(nvml):
    nvml.answer(nvmlDeviceGetCurrentClocksEventReasons=0x4C)
    with opened(nvml) as open_nvml:
        assert open_nvml.clock_reasons("handle") == [
            "sw_power_cap",
            "hw_slowdown",
            "hw_thermal_slowdown",
        ]


def test_a_reason_that_nvml_adds_one_day_is_told_by_its_bit(nvml):
    nvml.answer(nvmlDeviceGetCurrentClocksEventReasons=0x8001)
    with opened(nvml) as open_nvml:
        assert open_nvml.clock_reasons("handle") == ["gpu_idle", "unlisted_0x8000"]


def test_no_reason_is_no_name(nvml):
    nvml.answer(nvmlDeviceGetCurrentClocksEventReasons=0)
    with opened(nvml) as open_nvml:
        assert open_nvml.clock_reasons("handle") == []


def test_an_older_package_has_the_reasons_under_their_older_names(nvml):
    for name in [name for name in vars(nvml) if name.startswith("nvmlClocksEventReason")]:
        value = vars(nvml).pop(name)
        setattr(nvml, name.replace("Event", "Throttle"), value)
    nvml.answer(nvmlDeviceGetCurrentClocksEventReasons=0x5)
    with opened(nvml) as open_nvml:
        assert open_nvml.clock_reasons("handle") == ["gpu_idle", "sw_power_cap"]


def test_nvml_is_shut_down_after_an_error_and_a_refused_shutdown_is_no_error(nvml):
    with pytest.raises(ZeroDivisionError), opened(nvml):
        raise ZeroDivisionError
    assert nvml.started == ["init", "shutdown"]
    nvml.refuse("nvmlShutdown")
    with opened(nvml):
        pass


def test_the_real_package_without_a_driver_has_a_reason():
    pynvml = _real()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        with pytest.raises(UnknownFactError, match=f"NVML did not start: {error}"), opened(pynvml):
            pass
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has a driver")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(UnknownFactError) as caught, opened():
        pass
    assert str(caught.value) == "nvidia-ml-py is not installed. Install dyno with the 'gpu' extra"


def test_a_function_that_the_package_lacks_is_told():
    with pytest.raises(UnknownFactError) as caught:
        Nvml(SimpleNamespace()).ask("nvmlDeviceGetName")
    assert str(caught.value) == "this nvidia-ml-py has no nvmlDeviceGetName"
