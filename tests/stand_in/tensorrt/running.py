"""The stand-in's runtime: plans into engines, contexts, and queries on the simulated device."""

import json

import numpy as np
import onnx
from simulated.errors import SimulatedError
from simulated.machine import machine

from tensorrt.building import MAGIC, tell
from tensorrt.model import Model
from tensorrt.surface import Limited

CONTEXT_BYTES = 1 << 20


class Runtime(Limited):
    def __init__(self, logger):
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine):
        data = bytes(serialized_engine)
        problem = self._problem(data)
        if problem:
            tell(self._logger, f"IRuntime::deserializeCudaEngine: {problem}")
            return None
        text, _, proto = data.removeprefix(MAGIC).partition(b"\n")
        engine = self._surface.ICudaEngine()
        engine._logger = self._logger
        engine._header = json.loads(text)
        engine._model = Model(onnx.load_model_from_string(proto))
        return engine

    def _problem(self, data):
        if not data.startswith(MAGIC):
            return (
                "Error Code 1: Serialization (Serialization assertion header.magicTag == "
                "kEXPECTED_MAGIC_TAG failed.Trying to load an engine created with incompatible "
                "serialization version. In throwUnlessHeaderOk at "
                "/_src/runtime/dispatch/runtime.cpp:48)"
            )
        header = json.loads(data.removeprefix(MAGIC).partition(b"\n")[0])
        mine = (self._surface.module, self._surface.version)
        if (header["module"], header["version"]) != mine:
            return (
                "Error Code 6: API Usage Error (The engine plan file is not compatible with this "
                f"version of TensorRT, expecting library version {self._surface.version} got "
                f"{header['version']}, please rebuild.)"
            )
        if header["sm"] != (found := machine().devices[0].sm):
            return (
                "Error Code 6: API Usage Error (The engine plan file is generated on an "
                f"incompatible device, expecting compute {found} got compute {header['sm']}, "
                "please rebuild.)"
            )
        return None


class ICudaEngine(Limited):
    device_memory_size_v2 = CONTEXT_BYTES

    @property
    def num_layers(self):
        return len(self._model.proto.graph.node)

    @property
    def num_io_tensors(self):
        return len(self._tensors())

    def get_tensor_name(self, index):
        return self._tensors()[index].name

    def get_tensor_mode(self, name):
        mode = self._surface.TensorIOMode
        return mode.INPUT if self._tensor(name) in self._model.inputs else mode.OUTPUT

    def get_tensor_location(self, name):
        location = self._surface.TensorLocation
        return location.HOST if self._tensor(name).is_shape else location.DEVICE

    def get_tensor_dtype(self, name):
        return self._surface.DataType[self._tensor(name).type]

    def create_runtime_config(self):
        return self._surface.IRuntimeConfig()

    def create_execution_context(self, config=None):
        memory = machine().devices[0].memory
        wanted = memory.total_bytes if machine().fails("tensorrt-memory") else CONTEXT_BYTES
        try:
            scratch = memory.allocate(wanted)
        except SimulatedError:
            told = f"Error Code 2: OutOfMemory (Requested size was {CONTEXT_BYTES} bytes.)"
            tell(self._logger, f"[virtualMemoryBuffer.cpp::resizePhysical::140] {told}")
            return None
        context = self._surface.IExecutionContext()
        context._engine, context._logger, context._scratch = self, self._logger, scratch
        context._shapes, context._addresses, context._memory = {}, {}, memory
        if config is not None and config._cache is not None:
            config._cache._kernels = b"kernels"
        return context

    def _tensors(self):
        return [*self._model.inputs, *self._model.outputs]

    def _tensor(self, name):
        return next(tensor for tensor in self._tensors() if tensor.name == name)


class IRuntimeConfig(Limited):
    _cache = None

    def create_runtime_cache(self):
        cache = self._surface.IRuntimeCache()
        cache._kernels = b""
        return cache

    def set_runtime_cache(self, cache=None):
        self._cache = cache
        return True


class IRuntimeCache(Limited):
    def deserialize(self, blob):
        head = f"{self._surface.version} ".encode()
        if machine().fails("tensorrt-kernels") or not bytes(blob).startswith(head):
            return False
        self._kernels = bytes(blob).removeprefix(head)
        return True

    def serialize(self):
        if machine().fails("tensorrt-serialize"):
            return None
        head = f"{self._surface.version} ".encode()
        return self._surface.IHostMemory(head + self._kernels)


class IExecutionContext(Limited):
    _profiler = None
    _ran = False

    def set_input_shape(self, name, shape):
        if not isinstance(shape, tuple | list):
            raise TypeError("set_input_shape(): incompatible function arguments")
        tensor = self._engine._tensor(name)
        least, _, greatest = self._range(tensor)
        fits = len(shape) == len(least) and all(
            low <= size <= high for low, size, high in zip(least, shape, greatest, strict=True)
        )
        if not fits:
            given, low, high = (
                "[" + ",".join(map(str, sizes)) + "]" for sizes in (shape, least, greatest)
            )
            tell(
                self._logger,
                "IExecutionContext::setInputShape: Error Code 3: API Usage Error (Parameter check "
                f"failed, condition: satisfyProfile. Set dimension {given} for tensor {name} does "
                f"not satisfy any optimization profiles. Valid range for profile 0: "
                f"{low}..{high}.)",
            )
            return False
        self._shapes[name] = tuple(shape)
        return True

    def _range(self, tensor):
        if tensor.is_shape or -1 not in tensor.shape:
            return tensor.shape, tensor.shape, tensor.shape
        return self._engine._header["profile"][tensor.name]

    def set_tensor_address(self, name, memory):
        self._addresses[name] = int(memory)
        return True

    def infer_shapes(self):
        if machine().fails("tensorrt-shapes"):
            told = "Error Code 4: Shape Error (reshape changes volume. In volume at /_src/x.cpp:1)"
            tell(self._logger, f"IExecutionContext::inferShapes: {told}")
            raise RuntimeError("inferShapes failed")
        return [
            tensor.name
            for tensor in self._engine._model.inputs
            if tensor.name not in self._shapes
            or (tensor.is_shape and tensor.name not in self._addresses)
        ]

    def get_tensor_shape(self, name):
        if name in self._shapes:
            return self._shapes[name]
        model = self._engine._model
        if model.is_data_dependent:
            return self._engine._tensor(name).shape
        zeros = {
            tensor.name: self._host_values(tensor)
            if tensor.is_shape
            else np.zeros(self._shapes[tensor.name], tensor.numpy)
            for tensor in model.inputs
        }
        return model.run(zeros)[name].shape

    def execute_async_v3(self, stream_handle):
        unset = [
            tensor.name for tensor in self._engine._tensors() if tensor.name not in self._addresses
        ]
        if unset:
            tell(
                self._logger,
                "IExecutionContext::enqueueV3: Error Code 3: API Usage Error (Parameter check "
                f"failed, Neither address or allocator is set for tensor {unset[0]}. Call "
                "setTensorAddress before enqueue/execute.)",
            )
            return False
        if machine().fails("tensorrt-execute"):
            tell(
                self._logger,
                "IExecutionContext::enqueueV3: Error Code 1: Cuda Runtime (invalid resource "
                "handle)",
            )
            return False
        stream = machine().devices[0].stream(stream_handle)
        if stream.capturing and not self._ran:
            stream.spoil_capture()  # the first query loads kernels, which a capture forbids
        self._ran = True
        stream.compute(self._compute)
        if self._profiler is not None:
            stream.synchronize()
            for layer, share in (("first", 0.75), ("last", 0.25)):
                self._profiler.report_layer_time(layer, share * machine().script.compute_ns / 1e6)
        return True

    def is_stream_capturable(self, stream):
        return not machine().fails("tensorrt-capturable")

    @property
    def profiler(self):
        return self._profiler

    @profiler.setter
    def profiler(self, profiler):
        self._profiler = profiler

    def _compute(self):
        model, memory = self._engine._model, machine().devices[0].memory
        arrays = {}
        for tensor in model.inputs:
            if tensor.is_shape:
                arrays[tensor.name] = self._host_values(tensor)
                continue
            shape, dtype = self._shapes[tensor.name], np.dtype(tensor.numpy)
            size_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            raw = memory.view(self._addresses[tensor.name], size_bytes)
            arrays[tensor.name] = raw.view(dtype).reshape(shape)
        for name, value in model.run(arrays).items():
            raw = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
            np.copyto(memory.view(self._addresses[name], raw.nbytes), raw)

    def _host_values(self, tensor):
        import ctypes

        dtype = np.dtype(tensor.numpy)
        size_bytes = int(np.prod(tensor.shape, dtype=np.int64)) * dtype.itemsize
        raw = ctypes.string_at(self._addresses[tensor.name], size_bytes)
        return np.frombuffer(raw, dtype).reshape(tensor.shape)

    def __del__(self):
        self._memory.free(self._scratch)
