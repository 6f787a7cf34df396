"""What the ONNX Runtime backends share, and in `device/` those on an NVIDIA device."""
