import pytest

from harness.machine.cpu import current_mhz, read_cpu
from harness.machine.reading import Tree, ranges


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", (0,)), ("0-3", (0, 1, 2, 3)), ("0-1,8,10-11", (0, 1, 8, 10, 11)), ("", ())],
)
def test_ranges_reads_the_kernels_lists(text, numbers):
    assert ranges(text) == numbers


def test_an_arm_cpu_is_named_by_its_implementer_and_part(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
    )
    assert read_cpu(Tree(root=tmp_path)).values["model"] == "implementer 0x41 part 0xd0c"


def test_a_cpuinfo_cut_off_within_a_frequency_does_not_yield_half_of_it(tmp_path):
    entry = "processor\t: {}\nflags\t: {}\ncpu MHz\t\t: 2600.000\npower management:\n\n"
    pad = 64 * 1024 - len(entry.format(0, "")) - len("processor\t: 1\nflags\t: \ncpu MHz\t\t: 2")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/cpuinfo").write_text(entry.format(0, "") + entry.format(1, "x" * pad))
    (tmp_path / "proc/self/status").write_text("Cpus_allowed_list:\t0-1")
    assert current_mhz(Tree(root=tmp_path)) == [2600.0]


def test_current_mhz_reads_sixteen_cpus_at_most(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text("Cpus_allowed_list:\t0-63")
    for cpu in range(64):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{1000000 + cpu * 1000}")
    assert current_mhz(Tree(root=tmp_path)) == [1000.0 + cpu for cpu in range(16)]
