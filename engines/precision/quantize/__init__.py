"""Products by quantized factors: what int8, fp8 and int4 share."""
