"""Stands in for pycuda on the simulated machine."""
