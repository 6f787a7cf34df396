"""Building: a network and a case's options into a plan, TensorRT's serialized engine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.trt import timing_cache
from engines.trt.messages import Messages
from engines.trt.network import parse
from engines.trt.options import batches
from engines.trt.profile import make_profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engines.contract import Fact, PreparedModel, Site
    from engines.trt.flavour import Flavour
    from suites.case import Case, OptionValue


def build_plan(
    flavour: Flavour,
    model: PreparedModel,
    case: Case,
    options: Mapping[str, OptionValue],
    path: Path,
    site: Site,
) -> dict[str, Fact]:
    """Write the plan to `path` and return its facts. Raises EngineError."""
    trt = flavour.load()
    messages = Messages(trt)
    builder = trt.Builder(messages.logger)
    network, parser = parse(trt, builder, model.path, messages)
    config = _config(trt, flavour, builder, case, options, site)
    profile = make_profile(builder, network, model, case, batches(case, options))
    if profile is not None and config.add_optimization_profile(profile) < 0:
        raise messages.failure("the builder refused the profile", default="shape-out-of-profile")
    warm = bool(options["timing_cache"]) and timing_cache.attach(trt, config, site)
    messages.forget()
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise messages.failure("the builder gave no plan and no reason", default="build")
    if options["timing_cache"]:
        timing_cache.store(trt, config, site)
    with memoryview(plan) as data:
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
    facts = {"sha256": digest, **_network_facts(network)}
    del parser
    if flavour.ahead:
        return facts
    return {**facts, "warm_timing_cache": warm, **_engine_facts(trt, path, messages)}


def _config(
    trt: Any,
    flavour: Flavour,
    builder: Any,
    case: Case,
    options: Mapping[str, OptionValue],
    site: Site,
) -> Any:
    """Return the builder's settings: what is not set here is the version's own default."""
    config = builder.create_builder_config()
    if case.precision == "tf32":
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)
    if options["workspace"]:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, int(options["workspace"]))
    if int(options["aux_streams"]) >= 0:
        config.max_aux_streams = int(options["aux_streams"])
    if flavour.ahead:
        _aim(trt, config, site.device.sm)
    else:
        config.builder_optimization_level = int(options["optimization_level"])
    return config


def _aim(trt: Any, config: Any, sm: str) -> None:
    """Have the plan built for that compute capability, with or without such a device."""
    target = getattr(trt.ComputeCapability, sm.upper(), None)
    config.num_compute_capabilities = 1
    if target is None or not config.set_compute_capability(target, 0):
        raise EngineError(
            "build",
            f"{trt.__name__} {trt.__version__} has no target {sm!r}",
            "Choose another target, or install a newer version.",
        )


def _network_facts(network: Any) -> dict[str, Fact]:
    """Return how many layers were parsed, and each input and output with its type and shape."""
    inputs = [network.get_input(k) for k in range(network.num_inputs)]
    outputs = [network.get_output(k) for k in range(network.num_outputs)]
    return {
        "network_layers": network.num_layers,
        **{f"input:{tensor.name}": _spell(tensor) for tensor in inputs},
        **{f"output:{tensor.name}": _spell(tensor) for tensor in outputs},
    }


def _spell(tensor: Any) -> str:
    """Return such as `FLOAT [?, 64]`."""
    sizes = ("?" if size < 0 else str(size) for size in tuple(tensor.shape))
    return f"{tensor.dtype.name} [{', '.join(sizes)}]"


def _engine_facts(trt: Any, path: Path, messages: Messages) -> dict[str, Fact]:
    """Return layers and device memory [bytes] of one context, which only an engine knows."""
    from engines.trt.runtime import load_engine

    loaded = load_engine(trt, path, messages)
    return {
        "layers": loaded.engine.num_layers,
        "device_bytes": loaded.engine.device_memory_size_v2,
    }
