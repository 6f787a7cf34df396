"""The stand-in's builder: networks, profiles, settings, and plans of a header and the model."""

import json
import warnings

import onnx
from google.protobuf.message import DecodeError
from simulated.machine import machine

from tensorrt.model import Model, refusal
from tensorrt.surface import Limited

MAGIC = b"stand-in plan "
DRIVER = (
    "Error Code 1: Cuda Runtime (In generateForCurrent at /_src/runtime/core/"
    "cudaDeviceProfile.cpp:221 (cudaError 35: CUDA driver version is insufficient for CUDA "
    "runtime version))"
)


class ILogger:
    def __init__(self):
        self._made = True

    def log(self, severity, msg):
        raise NotImplementedError('Tried to call pure virtual function "ILogger::log"')


class IProfiler:
    def __init__(self):
        self._made = True


class IHostMemory(bytes):
    nbytes = property(len)


def tell(logger, text, severity="ERROR"):
    """Send a message to a logger whose base was made, as the real module demands."""
    if not getattr(logger, "_made", False):
        raise TypeError("ILogger.__init__() must be called when overriding __init__")
    logger.log(type(logger).Severity[severity], text)


class Builder(Limited):
    def __init__(self, logger):
        self._logger = logger

    def create_network(self, flags=0):
        network = self._surface.INetworkDefinition()
        strong = 1 << int(self._surface.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        always = not self._surface.version.startswith("10.")
        network._strongly_typed = always or bool(flags & strong)
        return network

    def create_builder_config(self):
        return self._surface.IBuilderConfig()

    def create_optimization_profile(self):
        return self._surface.IOptimizationProfile()

    def build_serialized_network(self, network, config):
        problem = self._problem(network, config)
        if problem:
            tell(self._logger, f"IBuilder::buildSerializedNetwork: {problem}")
            return None
        header = {
            "module": self._surface.module,
            "version": self._surface.version,
            "sm": config._target(),
            "profile": config._profiles[0]._ranges if config._profiles else {},
            "tf32": config._flags["TF32"],
        }
        text = json.dumps(header, sort_keys=True).encode()
        if config._cache is not None:
            config._cache._entries |= {"tactics"}
        return self._surface.IHostMemory(
            MAGIC + text + b"\n" + network._model.proto.SerializeToString(deterministic=True)
        )

    def _problem(self, network, config):
        if config._target() is None:
            return DRIVER
        if machine().fails("tensorrt-build"):
            return "Error Code 10: Internal Error (Could not find any implementation for node add.)"
        if config._target() == "sm75":
            return (
                "Error Code 1: Myelin ([pass.cpp:337: check_turing_op_compatibility] Cannot "
                "compile operation 'mm' for Turing (SM75): FP32 GEMM is not supported. In "
                "compileGraph at /_src/optimizer/myelin/codeGenerator.cpp:2012)"
            )
        target = config._target()
        if network._model.has_fp8 and int(target.removeprefix("sm")) < 89:
            return (
                "Error Code 1: Myelin ([pass.cpp:1500: run_passes] Cannot compile for target(s) "
                f"{target}, because the model contains HW-specific datatypes: fp8_e4m3. In "
                "compileGraph at /_src/optimizer/myelin/codeGenerator.cpp:2012)"
            )
        return _profile_problem(network._model, config._profiles)


def _profile_problem(model, profiles):
    for tensor in model.inputs:
        if not (tensor.is_shape or -1 in tensor.shape):
            continue
        if not profiles:
            return (
                "Error Code 4: API Usage Error (Network has dynamic or shape inputs, but no "
                "optimization profile has been defined. In validate at "
                "/_src/optimizer/api/network.cpp:4023)"
            )
        least, tuned, greatest = profiles[0]._ranges[tensor.name]
        for axis, size in enumerate(() if tensor.is_shape else tensor.shape):
            if size >= 0 and {least[axis], tuned[axis], greatest[axis]} != {size}:
                return (
                    f"Error Code 4: API Usage Error (Dimension mismatch for tensor {tensor.name} "
                    f"and profile 0. At dimension axis {axis}, profile has min={least[axis]}, "
                    f"opt={tuned[axis]}, max={greatest[axis]} but tensor has {size}. In validate "
                    "at /_src/optimizer/api/network.cpp:4054)"
                )
    return None


class INetworkDefinition(Limited):
    def get_flag(self, flag):
        return flag.name == "STRONGLY_TYPED" and self._strongly_typed

    @property
    def num_layers(self):
        return len(self._model.proto.graph.node)

    @property
    def num_inputs(self):
        return len(self._model.inputs)

    @property
    def num_outputs(self):
        return len(self._model.outputs)

    def get_input(self, index):
        return self._tensor(self._model.inputs[index])

    def get_output(self, index):
        return self._tensor(self._model.outputs[index])

    def _tensor(self, known):
        tensor = self._surface.ITensor()
        tensor._known = known
        return tensor


class ITensor(Limited):
    name = property(lambda self: self._known.name)
    shape = property(lambda self: self._known.shape)
    is_shape_tensor = property(lambda self: self._known.is_shape)
    dtype = property(lambda self: self._surface.DataType[self._known.type])

    def get_dimension_name(self, index):
        return self._known.names[index]


class OnnxParser(Limited):
    def __init__(self, network, logger):
        self._network, self._logger, self._errors = network, logger, []

    @property
    def num_errors(self):
        return len(self._errors)

    def get_error(self, index):
        return self._errors[index]

    def parse_from_file(self, model):
        try:
            proto = onnx.load(model)
            refused = refusal(proto)
        except DecodeError:
            told = (
                "Assertion failed: model->ParseFromCodedStream(&codedInput): Failed to parse the "
                "ONNX model."
            )
            refused = ("MODEL_DESERIALIZE_FAILED", told, -1, None)
        if refused is None:
            self._network._model = Model(proto)
            return True
        error = self._surface.ParserError()
        error._told = refused
        self._errors.append(error)
        tell(self._logger, f"ModelImporter.cpp:151: ERROR: {refused[1]}")
        return False


class ParserError(Limited):
    def code(self):
        return self._surface.ErrorCode[self._told[0]]

    def desc(self):
        return self._told[1]

    def node(self):
        return self._told[2]

    def file(self):
        return "ModelImporter.cpp"

    def func(self):
        return "parse"

    def node_name(self):
        return self._told[3].name if self._told[3] else ""

    def node_operator(self):
        return self._told[3].op_type if self._told[3] else ""


class IOptimizationProfile(Limited):
    def __init__(self):
        self._ranges = {}

    def set_shape(self, input, min, opt, max):  # noqa: A002 - the real names
        self._ranges[input] = (tuple(min), tuple(opt), tuple(max))

    def set_shape_input(self, input, min, opt, max):  # noqa: A002 - the real names
        self._ranges[input] = (tuple(min), tuple(opt), tuple(max))

    def __bool__(self):
        return all(
            low <= mid <= high
            for least, tuned, greatest in self._ranges.values()
            for low, mid, high in zip(least, tuned, greatest, strict=True)
        )


class IBuilderConfig(Limited):
    def __init__(self):
        self._flags = {"TF32": True}
        self._profiles = []
        self._pools = {}
        self._cache = None
        self._capabilities = []
        if "max_aux_streams" in self._members:
            self.max_aux_streams = -1
        self.builder_optimization_level = 3

    def set_flag(self, flag):
        self._flags[flag.name] = True

    def clear_flag(self, flag):
        self._flags[flag.name] = False

    def get_flag(self, flag):
        return self._flags.get(flag.name, False)

    def set_memory_pool_limit(self, pool, pool_size):
        self._pools[pool.name] = pool_size

    def add_optimization_profile(self, profile):
        if not profile:
            return -1
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def create_timing_cache(self, serialized_timing_cache):
        cache = self._surface.ITimingCache()
        data = bytes(serialized_timing_cache)
        cache._mine = not data or data.startswith(self._surface.version.encode())
        cache._entries = set(data.decode().split()[1:]) if data and cache._mine else set()
        return cache

    def set_timing_cache(self, cache, ignore_mismatch):
        if self._surface.is_rtx:
            warnings.warn("Timing cache operations are no-ops", DeprecationWarning, stacklevel=2)
        if not cache._mine and not ignore_mismatch:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self):
        return self._cache

    @property
    def num_compute_capabilities(self):
        return len(self._capabilities)

    @num_compute_capabilities.setter
    def num_compute_capabilities(self, count):
        self._capabilities = [None] * count

    def set_compute_capability(self, compute_capability, index):
        self._capabilities[index] = compute_capability.name.lower()
        return True

    def _target(self):
        if self._capabilities:
            return self._capabilities[0]
        devices = machine().devices
        return devices[0].sm if devices else None


class ITimingCache(Limited):
    def serialize(self):
        text = " ".join([self._surface.version, *sorted(self._entries)])
        return self._surface.IHostMemory(text.encode())
