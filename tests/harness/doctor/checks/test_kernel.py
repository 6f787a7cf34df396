import pytest

from harness.doctor.checks import kernel
from harness.doctor.finding import Level

THP = "sys/kernel/mm/transparent_hugepage/enabled"
CLOCKS = "sys/devices/system/clocksource/clocksource0"
NO_SWAP_COUNTERS = {"proc/vmstat": "nr_free_pages 1"}


def swap(total_kb, free_kb):
    return {"proc/meminfo": f"SwapTotal: {total_kb} kB\nSwapFree: {free_kb} kB\n"}


def test_an_unusual_timer_slack_is_a_note(observed):
    slack = "proc/self/timerslack_ns"
    (usual,) = kernel.timer_slack(observed("doctor-vm"))
    (long,) = kernel.timer_slack(observed("doctor-vm", files={slack: "40000000"}))
    assert (usual.level, usual.finding) == (Level.OK, "50.0 µs")
    assert (long.level, long.finding) == (Level.NOTE, "40.0 ms, usually 50.0 µs")
    assert long.effect == "Sleeps end late by as much. It matters where queries are paced."


def test_a_timer_slack_that_is_no_number_is_unknown(observed):
    files = {"proc/self/timerslack_ns": "soon"}
    (found,) = kernel.timer_slack(observed("doctor-vm", files=files))
    assert found.level is Level.UNKNOWN
    assert found.finding == "/proc/self/timerslack_ns: expected a number, got 'soon'"


def test_memory_in_swap_is_a_note(observed):
    (found,) = kernel.swap(observed("doctor-vm", files=swap(8388604, 7340028)))
    assert (found.level, found.finding) == (Level.NOTE, "1.00 GiB of 8.00 GiB used")
    assert found.command == "sudo swapoff -a"


def test_pages_on_the_move_are_a_warning(observed):
    later = {"proc/vmstat": "pswpin 60\npswpout 60", "proc/uptime": "13077.26 1"}
    seen = observed("doctor-vm", files=swap(8388604, 7340028), later=later)
    (found,) = kernel.swap(seen)
    assert found.level is Level.WARNING
    assert found.finding == "1.00 GiB of 8.00 GiB used, 120 pages moved in 0.5 s"


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({}, "none"),
        (swap(8388604, 8388604), "8.00 GiB, unused"),
        (swap(8388604, 8388604) | NO_SWAP_COUNTERS, "8.00 GiB, unused"),
    ],
)
def test_no_swap_and_unused_swap_are_ok(observed, files, finding):
    (found,) = kernel.swap(observed("doctor-vm", files=files))
    assert (found.level, found.finding) == (Level.OK, finding)


@pytest.mark.parametrize(
    ("text", "level", "finding"),
    [
        ("[always] madvise never", Level.NOTE, "always"),
        ("always [madvise] never", Level.OK, "madvise"),
        ("always madvise [never]", Level.OK, "never"),
        ("maybe", Level.UNKNOWN, f"/{THP}: expected a choice in brackets, got 'maybe'"),
    ],
)
def test_huge_pages_that_nobody_asked_for_are_a_note(observed, text, level, finding):
    (found,) = kernel.transparent_huge_pages(observed("doctor-vm", files={THP: text}))
    assert (found.level, found.finding) == (level, finding)


def test_a_clock_read_by_system_calls_is_a_warning_with_the_better_one(observed):
    files = {f"{CLOCKS}/current_clocksource": "hpet"}
    (found,) = kernel.clocksource(observed("doctor-vm", files=files))
    assert (found.level, found.finding) == (Level.WARNING, "hpet")
    assert found.remedy == "Read it without one:"
    assert found.command == f"echo tsc | sudo tee /{CLOCKS}/current_clocksource"


def test_where_there_is_no_better_one_the_kernels_log_has_the_reason(observed):
    files = {
        f"{CLOCKS}/current_clocksource": "hpet",
        f"{CLOCKS}/available_clocksource": "hpet acpi_pm",
    }
    (found,) = kernel.clocksource(observed("doctor-vm", files=files))
    assert found.remedy == "Ask the admin why the kernel gave up on tsc:"
    assert found.command == "sudo dmesg | grep -i -e tsc -e clocksource"


def test_a_clock_read_in_the_process_is_ok(observed):
    (found,) = kernel.clocksource(observed("doctor-vm"))
    assert (found.level, found.finding) == (Level.OK, "tsc")
