"""Whole runs on the simulated device, taken for an NVIDIA one that the stand-in tells of."""

import sys
import threading
from dataclasses import replace

import pytest

from engines.backends.fake import Fake
from engines.contract import Device
from harness import launch as launch_module
from harness import plan as plan_module
from harness.machine.reading import Facts, UnknownFactError
from harness.plan import PROCESS_START_S
from harness.telemetry import own_pass
from harness.telemetry import watch as watch_module
from harness.telemetry.own_pass import Observed
from harness.telemetry.sampling import Reading
from harness.wire import Message
from results.record import Failed, Measured

UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"
MEASURE = {"launches": {"min": 2, "max": 2}, "launch_s": 0.1, "telemetry_s": 4}
SAMPLED = {
    "sm_percent": 90,
    "memory_percent": 40,
    "memory_used_bytes": 1 << 30,
    "process_memory_bytes": 512 << 20,
    "watts": 300.0,
    "temperature_c": 55,
    "sm_mhz": 1980,
    "memory_mhz": 2619,
    "pcie_rx_bytes_per_s": 1_000_000,
    "pcie_tx_bytes_per_s": 500_000,
}


@pytest.fixture(autouse=True)
def on_cuda(monkeypatch, pynvml):
    """The fake device is of kind cuda, and NVML is the stand-in's."""
    real = sys.modules["harness.plan"].find_devices

    def find_devices(kinds, *rest, **options):
        others = real([kind for kind in kinds if kind != "cuda"], *rest, **options)
        return others | {"cuda": Device(kind="cuda", uuid=UUID)}

    monkeypatch.setattr(plan_module, "find_devices", find_devices)
    monkeypatch.setattr(Fake, "device", "cuda")
    monkeypatch.setattr(watch_module, "IDLE_S", 0.02)
    monkeypatch.setitem(sys.modules, "pynvml", pynvml)
    del pynvml.computing
    pynvml.pids = pynvml.workers


@pytest.fixture
def telemetry(run, tmp_path, suite_of, matrix):
    """Run one case, and return the run with its telemetry."""

    def execute(*, measure=MEASURE, observer=None, resume=None, **axes):
        suite = suite_of(measure=measure, matrix=matrix(latency_ns=[40_000], **axes))
        result = run(suite, observer, resume=resume)
        from results.store import Store

        return result, Store(tmp_path / "store").telemetry(result.record.id, 0)

    return execute


def test_a_measured_case_has_telemetry_of_its_own_pass(telemetry, pynvml):
    result, record = telemetry(measure={**MEASURE, "telemetry_s": 40})
    assert result.cases[0].outcome == Measured(stopped_by="launches")
    assert record.unknown == {}
    assert record.device_uuid == UUID
    assert (record.elapsed_ns, record.queries) == (40_000_000_000, 1_000_000)
    assert len(record.at_s) >= 1
    assert record.samples == {name: (value,) * len(record.at_s) for name, value in SAMPLED.items()}
    assert record.clock_reasons == {"sw_power_cap": 1.0}
    assert (record.idle_watts, record.other_processes) == (70.0, 0)
    assert 0 < record.energy_queries <= 1_000_000
    assert record.energy_joules > 0
    assert pynvml.users() == 0


def test_launches_have_their_devices_state_before_and_after(telemetry):
    result, _ = telemetry()
    for launch in result.launches[0]:
        for moment in ("before", "after"):
            gpu = launch.covariates[moment]["gpu"]
            assert (gpu["sm_mhz"], gpu["clock_reasons"]) == (1980, ["sw_power_cap"])
            assert (gpu["other_pids"], gpu["performance_state"]) == ([], "P0")
            assert "load1" in launch.covariates[moment]


def test_the_pass_is_told_and_comes_before_the_case_is_closed(telemetry, recorder):
    watched = []

    class Watcher(recorder):
        def watching(self, case):
            watched.append((case.id, dict(self.outcomes)))

    watcher = Watcher()
    telemetry(observer=watcher)
    assert watched == [("tiny/fake/fp32/b1/latency_ns=40000", {})]
    assert watcher.outcomes.keys() == {"tiny/fake/fp32/b1/latency_ns=40000"}


def test_the_time_left_has_the_pass_in_it(telemetry, recorder):
    left = {}

    class Watcher(recorder):
        def launching(self, case, progress, *, left_s):
            super().launching(case, progress, left_s=left_s)
            left.setdefault(telemetry_s, []).append(left_s)

    for telemetry_s in (0.0, 4.0):
        telemetry(measure={**MEASURE, "telemetry_s": telemetry_s}, observer=Watcher())
    assert left[4.0][0] - left[0.0][0] == pytest.approx(4.0 + PROCESS_START_S + 1.0)


def test_telemetry_is_of_the_attempt_that_has_the_launches(telemetry, recorder):
    with pytest.raises(KeyboardInterrupt):
        telemetry(observer=recorder(interrupt_at=2))
    result, record = telemetry(resume="")
    assert [launch.attempt for launch in result.launches[0]] == [1, 1]
    assert record.attempt == 1


def test_nothing_is_sampled_while_a_launch_is_timed(telemetry, monkeypatch):
    real, seen = launch_module.Warm.block, []

    def block(self, total_s):
        answer = real(self, total_s)
        names = [thread.name for thread in threading.enumerate()]
        seen.append((total_s, sum(name.startswith("telemetry") for name in names)))
        return answer

    monkeypatch.setattr(launch_module.Warm, "block", block)
    telemetry()
    assert seen == [(0.1, 0), (0.1, 0), (4.0, 2)]


def test_no_telemetry_is_taken_where_the_suite_wants_none(telemetry, monkeypatch):
    monkeypatch.setattr(watch_module, "read_idle", pytest.fail)
    result, record = telemetry(measure={**MEASURE, "telemetry_s": 0})
    assert record is None
    assert result.launches[0][0].covariates["before"]["gpu"]["watts"] == 300.0


def test_a_case_on_another_device_has_neither_telemetry_nor_a_gpu(telemetry, monkeypatch, pynvml):
    monkeypatch.setattr(Fake, "device", "fake")
    pynvml.restart(refuse="nvmlInit")
    result, record = telemetry()
    assert record is None
    assert "gpu" not in result.launches[0][0].covariates["before"]


def test_a_case_that_failed_has_no_pass(telemetry):
    result, record = telemetry(failure=["query"])
    assert isinstance(result.cases[0].outcome, Failed)
    assert record is None


def test_without_nvml_the_record_has_the_reason_and_no_worker_is_spent(
    telemetry, pynvml, monkeypatch
):
    pynvml.restart(refuse="nvmlInit=DRIVER_NOT_LOADED")
    monkeypatch.setattr(own_pass, "warm_worker", None)
    result, record = telemetry()
    assert result.cases[0].outcome == Measured(stopped_by="launches")
    assert record.unknown == {"telemetry": "NVML did not start: Driver Not Loaded"}
    assert (record.queries, record.at_s, record.samples) == (0, (), {})
    assert "gpu" not in result.launches[0][0].covariates["before"]


def test_a_worker_that_dies_in_the_pass_does_not_fail_the_case(telemetry, monkeypatch):
    real = own_pass.warm_worker

    def warm_worker(ready, workplace):
        dying = {**ready.planned.options, "failure": "crash"}
        case = replace(ready.planned.case, options=tuple(sorted(dying.items())))
        return real(replace(ready, planned=replace(ready.planned, case=case)), workplace)

    monkeypatch.setattr(own_pass, "warm_worker", warm_worker)
    result, record = telemetry()
    assert result.cases[0].outcome == Measured(stopped_by="launches")
    assert record.unknown == {"telemetry": "its worker failed: SIGSEGV in 'warm'"}
    assert result.end.state == "done"


def test_a_gpu_that_is_lost_has_that_for_a_reason(telemetry, pynvml):
    pynvml.restart(
        refuse=",".join(
            f"{name}=GPU_IS_LOST"
            for name in ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetUtilizationRates")
        )
    )
    result, record = telemetry()
    assert result.cases[0].outcome == Measured(stopped_by="launches")
    assert record.unknown == {
        "energy_joules": "nvmlDeviceGetTotalEnergyConsumption: GPU is lost",
        "sm_percent": "nvmlDeviceGetUtilizationRates: GPU is lost",
        "memory_percent": "nvmlDeviceGetUtilizationRates: GPU is lost",
    }
    assert set(record.samples["sm_percent"]) == {None}
    assert (record.energy_joules, record.energy_queries) == (None, None)


def test_a_query_with_a_flush_before_it_has_no_energy_of_its_own(telemetry):
    _, record = telemetry(loop=["device-stamped"], l2=["flushed"])
    assert record.unknown == {
        "energy_joules": "flushing the caches between queries takes energy of its own"
    }


def test_energy_of_a_loop_with_long_gaps_between_its_blocks_is_not_the_queries():
    blocks = [[10, 800, 0, 0, 0], [1, 92, 0, 0, 0]]
    block = Message(header={"blocks": blocks, "span_queries": 11})
    seen = Observed(block=block, start_ns=0, end_ns=1000, samples=(), counters=())
    with pytest.raises(UnknownFactError) as caught:
        own_pass._energy(seen, is_flushed=False)
    assert str(caught.value) == (
        "queries ran in 89 % of the loop only, so its energy is not theirs alone"
    )


def test_the_untimed_queries_of_several_slots_are_no_gap():
    block = Message(header={"blocks": [[10, 500, 0, 0, 0]], "span_queries": 20})
    counters = [
        Reading(at_ns=at, facts=Facts(values={"millijoules": at}, unknown={}))
        for at in (0, 500, 1000)
    ]
    seen = Observed(block=block, start_ns=0, end_ns=1000, samples=(), counters=counters)
    assert own_pass._energy(seen, is_flushed=False).joules == 0.5


def test_samples_from_before_and_after_the_loop_do_not_count(telemetry, monkeypatch):
    real = own_pass._observe

    def observe(*watched, total_s):
        seen = real(*watched, total_s=total_s)
        moments = (seen.start_ns - 1, seen.start_ns, seen.start_ns + 9, seen.start_ns + 10)
        samples = [replace(seen.samples[0], at_ns=at_ns) for at_ns in moments]
        return replace(seen, samples=samples, end_ns=seen.start_ns + 9)

    monkeypatch.setattr(own_pass, "_observe", observe)
    _, record = telemetry()
    assert record.at_s == (0.0, 9e-9)


def test_who_was_on_the_device_before_its_worker_is_not_taken_for_it(
    telemetry, pynvml, monkeypatch
):
    real, asked = own_pass.worker_among, []

    def worker_among(pid, before):
        asked.append((7 in before, pid in before))
        return real(pid, before)

    monkeypatch.setattr(own_pass, "worker_among", worker_among)
    pynvml.restart(others="7")
    telemetry()
    assert asked == [(True, False)]


def test_a_device_that_is_shared_is_told(telemetry, pynvml):
    pynvml.restart(others="7,8")
    result, record = telemetry()
    assert record.other_processes == 2
    assert record.unknown["idle_watts"] == "pid 7, 8 had the idle device open"
    assert result.launches[0][0].covariates["after"]["gpu"]["other_pids"] == [7, 8]
