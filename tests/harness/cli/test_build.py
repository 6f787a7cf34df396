"""`dyno build` as a user meets it: the installed program, in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DYNO = str(Path(sys.executable).with_name("dyno"))
SUITE = """
suite: simulated
models: {tiny: {builtin: mlp}}
matrix: {backend: fake, batch: [1, 2], failure: FAILURES}
"""
KNOWN = "sm75, sm80, sm86, sm87, sm88, sm89, sm90, sm100, sm103, sm110, sm120, sm121"
NO_SIZE = (
    "--cache-size: expected a size such as 10GiB or 500MB, got 'much'. Write a number, "
    "1.5 with a point, then B, kB, KiB, MB, MiB, GB, GiB, TB or TiB.\n"
)


@pytest.fixture
def dyno(tmp_path):
    def call(*arguments, failures="[none]"):
        (tmp_path / "simulated.yaml").write_text(SUITE.replace("FAILURES", failures))
        return subprocess.run(
            [DYNO, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return call


def without_times(text):
    return re.sub(r"  [\d.]+ (?:ns|µs|ms)$", "  TIME", text, flags=re.MULTILINE)


def test_a_build_tells_each_engine_once_and_a_run_takes_it_from_the_cache(dyno):
    told = dyno("build", "simulated.yaml")
    assert (told.returncode, told.stderr) == (0, "")
    assert without_times(told.stdout) == (
        "built tiny/fake/fp32/b1/failure=none  fake  78.0 B  TIME\n"
        "2 of 2 cases with an engine: 1 built, 0 from the cache; 0 skipped, 0 failed\n"
    )
    assert dyno("build", "simulated.yaml").stdout == (
        "built tiny/fake/fp32/b1/failure=none  fake  78.0 B  cached\n"
        "2 of 2 cases with an engine: 0 built, 1 from the cache; 0 skipped, 0 failed\n"
    )
    run = dyno("run", "simulated.yaml", "--quick")
    assert "2 of 2 cases ready: 1 engine from the cache\n" in run.stderr


def test_a_build_that_fails_is_told_and_the_rest_goes_on(dyno):
    told = dyno("build", "simulated.yaml", "--only", "batch=1", failures="[none, build]")
    assert told.returncode == 1
    assert without_times(told.stdout) == (
        "built tiny/fake/fp32/b1/failure=none  fake  78.0 B  TIME\n"
        "FAIL  tiny/fake/fp32/b1/failure=build  fake  "
        "build: fake: the builder gave up. Ask the builder why.\n"
        "1 of 2 cases with an engine: 1 built, 0 from the cache; 0 skipped, 1 failed\n"
    )


def test_what_cannot_build_for_a_target_is_skipped_with_the_reason_and_nothing_is_code_4(dyno):
    told = dyno("build", "simulated.yaml", "--target", "sm86,sm89", "--device", "9")
    assert (told.returncode, told.stderr) == (4, "")
    assert told.stdout == (
        "skip  2 cases  sm86  fake: it cannot build for sm86. Leave out --target.\n"
        "skip  2 cases  sm89  fake: it cannot build for sm89. Leave out --target.\n"
        "0 of 4 cases with an engine: 0 built, 0 from the cache; 4 skipped, 0 failed\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--target", "sm122"),
            f"--target: expected some of {KNOWN}, got 'sm122'. Did you mean 'sm121'?\n",
        ),
        (
            ("--target", ""),
            f"--target: expected some of {KNOWN}, got ''.\n",
        ),
        (
            ("--cache-size", "much"),
            NO_SIZE,
        ),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_nothing_is_made(dyno, tmp_path, arguments, message):
    told = dyno("build", "simulated.yaml", *arguments)
    assert (told.returncode, told.stdout, told.stderr) == (2, "", message)
    assert not (tmp_path / ".dyno").exists()
