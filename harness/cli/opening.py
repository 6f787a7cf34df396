"""Opening a store to read it, with a word on stderr where not all of it can be read."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from harness.cli.options import DEFAULT_STORE

if TYPE_CHECKING:
    from pathlib import Path

    from results.store import Store


def open_store(folder: Path) -> Store:
    """Return the store, which may be read-only. Raises StoreError where there is none."""
    from results.store import Store

    store = Store(folder, create=False)
    if store.caution is not None:
        sys.stderr.write(f"{store.caution}\n")
    return store


def store_option(folder: Path) -> str:
    """Return the option that a further command needs to find this store, or nothing."""
    if folder == DEFAULT_STORE or "DYNO_STORE" in os.environ:
        return ""
    return f"--store {shlex.quote(str(folder))}"
