"""The software around a measurement: kernel, libc, Python, packages, the suite's commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.machine.reading import Facts, Tree, UnknownFactError, collect

PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "tensorrt",
    "tensorrt-cu12",
    "tensorrt-cu13",
    "tensorrt-rtx-cu13-libs",
    "onnxruntime-ep-nv-tensorrt-rtx-cu13",
    "cuda-bindings",
    "pycuda",
    "nvidia-cublas",
    "nvidia-cuda-runtime",
    "nvidia-cudnn-cu12",
    "nvidia-cudnn-cu13",
)
DISTRIBUTION = "engine-dyno"
_GIT_TIMEOUT_S = 5.0


def read_system(tree: Tree) -> Facts:
    """Return kernel, C library and distribution."""
    return collect(
        {
            "kernel": lambda: tree.text("proc/sys/kernel/osrelease"),
            "kernel_build": lambda: tree.text("proc/sys/kernel/version"),
            "libc": _libc,
            "name": lambda: tree.field("etc/os-release", "PRETTY_NAME", "=").strip('"'),
        }
    )


def read_python() -> dict[str, Any]:
    """Return the interpreter; of its path the last part only."""
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": Path(sys.executable).name,
    }


def read_packages() -> dict[str, str]:
    """Return the version of each of PACKAGES that is installed; imports none of them."""
    return {name: version for name in PACKAGES if (version := _version(name))}


def read_source(suite: Path | None) -> Facts:
    """Return dyno's version, and the commit of the repository that tracks the file `suite`.

    `dirty` says whether a file tracked there differs from that commit.
    """
    return collect(
        {
            "dyno": _dyno_version,
            "suite_commit": lambda: _commit(suite),
            "suite_dirty": lambda: _is_dirty(suite),
        }
    )


def _libc() -> str:
    name, version = platform.libc_ver()
    if not name:
        raise UnknownFactError("the interpreter names no C library")
    return f"{name} {version}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _dyno_version() -> str:
    version = _version(DISTRIBUTION)
    if version is None:
        raise UnknownFactError(f"{DISTRIBUTION} is not installed")
    return version


def _commit(suite: Path | None) -> str:
    path = _tracked(suite)
    return _git(path.parent, "rev-parse", "HEAD")


def _is_dirty(suite: Path | None) -> bool:
    path = _tracked(suite)
    return bool(_git(path.parent, "status", "--porcelain", "--untracked-files=no"))


def _tracked(suite: Path | None) -> Path:
    """Return the file's real path. Raises UnknownFactError where git does not track it."""
    if suite is None:
        raise UnknownFactError("the suite has no file")
    path = suite.resolve()
    _git(path.parent, "ls-files", "--error-unmatch", "--", path.name)
    return path


def _git(folder: Path, *arguments: str) -> str:
    # A hook's GIT_DIR would name another repository; optional locks would write to this one.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise UnknownFactError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UnknownFactError(f"git {arguments[0]} took over {_GIT_TIMEOUT_S:g} s") from error
    except subprocess.CalledProcessError as error:
        first = error.stderr.strip().partition("\n")[0]
        raise UnknownFactError(f"git {arguments[0]}: {first}") from error
    return done.stdout.strip()
