"""What the backends `tensorrt` and `tensorrt-rtx` share: one adapter over both modules."""
