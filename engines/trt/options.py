"""The options of the TensorRT backends, and which of them a flavour or a case cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Option
from engines.cuda import options as device_options
from engines.cuda.precision import lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.contract import Device, Fact
    from engines.trt.flavour import Flavour
    from suites.case import Case, OptionValue

OPTIMIZATION_LEVEL = 3
"""The default of every version."""

_BUILD_OPTIONS = (
    Option(
        name="workspace",
        default=0,
        minimum=0,
        help="most scratch memory [bytes] that a layer may take; 0 is no limit",
    ),
    Option(
        name="optimization_level",
        default=OPTIMIZATION_LEVEL,
        choices=(0, 1, 2, 3, 4, 5),
        help="how much time the builder takes to find faster kernels",
    ),
    Option(
        name="aux_streams",
        default=-1,
        minimum=-1,
        help="most streams inside one query; -1 leaves it to the builder",
    ),
    Option(
        name="min_batch",
        default=0,
        minimum=0,
        help="least batch that the plan takes; 0 is the case's own",
    ),
    Option(
        name="opt_batch",
        default=0,
        minimum=0,
        help="batch that the plan is tuned for; 0 is the case's own",
    ),
    Option(
        name="max_batch",
        default=0,
        minimum=0,
        help="greatest batch that the plan takes; 0 is the case's own",
    ),
)
_TIMING_CACHE = Option(
    name="timing_cache",
    default=True,
    choices=(False, True),
    help="keep what the builder measured, so that the next build is quicker",
)
_NO_TIMING_CACHE = Option(
    name="timing_cache",
    default=False,
    choices=(False, True),
    help="keep what the builder measured; this runtime measures nothing at build",
)

TENSORRT_OPTIONS = (*device_options.OPTIONS, *_BUILD_OPTIONS, _TIMING_CACHE)
RTX_OPTIONS = (*device_options.OPTIONS, *_BUILD_OPTIONS, _NO_TIMING_CACHE)


def batches(case: Case, options: Mapping[str, OptionValue]) -> tuple[int, int, int]:
    """Return the least, the tuned-for and the greatest batch of the case's plan."""
    least, tuned, greatest = (
        int(options[name]) or case.batch for name in ("min_batch", "opt_batch", "max_batch")
    )
    return least, tuned, greatest


def refusal(
    flavour: Flavour, case: Case, options: Mapping[str, OptionValue], device: Device
) -> str | None:
    """Return why the flavour cannot run the case with these options there, or None."""
    return (
        device_options.conflict(options)
        or _refused_profile(case, options)
        or _refused_precision(flavour, case, device)
        or (_refused_by_rtx(flavour, options, device) if flavour.ahead else None)
    )


def _refused_profile(case: Case, options: Mapping[str, OptionValue]) -> str | None:
    least, tuned, greatest = batches(case, options)
    if least > greatest:
        low = f"min_batch={least}" if options["min_batch"] else f"batch {least}"
        high = f"max_batch={greatest}" if options["max_batch"] else f"batch {greatest}"
        return f"{low} is above {high}; change min_batch and max_batch, or leave them out"
    if not least <= case.batch <= greatest:
        return (
            f"batch {case.batch} is outside the plan's profile {least}..{greatest}; "
            "change min_batch and max_batch, or leave them out"
        )
    if not least <= tuned <= greatest:
        return f"opt_batch={tuned} is outside the plan's profile {least}..{greatest}; change it"
    return None


def _refused_precision(flavour: Flavour, case: Case, device: Device) -> str | None:
    if case.precision == "fp64":
        return f"{flavour.name} computes doubles in fp32; use fp32, or another backend"
    return lacking(case.precision, device)


def _refused_by_rtx(
    flavour: Flavour, options: Mapping[str, OptionValue], device: Device
) -> str | None:
    if options["optimization_level"] != OPTIMIZATION_LEVEL:
        return f"optimization_level has no effect on {flavour.name}; leave it out"
    if options["timing_cache"]:
        return f"{flavour.name} has no timing cache; leave timing_cache out"
    return no_target(flavour, device) if device.sm else None


def no_target(flavour: Flavour, device: Device) -> str | None:
    """Return that the flavour cannot build for the device's compute capability, or None."""
    if device.sm in flavour.targets:
        return None
    known = ", ".join(flavour.targets)
    if not device.sm:
        return f"there is no device to build for; name one of {known}"
    return f"{flavour.name} builds for {known}, not for {device.sm}"


def plan_key(
    flavour: Flavour, case: Case, options: Mapping[str, OptionValue], device: Device
) -> dict[str, Fact]:
    """Return what the bytes of the case's plan depend on, beside the model.

    A plan that was built ahead has no driver in its key: it is found again on a device of that
    compute capability. One that was tuned on a device has all that the device is.
    """
    least, tuned, greatest = batches(case, options)
    key: dict[str, Fact] = {
        "runtime": flavour.versions(),
        "sm": device.sm,
        "tf32": case.precision == "tf32",
        "min_batch": least,
        "opt_batch": tuned,
        "max_batch": greatest,
        **{f"dim:{name}": size for name, size in case.dims},
        **{name: options[name] for name in ("workspace", "aux_streams", "optimization_level")},
    }
    if not flavour.ahead:
        key |= {"device": device.name, "driver": device.driver}
    return key
