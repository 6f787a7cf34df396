"""The goldens are in `data/`; a change of one is a change of what users see."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness.doctor.diagnosis import diagnose
from harness.doctor.drawing import Diagnosis

DATA = Path(__file__).parent / "data"
CPUS = "sys/devices/system/cpu"
FILES = {
    **{f"{CPUS}/cpu{number}/cpufreq/scaling_governor": "powersave" for number in range(4)},
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet",
}


def printed(findings, width, **options):
    file = StringIO()
    console = Console(file=file, width=width, legacy_windows=False, _environ={}, **options)
    console.print(Diagnosis(findings=findings), crop=False)
    return file.getvalue()


@pytest.fixture
def findings(observed, nvml):
    """A bare-metal machine with a busy neighbour, and a GPU with all that can be wrong."""
    nvml.answer(
        nvmlDeviceGetPersistenceMode=0,
        nvmlDeviceGetEnforcedPowerLimit=350_000,
        nvmlDeviceGetMigMode=[1, 1],
        nvmlDeviceGetCurrentClocksEventReasons=0x44,
    )
    job = "20 (ffmpeg) R 1 20 20 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 9 0 0"
    files = {
        **FILES,
        "proc/1/stat": "1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 9 0 0 0 20 0 1 0 1 0 0",
        "proc/self/stat": "31415 (dyno) R 1 0 0",
        "proc/20/stat": job.format(70),
    }
    later = {
        "proc/uptime": "86400.75 344001.50",
        "proc/stat": "cpu  1060 50 450 98140 400 0 100 0 0 0",
        "proc/20/stat": job.format(120),
    }
    return diagnose(observed("intel-smt", files=files, later=later, nvml=nvml))


@pytest.mark.parametrize("width", [80, 120])
def test_findings_are_drawn_to_the_width_there_is(findings, width):
    text = printed(findings, width, color_system=None)

    assert text == (DATA / f"terminal_{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_stays_whole_whatever_the_width(findings, width):
    lines = [line.strip() for line in printed(findings, width).splitlines()]

    assert [finding.command for finding in findings if finding.command] == [
        line for line in lines if line.startswith(("sudo", "echo", "ps", "nvidia-smi"))
    ]


def test_nothing_but_a_command_exceeds_the_width(findings):
    long = [line.strip() for line in printed(findings, 80).splitlines() if len(line) > 80]

    assert long == [
        "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
    ]


def test_colour_only_repeats_what_words_say(findings):
    coloured = printed(findings, 80, color_system="standard", force_terminal=True)

    assert "\x1b[1;33mwarning\x1b[0m" in coloured
    assert "\x1b[2munknown\x1b[0m" in coloured


def test_no_findings_are_the_totals():
    assert printed((), 80) == "\n0 warnings, 0 notes, 0 ok, 0 unknown\n"
