"""Archives of npm packages of exact versions, checked by hash; by the `npm` command."""

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

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def fetch_packages(packages: Iterable[Package]) -> dict[Package, bytes]:
    """The packages' archives. npm keeps what it once fetched, so the network is used once.

    Raises DataError with one line without npm, for packages that cannot be had, and for archives
    that are not those expected.
    """
    packages = list(packages)
    npm = shutil.which("npm")
    if npm is None:
        raise DataError(f"{packages[0]} is needed: install npm, which comes with Node.js")
    with tempfile.TemporaryDirectory() as folder:
        line = [npm, "pack", *map(str, packages), "--pack-destination", folder]
        line += ["--prefer-offline", "--fetch-retries=1"]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            names = ", ".join(map(str, packages))
            raise DataError(f"npm cannot fetch {names}: {_reason(done.stderr)}")
        found = {_integrity(content): content for content in _contents(Path(folder))}
    for package in packages:
        if package.integrity not in found:
            raise DataError(f"{package} from npm is not the archive that is expected here")
    return {package: found[package.integrity] for package in packages}


def archive_file(archive: bytes, name: str) -> bytes:
    """A file of a package's archive."""
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        file = tar.extractfile(f"package/{name}")
        assert file is not None, name
        return file.read()


def _contents(folder: Path) -> Iterable[bytes]:
    return (path.read_bytes() for path in folder.iterdir())


def _integrity(content: bytes) -> str:
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def _reason(stderr: str) -> str:
    """npm's own words: the first line that is more than a code."""
    lines = [line.split(maxsplit=2)[-1] for line in stderr.splitlines() if "rror" in line]
    telling = [line for line in lines if " " in line.removeprefix("code ")]
    return (telling or ["no reason given"])[0][:200]
