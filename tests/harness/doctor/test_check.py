import re
from pathlib import Path

from harness.doctor.check import Check, all_checks, check, gpu_check
from harness.doctor.finding import Finding, Level, ok
from harness.machine.reading import Facts, UnknownFactError

DOCS = Path(__file__).parents[3] / "docs" / "doctor.md"


def test_every_check_is_found_in_the_order_of_files_and_functions():
    assert [each.id for each in all_checks()] == [
        "governor",
        "turbo",
        "smt",
        "quota",
        "timer-slack",
        "swap",
        "thp",
        "clocksource",
        "load",
        "steal",
        "heavy-processes",
        "spinning-threads",
        "gpu",
        "gpu-processes",
        "gpu-persistence",
        "gpu-ecc",
        "gpu-power-cap",
        "gpu-mig",
        "gpu-throttle",
    ]


def test_every_check_is_in_the_docs():
    documented = re.findall(r"^### ([a-z-]+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == [each.id for each in all_checks()]


def test_a_function_becomes_a_check_that_signs_its_finding(observed):
    @check("weather")
    def weather(_):
        return ok("dry")

    assert isinstance(weather, Check)
    assert weather(observed("doctor-vm")) == (Finding(id="weather", level=Level.OK, finding="dry"),)


def test_what_cannot_be_told_is_unknown_with_its_reason(observed):
    @check("weather")
    def weather(_):
        raise UnknownFactError("no window")

    (found,) = weather(observed("doctor-vm"))
    assert found == Finding(id="weather", level=Level.UNKNOWN, finding="no window")


def test_what_cannot_be_reckoned_is_unknown(observed):
    @check("weather")
    def weather(_):
        return ok(str(1 / 0))

    (found,) = weather(observed("doctor-vm"))
    assert (found.level, found.finding) == (Level.UNKNOWN, "division by zero")


def test_a_check_of_gpus_is_asked_of_each(observed, nvml):
    @gpu_check("gpu-name")
    def name(gpu, _):
        assert isinstance(gpu, Facts)
        return ok(gpu.values["name"])

    nvml.answer(nvmlDeviceGetCount=2)
    (found,) = name(observed("doctor-vm", nvml=nvml))
    assert (found.id, found.finding) == ("gpu-name", "GPU 0, 1: NVIDIA H200")
    assert name(observed("doctor-vm")) == ()
