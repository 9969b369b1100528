"""Prints the versions and names in a Gradle version catalog as properties for Maven.

    python3 tools/versions.py gradle/libs.versions.toml

For each version `-DNAME.version=...`, for each library `-DNAME.group=... -DNAME.artifact=...`.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    """Argument: the version catalog."""
    catalog = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(" ".join(f"-D{name}={value}" for name, value in _properties(catalog)))


def _properties(catalog: dict) -> Iterator[tuple[str, str]]:
    for name, version in catalog["versions"].items():
        yield f"{name}.version", version
    for name, library in catalog["libraries"].items():
        group, artifact = library["module"].split(":")
        yield f"{name}.group", group
        yield f"{name}.artifact", artifact


if __name__ == "__main__":
    main()
