"""What the ONNX Runtime backends share."""
