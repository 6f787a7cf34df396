"""The rest of a graph in fp16 or bf16: one pass for both."""
