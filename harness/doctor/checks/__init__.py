"""The checks, a file for each part of a machine; a function under `check` is all that one takes."""
