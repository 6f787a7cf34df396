import json

import pytest

from harness.environment import capture, describe, fingerprint, identity, readings
from harness.machine import software


@pytest.fixture(autouse=True)
def fixed_software(monkeypatch):
    """The interpreter and packages of these tests' machines."""
    versions = {"engine-dyno": "1.2.3", "numpy": "2.4.6", "onnxruntime": "1.31.1"}
    monkeypatch.setattr(software, "_version", versions.get)
    monkeypatch.setattr(software.platform, "python_version", lambda: "3.11.7")


def test_capture_is_json_and_survives_it(recorded):
    environment = capture(root=recorded("intel-smt"))
    again = json.loads(json.dumps(environment, allow_nan=False))
    assert again == environment
    assert fingerprint(again) == fingerprint(environment)


def test_capture_tells_a_bare_metal_machine_wholly(recorded):
    environment = capture(root=recorded("intel-smt"))
    assert environment["cpu"] == {
        "model": "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
        "vendor": "GenuineIntel",
        "microcode": "0xd0003f5",
        "sockets": 1,
        "cores": 2,
        "threads_per_core": 2,
        "online_cpus": 4,
        "usable_cpus": [0, 1, 2, 3],
        "quota_cpus": None,
        "governor": "performance/powersave",
        "driver": "intel_pstate",
        "min_mhz": 800.0,
        "max_mhz": 3200.0,
        "current_mhz": [3200.0, 3199.998, 2000.0, 800.123],
        "turbo": True,
        "virtualised": False,
        "platform": "Dell Inc. PowerEdge R650",
    }
    assert environment["memory"] == {
        "total_bytes": 263845120 * 1024,
        "available_bytes": 250000000 * 1024,
        "swap_total_bytes": 8388604 * 1024,
        "swap_free_bytes": 8388604 * 1024,
    }
    assert environment["activity"] == {
        "load1": 0.52,
        "load5": 0.58,
        "load15": 0.59,
        "procs_running": 2,
        "steal_share": 0.0,
        "context_switches": 123456,
        "uptime_s": 86400.25,
        "psi_cpu_avg10": 0.015,
        "psi_memory_avg10": 0.0,
        "psi_io_avg10": 0.0025,
    }
    assert environment["system"]["kernel"] == "6.1.0-28-amd64"
    assert environment["system"]["kernel_build"].startswith("#1 SMP PREEMPT_DYNAMIC Debian")
    assert environment["system"]["name"] == "Debian GNU/Linux 12 (bookworm)"
    assert environment["packages"] == {"numpy": "2.4.6", "onnxruntime": "1.31.1"}
    assert environment["source"]["dyno"] == "1.2.3"
    assert not [path for path in environment["unknown"] if path.startswith("cpu.")]


def test_capture_says_why_a_virtual_machine_hides_what_it_hides(recorded):
    environment = capture(root=recorded("amd-vm"))
    assert environment["cpu"]["virtualised"] is True
    assert environment["cpu"]["platform"] == "Amazon EC2 m7a.large"
    assert environment["cpu"]["current_mhz"] == [2596.132, 2600.0]
    assert environment["cpu"]["governor"] is None
    assert environment["activity"]["steal_share"] == 0.01
    unknown = {k: v for k, v in environment["unknown"].items() if k.startswith(("cpu", "act"))}
    cpus = "/sys/devices/system/cpu"
    assert unknown == {
        "cpu.governor": f"{cpus}/cpu0/cpufreq/scaling_governor: No such file or directory",
        "cpu.driver": f"{cpus}/cpu0/cpufreq/scaling_driver: No such file or directory",
        "cpu.min_mhz": f"{cpus}/cpu0/cpufreq/cpuinfo_min_freq: No such file or directory",
        "cpu.max_mhz": f"{cpus}/cpu0/cpufreq/cpuinfo_max_freq: No such file or directory",
        "cpu.turbo": f"{cpus}/cpufreq/boost: No such file or directory",
        "activity.psi_cpu_avg10": "/proc/pressure/cpu: No such file or directory",
        "activity.psi_memory_avg10": "/proc/pressure/memory: No such file or directory",
        "activity.psi_io_avg10": "/proc/pressure/io: No such file or directory",
    }


def test_capture_sees_the_share_a_container_has(recorded):
    environment = capture(root=recorded("container-v2"))
    assert environment["cpu"]["usable_cpus"] == [2, 4]
    assert environment["cpu"]["online_cpus"] == 8
    assert environment["cpu"]["quota_cpus"] == 1.5
    assert environment["cpu"]["turbo"] is True
    assert environment["unknown"]["activity.steal_share"] == (
        "/proc/stat: no ticks are counted here"
    )


def test_capture_of_a_machine_that_tells_nothing_has_a_reason_for_everything(tmp_path):
    environment = capture(root=tmp_path)
    for section in ("cpu", "memory", "activity"):
        assert set(environment[section].values()) == {None}
        assert {f"{section}.{name}" for name in environment[section]} <= set(environment["unknown"])
    assert describe(environment) == "unknown CPU, Python 3.11.7, onnxruntime 1.31.1"


def test_capture_names_the_interpreter_without_its_folder(recorded, monkeypatch):
    monkeypatch.setattr(software.sys, "executable", "/home/someone/.venv/bin/python3")
    assert capture(root=recorded("amd-vm"))["python"] == {
        "version": "3.11.7",
        "implementation": "CPython",
        "executable": "python3",
    }


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        ({}, "unknown CPU"),
        ({"cpu": {"model": "AMD EPYC", "cores": 2}}, "AMD EPYC, 2 cores"),
        ({"gpus": [{}], "device": {"name": "NVIDIA L4"}}, "NVIDIA L4, unknown CPU"),
        ({"system": {"kernel": "6.1.0"}, "python": {}}, "unknown CPU, Linux 6.1"),
    ],
)
def test_what_a_stored_environment_has_not_is_left_out(kept, line):
    assert describe(kept) == line


def test_the_identity_of_an_environment_that_has_nothing_is_unknown():
    assert set(identity({}).values()) == {None}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "intel-smt",
            (
                "Intel Xeon Gold 6338, 2 cores × 2 threads up to 3.2 GHz, "
                "governor performance/powersave, Linux 6.1, Python 3.11.7, onnxruntime 1.31.1"
            ),
        ),
        (
            "amd-vm",
            "AMD EPYC 9R14, 2 cores, virtual, Linux 6.8, Python 3.11.7, onnxruntime 1.31.1",
        ),
        (
            "container-v2",
            (
                "AMD Ryzen 7 5800X, 8 cores (2 of 8 CPUs usable) up to 4.85 GHz, quota 1.5 CPUs, "
                "governor schedutil, Linux 5.15, Python 3.11.7, onnxruntime 1.31.1"
            ),
        ),
    ],
)
def test_describe_is_one_line(recorded, name, line):
    assert describe(capture(root=recorded(name))) == line


def test_describe_puts_gpus_first(recorded):
    environment = capture(root=recorded("amd-vm"))
    gpus = [{"name": "NVIDIA H200", "driver": "580.95"}, {"name": None, "driver": None}]
    line = describe({**environment, "gpus": gpus})
    assert line.startswith("NVIDIA H200 (driver 580.95), an unknown GPU, AMD EPYC 9R14, ")


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "NVIDIA H200 (driver 580.95), AMD EPYC 9R14, "),
        (3, "NVIDIA H200 (driver 580.95), GPU-5f3c0a11 of 3 GPUs, AMD EPYC 9R14, "),
    ],
)
def test_describe_names_the_device_that_the_run_used_and_no_other(recorded, count, line):
    used = {"uuid": "GPU-5f3c0a11-77", "name": "NVIDIA H200", "sm": "sm90", "driver": "580.95"}
    gpus = [{"name": "NVIDIA L4", "driver": "580.95"}] * count
    environment = {**capture(root=recorded("amd-vm")), "gpus": gpus, "device": used}
    assert describe(environment).startswith(line)


@pytest.mark.parametrize(
    ("file", "content", "field"),
    [
        ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance", "cpu.governor"),
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "1", "cpu.turbo"),
        ("sys/fs/cgroup/user.slice/cpu.max", "200000 100000", "cpu.quota_cpus"),
        ("proc/self/status", "Cpus_allowed_list:\t0-2", "cpu.usable_cpus"),
        ("proc/sys/kernel/osrelease", "6.1.0-29-amd64", "system.kernel"),
    ],
)
def test_fingerprint_changes_with_what_a_resumed_run_depends_on(recorded, file, content, field):
    root = recorded("intel-smt")
    before = capture(root=root)
    (root / file).write_text(content)
    after = capture(root=root)
    assert fingerprint(after) != fingerprint(before)
    changed = [k for k, v in identity(after).items() if identity(before)[k] != v]
    assert field in changed


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("proc/loadavg", "9.00 9.00 9.00 1/812 31415"),
        ("proc/uptime", "5.00 5.00"),
        ("proc/pressure/cpu", "some avg10=99.00 avg60=0.40 avg300=0.11 total=4122294"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "800000"),
        ("proc/meminfo", "MemTotal: 1 kB"),
    ],
)
def test_fingerprint_does_not_change_with_the_mood_of_the_machine(recorded, file, content):
    root = recorded("intel-smt")
    before = capture(root=root)
    (root / file).write_text(content)
    assert fingerprint(capture(root=root)) == fingerprint(before)


def test_fingerprint_changes_with_a_package_and_a_gpu(recorded):
    environment = capture(root=recorded("amd-vm"))
    newer = {**environment, "packages": environment["packages"] | {"onnxruntime": "1.32.0"}}
    gpu = {**environment, "gpus": [{"uuid": "GPU-1", "temperature_c": 40}]}
    warmer = {**environment, "gpus": [{"uuid": "GPU-1", "temperature_c": 80}]}
    assert len({fingerprint(each) for each in (environment, newer, gpu)}) == 3
    assert fingerprint(gpu) == fingerprint(warmer)


def test_readings_are_the_covariates_of_a_launch(recorded):
    assert readings(recorded("intel-smt")) == {
        "load1": 0.52,
        "procs_running": 2,
        "steal_ticks": 0,
        "cpu_ticks": 100_000,
        "mhz": [3200.0, 3199.998, 2000.0, 800.123],
        "psi_cpu_avg10": 0.015,
    }


def test_readings_of_a_machine_that_tells_nothing_are_none(tmp_path):
    assert set(readings(tmp_path).values()) == {None}
