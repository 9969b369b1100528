"""Unpacks what Maven fetched: the AARs' classes and libraries, and aapt2."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main() -> None:
    """Argument: the build folder, with the fetched `jars`; creates `aar` and `aapt2` there."""
    target = Path(sys.argv[1])
    for aar in sorted((target / "jars").glob("*.aar")):
        with zipfile.ZipFile(aar) as archive:
            wanted = [n for n in archive.namelist() if n == "classes.jar" or n.startswith("jni/")]
            archive.extractall(target / "aar" / aar.stem, wanted)
    with zipfile.ZipFile(target / "jars" / "apktool-lib.jar") as archive:
        aapt2 = target / "aapt2"
        aapt2.write_bytes(archive.read(_linux_aapt2(archive)))
        aapt2.chmod(0o755)


def _linux_aapt2(archive: zipfile.ZipFile) -> str:
    names = [n for n in archive.namelist() if "aapt2" in n and "linux" in n and not n.endswith("/")]
    if not names:
        sys.exit("error: there is no aapt2 for Linux in apktool-lib.jar")
    return names[0]


if __name__ == "__main__":
    main()
