"""Opening a store to read it, with a word on stderr where not all of it can be read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

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
