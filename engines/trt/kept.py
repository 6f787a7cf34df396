"""Files in a backend's scratch folder: whole or not there, and never a reason to fail."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def kept(path: Path) -> bytes:
    """Return the file's bytes, none where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def keep(path: Path, data: bytes | memoryview) -> None:
    """Replace the file in one step, for others may read it; without room it stays as it is."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        fresh.write_bytes(data)
        fresh.replace(path)
    with suppress(OSError):
        fresh.unlink(missing_ok=True)
