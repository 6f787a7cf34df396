import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from engines.durable import replacing
from harness import closure
from harness.child import Child
from suites.case import Case

# what onnxruntime's own import needs beside numpy
RUNTIME = ("numpy", "numpy.libs", "onnxruntime")


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """The interpreter of an environment that holds numpy and the runtime, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    ours = Path(sysconfig.get_path("purelib"))
    for name in RUNTIME:
        if (ours / name).exists():
            (Path(told.stdout.strip()) / name).symlink_to(ours / name)
    return str(python)


def test_the_copy_holds_the_closure_and_nothing_else(tmp_path):
    copy = closure.copy_closure(tmp_path)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert found == set(closure.closure_files())
    for name in found:
        assert (copy / name).read_bytes() == (closure.ROOT / name).read_bytes()


def test_the_copy_is_made_once(tmp_path):
    first = closure.copy_closure(tmp_path)
    stamp = first.stat().st_mtime_ns
    assert closure.copy_closure(tmp_path) == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in (tmp_path / "worker").iterdir()] == [first.name]


@pytest.mark.parametrize("data", [b"", b"raise SystemExit"])
def test_a_damaged_copy_is_mended_file_by_file(tmp_path, data):
    copy = closure.copy_closure(tmp_path)
    whole = copy / "harness" / "wire.py"
    stamp = whole.stat().st_mtime_ns
    (copy / "harness" / "worker.py").write_bytes(data)
    (copy / "engines" / "contract.py").unlink()
    assert closure.copy_closure(tmp_path) == copy
    for name in closure.closure_files():
        assert (copy / name).read_bytes() == (closure.ROOT / name).read_bytes()
    assert whole.stat().st_mtime_ns == stamp
    assert list(copy.rglob(".new-*")) == []


def test_a_copy_that_was_cut_off_is_completed(tmp_path, monkeypatch):
    def cut_off(path):
        if path.name == "serve.py":
            raise KeyboardInterrupt
        return replacing(path)

    with monkeypatch.context() as patch:
        patch.setattr(closure, "replacing", cut_off)
        with pytest.raises(KeyboardInterrupt):
            closure.copy_closure(tmp_path)
    copy = closure.copy_closure(tmp_path)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert found == set(closure.closure_files())


def test_every_file_of_the_copy_is_on_the_disk(tmp_path, monkeypatch):
    synced = []

    def fsync(fd):
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))

    monkeypatch.setattr(os, "fsync", fsync)
    copy = closure.copy_closure(tmp_path)
    folders = {str((copy / name).parent) for name in closure.closure_files()}
    assert folders <= set(synced)
    assert len([path for path in synced if "/.new-" in path]) == len(closure.closure_files())


def test_another_content_has_another_folder(tmp_path, monkeypatch):
    first = closure.copy_closure(tmp_path)
    monkeypatch.setattr(closure, "FILES", closure.FILES[:-1])
    assert closure.copy_closure(tmp_path) != first


def test_a_worker_needs_numpy_and_its_runtime_only(bare_python, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [tensor("x", onnx.TensorProto.FLOAT, ["batch", 4])],
        [tensor("y", onnx.TensorProto.FLOAT, ["batch", 4])],
    )
    opsets = [onnx.helper.make_opsetid("", 21)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "m")
    np.savez(tmp_path / "inputs.npz", input0=np.array([[-1, 2, -3, 4]], np.float32))
    case = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=1).to_dict()
    engine = str(tmp_path / "engine")
    site = {"device": {"kind": "cpu"}, "scratch": str(tmp_path / "scratch")}
    copy = closure.copy_closure(tmp_path)
    with Child("harness.worker", path=copy, log=tmp_path / "log", python=bare_python) as child:
        child.ask("describe", timeout_s=60, backend="onnxruntime-cpu")
        built = child.ask(
            "build",
            timeout_s=60,
            case=case,
            model=str(tmp_path / "m"),
            sha256="0",
            external_data=False,
            engine=engine,
            site=site,
        )
        opened = child.ask(
            "open",
            timeout_s=60,
            case=case,
            engine=engine,
            facts=built.header["facts"],
            inputs={"path": str(tmp_path / "inputs.npz"), "names": ["x"], "dtypes": ["float32"]},
            site=site,
            cuda_graph=False,
        )
        assert opened.header["loop"] == "blocking"
        assert opened.header["clock"] == "perf_counter_ns"
        rule = {"seconds": 0.0, "queries": 1, "cap_s": 0.1, "block_s": 0.001}
        warm = child.ask("warm", timeout_s=60, rule=rule)
        assert warm.header["first_query_ns"] > 0
        block = child.ask("block", timeout_s=60, block_s=0.001, block_queries=3, total_s=0.01)
        queries = sum(row[0] for row in block.header["blocks"])
        assert len(block.arrays["wall_ns"]) == queries
        elapsed_ns = sum(row[1] for row in block.header["blocks"])
        assert block.arrays["wall_ns"].sum() == elapsed_ns >= 10_000_000
        outputs = child.ask("outputs", timeout_s=60)
        assert outputs.arrays["y"].tolist() == [[0.0, 2.0, 0.0, 4.0]]
        closed = child.ask("close", timeout_s=60)
    assert block.header["peak_rss_bytes"] > 0
    assert closed.header["facts"]["options"]["threads"] == 1
    assert (tmp_path / "log").read_text(encoding="utf-8") == ""
