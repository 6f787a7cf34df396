"""Providers that come as libraries of their own, registered with ONNX Runtime by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from engines.contract import EngineError
from engines.ort.device.log import listen
from engines.ort.device.plugin_options import provider_settings
from engines.ort.device.provider import device_session_options, on_provider
from engines.ort.options import QUANTIZES_BIASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.ort.device.provider import OnProvider
    from suites.case import OptionValue


def plugin_session(path: Path, options: Mapping[str, OptionValue], *, kind: str) -> OnProvider:
    """Return a session of the model on the plugin's first device of that kind, such as `GPU`.

    Raises EngineError, and what the runtime raises.
    """
    provider = str(options["provider"])
    register(provider, Path(str(options["library"])))
    heard = listen()
    settings = device_session_options(options)
    device = offered(provider, kind)
    settings.add_provider_for_devices([device], provider_settings(str(options["provider_options"])))
    session = ort.InferenceSession(
        str(path), settings, enable_fallback=0, disabled_optimizers=[QUANTIZES_BIASES]
    )
    return on_provider(session, provider, heard(), cpu_fallback=options["cpu_fallback"] == "allow")


def register(provider: str, library: Path) -> None:
    """Load the plugin's library, once a process. Raises EngineError."""
    if any(device.ep_name == provider for device in ort.get_ep_devices()):
        return
    try:
        ort.register_execution_provider_library(provider, str(library))
    except Exception as error:
        core = " ".join(str(error).split()).rpartition("with error: ")[2]
        raise EngineError(
            "environment", f"{provider} did not load: {core}", "Install what the plugin needs."
        ) from error


def offered(provider: str, kind: str) -> Any:
    """Return the first device of the kind that the registered plugin offers. Raises EngineError."""
    devices = [device for device in ort.get_ep_devices() if device.ep_name == provider]
    fitting = [device for device in devices if device.device.type.name == kind]
    if fitting:
        return fitting[0]
    names = sorted({device.ep_name for device in ort.get_ep_devices()})
    got = ", ".join(sorted({device.device.type.name for device in devices})) or "none"
    raise EngineError(
        "environment",
        f"provider {provider!r}: expected a {kind} among its devices, got {got}",
        f"Give the plugin's own name; here are {', '.join(names)}.",
    )
