"""The worker's closure: the files a worker needs, copied to a folder named by their hash.

A worker runs from the copy, so that a side of a comparison may live in another environment, and so
that an edit of the working tree cannot change a run that is under way.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import harness

ROOT = Path(harness.__file__).resolve().parent.parent
FILES = (
    "suites/__init__.py",
    "suites/case.py",
    "engines/__init__.py",
    "engines/contract.py",
    "engines/registry.py",
    "harness/__init__.py",
    "harness/blocks.py",
    "harness/memory.py",
    "harness/serve.py",
    "harness/timing.py",
    "harness/warmup.py",
    "harness/wire.py",
    "harness/worker.py",
)
FAMILIES = ("engines/fake", "engines/ort")
FOLDERS = ("engines/backends", *FAMILIES)


def closure_files() -> tuple[str, ...]:
    """Return the closure's files, relative to the packages' root, sorted."""
    in_folders = (
        str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.py")
    )
    return tuple(sorted({*FILES, *in_folders}))


def backend_code(backend: str) -> str:
    """Return a hash of the code that builds the backend's engines, as far as it is dyno's own.

    It is the backend's file and what families share.
    """
    own = f"engines/backends/{backend.replace('-', '_')}.py"
    digest = hashlib.sha256()
    for name in closure_files():
        if name == own or name.startswith(FAMILIES):
            digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def copy_closure(store: Path) -> Path:
    """Return `<store>/worker/<hash>`, a folder that holds the closure; made once, then reused."""
    contents = {name: (ROOT / name).read_bytes() for name in closure_files()}
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    target = store / "worker" / digest.hexdigest()[:16]
    if not target.exists():
        _write_once(contents, target)
    return target


def _write_once(contents: dict[str, bytes], target: Path) -> None:
    """Write the files beside `target`, then rename: another process may do the same just now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    for name, data in contents.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    try:
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh)
        if not target.exists():
            raise
