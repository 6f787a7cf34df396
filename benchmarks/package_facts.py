"""Whether `suites/models/packages.toml` says of each fetched file what the file says of itself.

For whoever raises a version there: fetch the packages, then run this with the store's folder.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from engines.graph.precision import own_precision
from engines.graph.signature import load_graph, read_signature
from harness.fetch import fetched_path, fetched_state
from harness.folders import DEFAULT_STORE
from suites.models.packages import PackageFile, packages


def main() -> int:
    store = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_STORE
    files = [file for package in packages().values() for file in package.files.values()]
    found = {f"{file.package}/{file.name}": difference(file, store) for file in files}
    for name, told in found.items():
        print(f"  {name}: {told or 'as declared'}")
    return int(any(found.values()))


def difference(file: PackageFile, store: Path) -> str:
    """Return what the facts have wrong, or nothing."""
    state = fetched_state(store, file)
    if state != "fetched":
        return state
    model = load_graph(fetched_path(store, file))
    signature, precision = read_signature(model), own_precision(model)
    if replace(file.signature, defaults=()) != signature:
        return f"the file has {signature}"
    return "" if file.precision == precision else f"the file is {precision}"


if __name__ == "__main__":
    sys.exit(main())
