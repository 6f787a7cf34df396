"""The names of onnxruntime that stand in: sessions on the simulated device, computed by the CPU.

Words for SIMULATED_FAIL:

    ort-load      the provider does not load, and the session is quietly the CPU's
    ort-cpu       a node that computes is put on the CPU, with two copies beside it
    ort-graph     the session cannot use CUDA graphs
    ort-capture   capturing the CUDA graph fails
    ort-replay    replaying a CUDA graph waits for it, whatever the run asks, as older ones do
    ort-waits     every query waits for the device
    ort-memory    there is no room for the weights
"""

import os
from pathlib import Path
from types import SimpleNamespace

import onnx
from google.protobuf.message import DecodeError
from simulated.errors import SimulatedError
from simulated.machine import machine
from simulated.runnable import is_bf16, widened
from simulated.stream import Work

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
CUDA_SETTINGS = """
    device_id gpu_mem_limit arena_extend_strategy cudnn_conv_algo_search do_copy_in_default_stream
    enable_cuda_graph user_compute_stream has_user_compute_stream tunable_op_enable
    tunable_op_tuning_enable tunable_op_max_tuning_duration_ms use_tf32 prefer_nhwc
    cudnn_conv_use_max_workspace cudnn_conv1d_pad_to_nc1d use_ep_level_unified_stream
    fuse_conv_bias sdpa_kernel enable_skip_layer_norm_strict_mode
"""
TENSORRT_SETTINGS = """
    device_id user_compute_stream has_user_compute_stream trt_auxiliary_streams trt_bf16_enable
    trt_builder_optimization_level trt_cuda_graph_enable trt_engine_cache_enable
    trt_engine_cache_path trt_engine_cache_prefix trt_force_timing_cache trt_fp16_enable
    trt_int8_enable trt_max_workspace_size trt_profile_max_shapes trt_profile_min_shapes
    trt_profile_opt_shapes trt_timing_cache_enable trt_timing_cache_path
"""
SETTINGS = {CUDA: CUDA_SETTINGS, TENSORRT: TENSORRT_SETTINGS}
GRAPHS = {CUDA: "enable_cuda_graph", TENSORRT: "trt_cuda_graph_enable"}
RUNS_TO_CAPTURE = 3
SHAPES = ("Shape", "Size")


def replacements(real):
    """Return what replaces the real module's names, as a dict."""
    bindings = binding_over(real)
    plugins = Plugins(real)
    return {
        "IOBinding": bindings,
        "InferenceSession": session_over(real, bindings),
        "OrtValue": value_over(real),
        "SessionOptions": options_over(real),
        "get_available_providers": lambda: [TENSORRT, CUDA, CPU],
        "get_device": lambda: "GPU",
        "get_ep_devices": plugins.devices,
        "preload_dlls": lambda *_, **__: None,
        "register_execution_provider_library": plugins.register,
    }


def binding_over(real):
    class IOBinding(real.IOBinding):
        def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr):
            checked(device_type, device_id, buffer_ptr)
            super().bind_input(name, "cpu", 0, element_type, shape, buffer_ptr)

        def bind_output(
            self,
            name,
            device_type="cpu",
            device_id=0,
            element_type=None,
            shape=None,
            buffer_ptr=None,
        ):
            if buffer_ptr is not None:
                checked(device_type, device_id, buffer_ptr)
            super().bind_output(name, "cpu", 0, element_type, shape, buffer_ptr)

    return IOBinding


def value_over(real):
    class OrtValue(real.OrtValue):
        @staticmethod
        def ortvalue_from_numpy(array, device_type="cpu", device_id=0):
            given = array.copy() if device_type == "cuda" else array
            return real_value.ortvalue_from_numpy(given, "cpu", device_id)

        @staticmethod
        def ortvalue_from_shape_and_type(shape, element_type, device_type="cpu", device_id=0):
            del device_type
            return real_value.ortvalue_from_shape_and_type(shape, element_type, "cpu", device_id)

    real_value = real.OrtValue
    return OrtValue


def options_over(real):
    state = real.capi.onnxruntime_pybind11_state

    class SessionOptions(real.SessionOptions):
        plugin = None

        def add_provider_for_devices(self, devices, settings):
            if not devices:
                text = "Must provide one or more OrtEpDevice instances."
                raise state.InvalidArgument(f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : {text}")
            self.plugin = devices[0].ep_name, dict(settings)

    return SessionOptions


def session_over(real, bindings):
    state = real.capi.onnxruntime_pybind11_state

    class InferenceSession(real.InferenceSession):
        """Runs on the CPU when its stream comes to it."""

        def __init__(self, path_or_bytes, sess_options=None, providers=None, **kwargs):
            self._simulated = OnDevice(state, path_or_bytes, sess_options, providers or [])
            super().__init__(runnable(path_or_bytes), sess_options, [CPU], **kwargs)
            self._simulated.place(super().get_provider_graph_assignment_info)

        def get_providers(self):
            return self._simulated.providers

        def get_provider_options(self):
            return {**self._simulated.settings, CPU: {}}

        def get_provider_graph_assignment_info(self):
            return self._simulated.placed

        def get_input_memory_infos(self):
            return [memory_of(spec, self._simulated) for spec in self.get_inputs()]

        def get_output_memory_infos(self):
            return [memory_of(spec, self._simulated) for spec in self.get_outputs()]

        def io_binding(self):
            return bindings(self)

        def run_with_iobinding(self, iobinding, run_options=None):
            run = super().run_with_iobinding
            self._simulated.run(lambda: run(iobinding), run_options)

    return InferenceSession


def runnable(model):
    """Return the model, as bytes in fp32 where it is in bf16, which a device has kernels for."""
    if isinstance(model, bytes):
        return model
    try:
        proto = onnx.load(model, load_external_data=False)
    except DecodeError:
        return model
    return widened(onnx.load(model)).SerializeToString() if is_bf16(proto) else model


class Plugins:
    """The registered libraries of plugin providers; each offers one GPU."""

    def __init__(self, real):
        self._state = real.capi.onnxruntime_pybind11_state
        self._kinds = real.OrtHardwareDeviceType
        self._real_devices = real.get_ep_devices
        self._names = []

    def register(self, name, path):
        if not Path(path).exists():
            lacking = f"{path}: cannot open shared object file: No such file or directory"
            raise self._fail(f"Failed to load library {path} with error: {lacking}")
        if name in self._names:
            raise self._fail(f"EP library is already registered under {name}")
        self._names.append(name)

    def devices(self):
        gpu = SimpleNamespace(type=self._kinds.GPU, vendor="NVIDIA", vendor_id=0x10DE)
        ours = [SimpleNamespace(ep_name=name, device=gpu) for name in self._names]
        return [*self._real_devices(), *ours]

    def _fail(self, text):
        return self._state.Fail(f"[ONNXRuntimeError] : 1 : FAIL : {text}")


class OnDevice:
    """What a session is on the simulated device; one that is the CPU's has no stream."""

    def __init__(self, state, model, options, providers):
        self._state = state
        listed = [each if isinstance(each, tuple) else (each, {}) for each in providers]
        if getattr(options, "plugin", None):
            listed.insert(0, options.plugin)
        self.settings = {name: given for name, given in listed if name != CPU}
        self.stream = None
        self._captured = False
        self._weights = None
        self.placed = ()
        for name, given in self.settings.items():
            self._check(name, given)
        if not self.settings or machine().fails("ort-load"):
            self.settings = {}
        self.providers = [*self.settings, CPU]
        if self.settings:
            self._open(Path(model).stat().st_size)

    @property
    def wanted(self):
        return self.providers[0]

    def _check(self, name, given):
        for setting in given:
            if name in SETTINGS and setting not in SETTINGS[name].split():
                raise RuntimeError(f'Unknown provider option: "{setting}".')

    def _open(self, weights_bytes):
        device = machine().devices[0]
        handle = self.settings[self.wanted].get("user_compute_stream")
        self.stream = device.new_stream() if handle is None else device.stream(int(handle))
        self._waits = handle is None
        if machine().fails("ort-memory") or weights_bytes > device.memory.free_bytes:
            text = (
                "Exception during initialization: /onnxruntime_src/onnxruntime/core/framework/"
                "bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, "
                "Stream*) Failed to allocate memory for requested buffer of size "
                f"{weights_bytes}\n"
            )
            raise self._error("RuntimeException", 6, "RUNTIME_EXCEPTION", text)
        self._memory = device.memory
        self._weights = device.memory.allocate(weights_bytes)

    def place(self, real_placement):
        """Put all nodes on the provider, but those that ask for shapes, and scripted ones."""
        try:
            nodes = [node for subgraph in real_placement() for node in subgraph.get_nodes()]
        except self._state.Fail:  # placement was not asked for
            return
        on_cpu = [node for node in nodes if node.op_type in SHAPES] if self.settings else nodes
        if self.settings and machine().fails("ort-cpu"):
            on_cpu.append(next(node for node in nodes if node.op_type not in SHAPES))
            text = f"2 Memcpy nodes are added to the graph g for {self.wanted}. It might have"
            os.write(2, f"[W:onnxruntime:, transformer_memcpy.cc:111 ApplyImpl] {text}\n".encode())
        self._refuse_graph(computing=[node for node in on_cpu if node.op_type not in SHAPES])
        there = [node for node in nodes if all(node is not other for other in on_cpu)]
        self.placed = [
            SimpleNamespace(ep_name=name, get_nodes=lambda found=found: found)
            for name, found in ((self.wanted, there), (CPU, on_cpu))
            if found
        ]

    @property
    def _graph(self):
        return self.settings.get(self.wanted, {}).get(GRAPHS.get(self.wanted)) == "1"

    def _refuse_graph(self, computing):
        if self._graph and (computing or machine().fails("ort-graph")):
            text = (
                "This session cannot use the graph capture feature as requested by the user  as "
                f"all compute graph nodes have not been partitioned to the {self.wanted}"
            )
            raise self._error("Fail", 1, "FAIL", text)

    def run(self, action, options):
        """Run on the stream, or at once for a session of the CPU."""
        if self.stream is None:
            action()
            return
        try:
            self._on_stream(action, options)
        except SimulatedError as error:
            text = f"CUDA failure {error.code}: {error.text} ; GPU=0 ; hostname=simulated"
            raise self._error("Fail", 1, "FAIL", text) from None

    def _on_stream(self, action, options):
        entry = "disable_synchronize_execution_providers"
        asynchronous = options is not None and setting_of(options, entry) == "1"
        captures = self._graph and setting_of(options, "gpu_graph_id") != "-1"
        if captures and self._captured:
            self.stream.launch([Work(machine().script.compute_ns, action)])
            asynchronous = asynchronous and not machine().fails("ort-replay")
        else:
            for _ in range(RUNS_TO_CAPTURE if captures else 1):
                self.stream.compute(action)
            self._capture(captures)
        if not asynchronous or self._waits or machine().fails("ort-waits"):
            self.stream.synchronize()

    def _capture(self, captures):
        if captures and machine().fails("ort-capture"):
            text = (
                "CUDA failure 901: operation failed due to a previous error during capture ; "
                "GPU=0 ; hostname=simulated ; file=/onnxruntime_src/onnxruntime/core/providers/"
                "cuda/cuda_graph.cc ; line=70 ; expr=cudaStreamEndCapture(stream_, &graph); "
            )
            raise self._error("Fail", 1, "FAIL", text)
        self._captured = self._captured or captures

    def _error(self, kind, code, name, text):
        return getattr(self._state, kind)(f"[ONNXRuntimeError] : {code} : {name} : {text}")

    def __del__(self):
        if self._weights is not None:
            self._memory.free(self._weights)


def setting_of(options, key):
    try:
        return options.get_run_config_entry(key)
    except Exception:  # noqa: BLE001 - the runtime's class for an entry that is not set
        return None


def checked(device_type, device_id, address):
    """Refuse an address that is not the device's."""
    if device_type == "cuda":
        machine().devices[device_id].memory.view(address, 1)


def memory_of(spec, simulated):
    """Return that a tensor is wanted in device memory, but a text and a single whole number."""
    host = spec.type == "tensor(string)" or (spec.type == "tensor(int64)" and not spec.shape)
    return SimpleNamespace(name="Cpu" if host or not simulated.settings else "Cuda")
