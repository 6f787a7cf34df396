"""The devices of this machine that backends run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Device

if TYPE_CHECKING:
    from collections.abc import Iterable


def find_devices(kinds: Iterable[str]) -> dict[str, Device]:
    """Return the device of each kind that a run would use."""
    return {kind: Device(kind=kind) for kind in kinds}
