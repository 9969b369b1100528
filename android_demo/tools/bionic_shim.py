"""Builds stand-ins for Android's C libraries, to load the AAR's x86_64 library on Linux.

    python3 tools/bionic_shim.py LIBRARY FOLDER

The library needs libc.so, libm.so, libdl.so and liblog.so, with symbols of version LIBC. The
stand-in defines these symbols and jumps to glibc's functions; the few that differ between the two
are implemented in the C file beside this one. For tests on x86-64 Linux only; not part of the app.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

OWN = Path(__file__).with_name("bionic_shim.c")
NAMES = ("libc.so", "libm.so", "libdl.so", "liblog.so")


def main() -> None:
    """Arguments: the Android library, and the folder to copy it to with its stand-ins."""
    library, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    own = set(re.findall(r"^BIONIC\((\w+)\)", OWN.read_text(encoding="utf-8"), re.MULTILINE))
    forwarded = sorted(_undefined(library) - own)
    table = folder / "forwarded.h"
    table.write_text("".join(f"FORWARD({name})\n" for name in forwarded), encoding="utf-8")
    script = folder / "versions.txt"
    script.write_text("LIBC { global: *; };\n", encoding="utf-8")
    first = folder / NAMES[0]
    command = ["gcc", "-shared", "-fPIC", "-O1", "-w", f"-I{folder}", str(OWN), "-o", str(first)]
    if subprocess.run([*command, f"-Wl,--version-script={script}", "-ldl", "-lm"]).returncode:
        sys.exit(1)
    for name in NAMES[1:]:
        shutil.copy(first, folder / name)
    shutil.copy(library, folder)


def _undefined(library: Path) -> set[str]:
    listing = subprocess.run(
        ["nm", "-D", "--undefined-only", str(library)], check=True, capture_output=True, text=True
    )
    return set(re.findall(r" U (\w+)@LIBC", listing.stdout))


if __name__ == "__main__":
    main()
