"""What the ONNX Runtime backends on an NVIDIA device share."""
