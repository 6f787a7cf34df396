from dataclasses import replace

from results.report.device import on_device
from results.summary import DeviceTimes
from results.totals import measured

NOTHING = DeviceTimes(enqueue_ns=None, gpu_compute_ns=None, h2d_ns=None, d2h_ns=None)
TIMES = "medians over queries, host latency is H2D + GPU + D2H"


def table_of(run, summaries, marks=None):
    return on_device(measured(run, summaries), marks or {})


def cells(table):
    return {(column.name, column.unit): column.cells for column in table.columns}


def test_a_run_without_a_number_of_a_device_has_no_table(run, summaries):
    assert table_of(run, summaries) is None


def test_times_share_a_unit_and_what_a_case_has_not_is_a_dash(gpu_run, gpu_summaries):
    found = cells(table_of(gpu_run, gpu_summaries))

    assert {name: found[name] for name in found if name[1] == "µs"} == {
        ("GPU", "µs"): ("162  ", "371  ", " 22.5", "742  "),
        ("enqueue", "µs"): ("150  ", " 40.0", " 40.0", " 40.0"),
        ("H2D", "µs"): ("12.0", "12.0", "40.0", "12.0"),
        ("D2H", "µs"): (" 6.00", " 6.00", "20.0 ", " 6.00"),
        ("host", "µs"): ("180  ", "389  ", " 82.5", "  —  "),
    }


def test_readings_come_from_the_telemetry_pass(gpu_run, gpu_summaries):
    found = cells(table_of(gpu_run, gpu_summaries))

    assert {name: found[name][:3] for name in list(found)[7:]} == {
        ("util", "%"): ("92.4", "92.4", " —  "),
        ("mem ctrl", "%"): ("41.0", "41.0", " —  "),
        ("memory", "GiB"): ("1.53", "1.53", "—   "),
        ("process", "GiB"): ("1.04", "1.04", "—   "),
        ("power", "W"): ("212", "  —", "  —"),
        ("energy", "mJ/sample"): ("2.10", "—   ", "—   "),
        ("SM clock", "MHz"): ("1740", "1740", "   —"),
        ("temp", "°C"): ("67.0", "67.0", " —  "),
    }


def test_only_cases_with_numbers_of_a_device_have_a_row_with_their_notes(gpu_run, gpu_summaries):
    gpu_summaries[1] = replace(gpu_summaries[1], device=NOTHING, utilization=None)

    found = cells(table_of(gpu_run, gpu_summaries, marks={2: "1 4"}))

    assert found["#", ""] == ("1", "3", "4")
    assert found["notes", ""] == ("", "1 4", "")


def test_without_a_clock_on_the_device_there_is_enqueue_alone(gpu_run, gpu_summaries):
    host = replace(NOTHING, enqueue_ns=40_000.0)

    table = table_of(gpu_run, {0: replace(gpu_summaries[0], device=host, utilization=None)})

    assert list(cells(table)) == [("#", ""), ("case", ""), ("enqueue", "µs")]
    assert table.subtitle == TIMES


def test_telemetry_is_told_to_be_of_another_pass(gpu_run, gpu_summaries):
    assert table_of(gpu_run, gpu_summaries).subtitle == (
        f"{TIMES}; then of a telemetry pass: means, the most memory and °C, the median clock; "
        "energy is the whole device's, idle 23.1 W"
    )


def test_a_run_that_was_resumed_has_the_least_and_the_most_idle_power(gpu_run, gpu_summaries):
    for position, watts in ((1, 9.5), (3, 61.24)):
        told = replace(gpu_summaries[0].utilization, idle_watts=watts)
        gpu_summaries[position] = replace(gpu_summaries[position], utilization=told)

    assert table_of(gpu_run, gpu_summaries).subtitle.endswith("device's, idle 9.50–61.2 W")


def test_an_idle_power_that_is_not_known_is_not_told(gpu_run, gpu_summaries):
    found = table_of(gpu_run, {1: gpu_summaries[1]})

    assert found.subtitle.endswith("energy is the whole device's")


def test_each_reason_for_missing_readings_is_told_once(gpu_run, gpu_summaries):
    lost = replace(gpu_summaries[1].utilization, unknown={"telemetry": "the worker died"})
    gpu_summaries[0] = replace(gpu_summaries[0], utilization=gpu_summaries[1].utilization)
    gpu_summaries[3] = replace(gpu_summaries[3], utilization=lost)

    found = table_of(gpu_run, gpu_summaries).asides

    assert [f"{aside.head} {aside.text}" for aside in found] == [
        "#1, #2 power, idle not read: nvmlDeviceGetPowerUsage: Not Supported.",
        "#1, #2 energy not read: nvmlDeviceGetTotalEnergyConsumption: Not Supported.",
        "#4 telemetry not read: the worker died.",
    ]
