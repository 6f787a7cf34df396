"""The worker's closure: the files a worker needs, copied to a folder named by their hash.

A worker runs from the copy, so that a side of a comparison may live in another environment, and so
that an edit of the working tree cannot change a run that is under way.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import harness
from engines.durable import replacing

ROOT = Path(harness.__file__).resolve().parent.parent
FILES = (
    "suites/__init__.py",
    "suites/case.py",
    "suites/expressions.py",
    "engines/__init__.py",
    "engines/contract.py",
    "engines/feeding.py",
    "engines/registry.py",
    "harness/__init__.py",
    "harness/blocks.py",
    "harness/inventory.py",
    "harness/memory.py",
    "harness/serve.py",
    "harness/timing.py",
    "harness/warmup.py",
    "harness/wire.py",
    "harness/worker.py",
)
FAMILIES = ("engines/cuda", "engines/fake", "engines/ort", "engines/ort/device", "engines/trt")
FOLDERS = ("engines/backends", *FAMILIES)


def closure_files() -> tuple[str, ...]:
    """Return the closure's files, relative to the packages' root, sorted."""
    in_folders = (
        str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.py")
    )
    return tuple(sorted({*FILES, *in_folders}))


def backend_code(backend: str) -> str:
    """Return a hash of the code that builds the backend's engines, as far as it is dyno's own.

    It is the backend's file, and the folders of the families that it imports from.
    """
    own = ROOT / "engines" / "backends" / f"{backend.replace('-', '_')}.py"
    text = own.read_bytes() if own.exists() else b""
    digest = hashlib.sha256(text)
    for family in FAMILIES:
        if f"from {family.replace('/', '.')}.".encode() in text:
            for path in sorted((ROOT / family).glob("*.py")):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def copy_closure(store: Path) -> Path:
    """Return `<store>/worker/<hash>`, a folder that holds the closure; what is damaged is mended.

    Each file is replaced in one step: other processes may start workers from the folder meanwhile.
    Raises OSError.
    """
    contents = {name: (ROOT / name).read_bytes() for name in closure_files()}
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    target = store / "worker" / digest.hexdigest()[:16]
    for name, data in contents.items():
        if not _holds(target / name, data):
            with replacing(target / name) as stream:
                stream.write(data)
    return target


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False
