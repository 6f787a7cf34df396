"""A module's public names, no more than the extract of that version has of them.

The extracts are made by benchmarks/trt_members.py from the real bindings.
"""

import enum
from functools import cache
from pathlib import Path

MEMBERS = Path(__file__).parent / "members"


@cache
def extract(module, version):
    """Return the full version, classes (name → base and own members) and enums of an extract."""
    (path,) = MEMBERS.glob(f"{module}-{version}.*txt")
    heading, _, *lines = path.read_text().splitlines()
    classes, enums = {}, {}
    for line in lines:
        if " = " in line:
            name, _, members = line.partition(" = ")
            enums[name] = members.split()
        else:
            name, _, members = line.partition("):")
            name, _, base = name.partition("(")
            classes[name] = (base, members.split())
    return heading.split()[1], classes, enums


class Limited:
    """An object with the public members of its class in the extract, and no others."""

    _members = frozenset()
    _surface = None

    def __getattribute__(self, name):
        if not name.startswith("_") and name not in type(self)._members:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return object.__getattribute__(self, name)

    def __getattr__(self, name):
        if name in type(self)._members:
            raise NotImplementedError(f"the stand-in has no {type(self).__name__}.{name} yet")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name, value):
        if not name.startswith("_") and name not in type(self)._members:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        object.__setattr__(self, name, value)


class Surface:
    """What the classes of one module know of it."""

    def __init__(self, module, version):
        self.module = module
        self.version = version
        self.names = {}

    def __getattr__(self, name):
        return self.names[name]

    @property
    def is_rtx(self):
        return self.module == "tensorrt_rtx"


def expose(namespace, module, version):
    """Put the module's public names into its namespace, and return its full version."""
    from tensorrt import building, running

    full, classes, enums = extract(module, version)
    surface = Surface(module, full)
    written = {**vars(building), **vars(running)}
    for name, members in enums.items():
        surface.names[name] = enum.IntEnum(name, members, start=0)
    for name in classes:
        bases = (written.get(name, Limited),)
        members = _all_members(classes, name)
        body = {"_members": members, "_surface": surface, "__module__": module}
        surface.names[name] = type(name, bases, body)
    logger = surface.names["ILogger"]
    names = [name for name in classes["ILogger"][1] if name.isupper()]
    logger.Severity = enum.IntEnum("Severity", names, start=0)
    namespace.update(surface.names)
    return full


def _all_members(classes, name):
    members = set()
    while name in classes:
        name, own = classes[name]
        members.update(own)
    return frozenset(members)
