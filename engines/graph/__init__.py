"""What can be read off an ONNX graph without running it."""
