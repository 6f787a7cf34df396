"""What is recorded of real machines is read in the tests of the doctor and of environments."""

import pytest

from harness.machine.activity import read_activity, read_counters, read_memory
from harness.machine.cpu import read_cpu
from harness.machine.reading import Tree


@pytest.mark.parametrize(
    ("read", "fact", "file", "text", "told"),
    [
        (read_activity, "load15", "proc/loadavg", "0.1 0.2", "numbers, got '0.1 0.2'"),
        (read_activity, "uptime_s", "proc/uptime", "", "numbers, got ''"),
        (read_counters, "uptime_s", "proc/uptime", "long", "numbers, got 'long'"),
        (read_activity, "context_switches", "proc/stat", "ctxt many", "a number, got 'many'"),
        (read_counters, "cpu_ticks", "proc/stat", "cpu 1 two", "ticks, got '1 two'"),
        (read_activity, "psi_io_avg10", "proc/pressure/io", "some x", "avg10=, got 'x'"),
        (read_counters, "swapped_pages", "proc/vmstat", "pswpin x\npswpout 1", "a number, got 'x'"),
        (read_memory, "total_bytes", "proc/meminfo", "MemTotal: kB", "a number, got ''"),
        (
            read_cpu,
            "usable_cpus",
            "proc/self/status",
            "Cpus_allowed_list: 0-x",
            "numbers of CPUs, got '0-x'",
        ),
        (read_cpu, "online_cpus", "sys/devices/system/cpu/online", "", "numbers of CPUs, got none"),
    ],
)
def test_what_makes_no_sense_is_unknown_with_the_file(tmp_path, read, fact, file, text, told):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)

    facts = read(Tree(root=tmp_path))

    assert facts.values[fact] is None
    assert facts.unknown[fact] == f"/{file}: expected {told}"
