"""Every class, member and enum name of a TensorRT binding, one file a version, for the stand-in.

    python benchmarks/trt_members.py WHEEL… [--installed tensorrt_rtx]

A binding is imported without the libraries that it links: shared libraries of the same names, whose
few functions return nothing, are compiled for it (needs `cc`, `nm` and `readelf`). Nothing of it is
called. A line of a file is `Class(Base): members`, those of the base left out, or `Enum = names`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "stand_in" / "tensorrt" / "members"
INTROSPECTION = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
public = lambda thing: {name for name in dir(thing) if not name.startswith("_")}
classes, enums, functions = {}, {}, []
for name in sorted(public(module)):
    thing = getattr(module, name)
    if not isinstance(thing, type):
        functions += [name] * callable(thing)
    elif hasattr(thing, "__members__"):
        enums[name] = list(thing.__members__)
    else:
        bases = [base for base in thing.__mro__[1:] if base.__module__.startswith("tensorrt")]
        inherited = set().union(*map(public, bases))
        classes[name] = [bases[0].__name__ if bases else "", sorted(public(thing) - inherited)]
print(json.dumps([module.__version__, classes, enums, functions]))
"""


def describe(module: str, path: list[Path], libraries: Path | None) -> tuple[str, str]:
    """Return the version and the lines of a module, imported in a child."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "LD_LIBRARY_PATH": str(libraries or ""),
    }
    command = [sys.executable, "-W", "ignore", "-c", INTROSPECTION, module]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    version, classes, enums, functions = json.loads(done.stdout)
    lines = [f"{module.removesuffix('_bindings')} {version}", f"functions: {' '.join(functions)}"]
    for name, (base, members) in classes.items():
        lines.append(f"{name}({base}): {' '.join(members)}".rstrip())
    lines += [f"{name} = {' '.join(members)}" for name, members in enums.items()]
    return version, "\n".join(lines) + "\n"


def compile_stubs(binding: Path, folder: Path) -> None:
    """Write into the folder a library for each of NVIDIA's that the binding links."""
    needed = subprocess.run(
        ["readelf", "-d", binding], check=True, capture_output=True, text=True
    ).stdout
    undefined = subprocess.run(
        ["nm", "-D", "--undefined-only", binding], check=True, capture_output=True, text=True
    ).stdout
    symbols = re.findall(r" U ((?:create|get|init)[A-Z]\w*)$", undefined, re.MULTILINE)
    source = folder / "stub.c"
    source.write_text("".join(f"void* {name}(void) {{ return 0; }}\n" for name in symbols))
    for library in re.findall(r"\[(libnv[\w]*\.so\.\d+)\]", needed):
        command = ["cc", "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", folder / library]
        subprocess.run([*command, source], check=True)


def describe_wheel(wheel: Path) -> tuple[str, str]:
    """Return the version and the lines of a wheel of bindings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        (binding,) = folder.glob("*_bindings/*.so")
        compile_stubs(binding, folder)
        return describe(binding.parent.name, [folder], folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="*", type=Path)
    parser.add_argument("--installed", action="append", default=[], help="a module to import")
    given = parser.parse_args()
    described = [("tensorrt", *describe_wheel(wheel)) for wheel in given.wheels]
    described += [(module, *describe(module, [], None)) for module in given.installed]
    for module, version, text in described:
        path = FOLDER / f"{module}-{version}.txt"
        path.write_text(text)
        print(f"{path.name}: {len(text.splitlines())} lines, {len(text)} bytes")


if __name__ == "__main__":
    main()
