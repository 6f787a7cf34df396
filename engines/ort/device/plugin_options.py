"""Which plugin a case wants and with what settings. Imports no runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.contract import Option
from engines.ort.device.cuda_options import SESSION_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.case import OptionValue

OPTIONS = (
    Option(name="provider", default="", help="the plugin's own name of its execution provider"),
    Option(name="library", default="", help="path of the plugin's library, from the root"),
    Option(name="provider_options", default="", help="settings of the provider, as in `k=v,k2=v2`"),
    Option(
        name="transfers",
        default="copied",
        choices=("copied",),
        help="inputs and outputs are in host memory, and each query copies them",
    ),
    *SESSION_OPTIONS,
)


def conflict(options: Mapping[str, OptionValue]) -> str | None:
    """Return what is wrong with the choice of the plugin and what to do, or None."""
    provider, library = str(options["provider"]), str(options["library"])
    if not provider or not library:
        return "no plugin is chosen; set the options `provider` and `library`"
    if not Path(library).is_absolute():
        return f"library: expected a path from the root, got {library!r}"
    if not Path(library).is_file():
        return f"library: expected a file, got {library!r}; install the plugin"
    try:
        provider_settings(str(options["provider_options"]))
    except ValueError as error:
        return str(error)
    return None


def provider_settings(text: str) -> dict[str, str]:
    """Return the settings in a text such as `k=v,k2=v2`. Raises ValueError."""
    settings: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise ValueError(f"provider_options: expected `k=v,k2=v2`, got {text!r}")
        settings[name.strip()] = value.strip()
    return settings
