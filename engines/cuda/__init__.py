"""The CUDA device layer: what the driver says, a context, streams, events, graphs. No policy."""
