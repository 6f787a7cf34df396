"""Where a run keeps its files below the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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

    @property
    def engines(self) -> Path:
        """Return the folder of this run's engines; it goes when the run ends."""
        return self.store / "tmp" / self.run_id

    def log(self, name: str) -> Path:
        """Return the file that takes what a child prints."""
        return self.store / "logs" / self.run_id / f"{name}.log"
