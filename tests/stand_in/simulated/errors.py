"""An error of the simulated driver, named as the real driver names it."""

TEXTS = {
    "CUDA_ERROR_INVALID_VALUE": (1, "invalid argument"),
    "CUDA_ERROR_OUT_OF_MEMORY": (2, "out of memory"),
    "CUDA_ERROR_NOT_INITIALIZED": (3, "initialization error"),
    "CUDA_ERROR_NO_DEVICE": (100, "no CUDA-capable device is detected"),
    "CUDA_ERROR_INVALID_DEVICE": (101, "invalid device ordinal"),
    "CUDA_ERROR_INVALID_CONTEXT": (201, "invalid device context"),
    "CUDA_ERROR_ECC_UNCORRECTABLE": (214, "uncorrectable ECC error encountered"),
    "CUDA_ERROR_INVALID_HANDLE": (400, "invalid resource handle"),
    "CUDA_ERROR_NOT_READY": (600, "device not ready"),
    "CUDA_ERROR_ILLEGAL_ADDRESS": (700, "an illegal memory access was encountered"),
    "CUDA_ERROR_LAUNCH_FAILED": (719, "unspecified launch failure"),
    "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH": (
        803,
        "system has unsupported display driver / cuda driver combination",
    ),
    "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED": (
        900,
        "operation not permitted when stream is capturing",
    ),
    "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED": (
        901,
        "operation failed due to a previous error during capture",
    ),
    "CUDA_ERROR_ILLEGAL_STATE": (401, "the operation cannot be performed in the present state"),
}


class SimulatedError(Exception):
    """`name` is the driver's, such as CUDA_ERROR_OUT_OF_MEMORY."""

    def __init__(self, name):
        self.name = name
        self.code, self.text = TEXTS[name]
        super().__init__(f"{name}: {self.text}")
