"""What zipfile, and whoever reads through it, raises for an archive that a disk has damaged."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # a bit that says encrypted; NotImplementedError: an unknown version or method
    ValueError,
    LookupError,
)
