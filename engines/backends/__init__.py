"""One file, one backend; `engines/registry.py` finds it by its name."""
