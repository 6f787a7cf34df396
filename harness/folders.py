"""Where a run keeps its files below the store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_STORE = Path(".dyno")


def packages_folder(store: Path) -> Path:
    """Return the folder of models fetched from packages; they belong to no run."""
    return store / "packages"


def cache_folder(store: Path, given: Path | None) -> Path:
    """Return the folder of the engine cache: the one that was asked for, else the store's own."""
    return resolved(given or store / "cache")


def resolved(folder: Path) -> Path:
    """Return the folder without links; of links that go round in a circle, as far as they lead.

    `Path.resolve` raises RuntimeError for those; using such a folder is an OSError that names it.
    """
    return Path(os.path.realpath(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders of one run. Models and inputs are named by hash and shared by all runs."""

    store: Path
    run_id: str

    @property
    def models(self) -> Path:
        """Return the folder of prepared models."""
        return self.store / "models"

    @property
    def inputs(self) -> Path:
        """Return the folder of input arrays."""
        return self.store / "inputs"

    def scratch(self, backend: str) -> Path:
        """Return the backend's folder for what makes the next time faster."""
        return self.store / "scratch" / backend

    def log(self, name: str) -> Path:
        """Return the file that takes what a child prints."""
        return self.store / "logs" / self.run_id / f"{name}.log"
