from dataclasses import replace
from types import SimpleNamespace

import pytest

from engines.contract import Device
from harness.paired import side as module
from harness.paired.side import terms
from results.comparable import Terms
from results.paired import BASELINE


def launch(protocol="protocol", **facts):
    return SimpleNamespace(protocol=protocol, facts=facts)


def test_the_terms_of_a_side_are_what_its_launch_found(side, monkeypatch):
    monkeypatch.setattr(module, "read_cpu_model", lambda: "AMD EPYC")
    assert terms(side(BASELINE), launch(effective_precision="fp16")) == Terms(
        protocol="protocol",
        device="fake (AMD EPYC)",
        inputs_sha256="1",
        precision="fp32",
        effective_precision="fp16",
    )


def test_a_session_that_says_nothing_runs_the_graphs_own_precision(side):
    found = side(BASELINE)
    half = replace(found.ready.prepared, precision="fp16")
    found = replace(found, ready=replace(found.ready, prepared=half))
    assert terms(found, launch(effective_precision=None)).effective_precision == "fp16"


@pytest.mark.parametrize(("uuid", "named"), [("GPU-5f3c", "GPU-5f3c"), ("", "fake")])
def test_a_gpu_is_its_uuid_and_a_cpu_that_says_nothing_its_kind(side, monkeypatch, uuid, named):
    monkeypatch.setattr(module, "read_cpu_model", lambda: "")
    found = side(BASELINE)
    devices = {"fake": Device(kind="fake", uuid=uuid)}
    found = replace(found, workplace=replace(found.workplace, devices=devices))
    assert terms(found, launch()).device == named


def test_a_side_has_a_log_and_a_watch_of_its_own(side):
    found = side(BASELINE, watch="watch")
    assert (found.own_workplace.role, found.watch) == (BASELINE, "watch")
    assert side(BASELINE).watch is None
