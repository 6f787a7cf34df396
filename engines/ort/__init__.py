"""What the ONNX Runtime backends share, and in `device/` those on an NVIDIA device.

Importing it turns the runtime's telemetry off, unless ORT_DISABLE_TELEMETRY says otherwise: a
thread of it would write to a database of its own beside the queries that are timed.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
