"""Checks a finished APK: signature, contents, storage and alignment, badging, size.

    python3 tools/check_apk.py BUILD_FOLDER APK

Prints a line for each check, and exits with 1 if any fails. Libraries that are linked for 4 KB
pages are only noted.
"""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ABIS = {"arm64-v8a", "armeabi-v7a", "x86_64"}
LIBRARIES = {"libtensorflowlite_jni.so", "libtensorflowlite_gpu_jni.so"}
# Pages are 4 KB, or 16 KB on some 64-bit devices.
LARGEST_PAGE = 16384
ABIS_WITH_LARGE_PAGES = ("arm64-v8a", "x86_64")
PT_LOAD = b"\1\0\0\0"
MAX_BYTES = 25_000_000
BADGING = (
    "package: name='fomm.demo' versionCode='1' versionName='1.0'",
    "minSdkVersion:'26'",
    "targetSdkVersion:'34'",
    "uses-permission: name='android.permission.CAMERA'",
    "application-label:'FOMM demo'",
    "application-label-ko:'FOMM 데모'",
    "launchable-activity: name='fomm.demo.ui.MainActivity'",
    "uses-feature-not-required: name='android.hardware.camera.any'",
)


def main() -> None:
    """Arguments: the build folder, which has aapt2 and the assets, and the APK."""
    target, apk = Path(sys.argv[1]), Path(sys.argv[2])
    failed = False
    for what, problem in _checks(target, apk):
        print(f"  {'ok  ' if not problem else 'FAIL'} {what}{': ' + problem if problem else ''}")
        failed |= bool(problem)
    if small := _linked_for_small_pages(apk):
        print(f"  NOTE linked for 4 KB pages: {', '.join(small)}")
        print('       They do not load on devices with 16 KB pages: see "16 KB pages" in README.md')
    print(f"signed APK: {apk} ({apk.stat().st_size / 1e6:.1f} MB)")
    sys.exit(failed)


def _checks(target: Path, apk: Path) -> Iterator[tuple[str, str]]:
    """(what is checked, what is wrong or "")"""
    yield from _signature(apk)
    yield "alignment of LOAD segments is read correctly", _reads_alignment(target)
    size = apk.stat().st_size
    yield f"smaller than {MAX_BYTES / 1e6:.0f} MB", "" if size < MAX_BYTES else f"{size} bytes"
    with zipfile.ZipFile(apk) as archive:
        libraries = {n for n in archive.namelist() if n.startswith("lib/")}
        wanted = {f"lib/{abi}/{library}" for abi in ABIS for library in LIBRARIES}
        yield f"libraries for {', '.join(sorted(ABIS))}", _difference(libraries, wanted)
        dex = [n for n in archive.namelist() if n.endswith(".dex")]
        yield "code in one dex file", "" if dex == ["classes.dex"] else f"{dex}"
        yield from _storage(apk, archive)
        yield from _model(target, archive)
    badging = _output(target / "aapt2", "dump", "badging", apk)
    missing = [line for line in BADGING if line not in badging]
    yield "badging as expected", ", ".join(missing)


def _signature(apk: Path) -> Iterator[tuple[str, str]]:
    command = ["apksigner", "verify", "--verbose", "--min-sdk-version", "26", str(apk)]
    done = subprocess.run(command, capture_output=True, text=True)
    yield "signature", done.stderr.strip() if done.returncode else ""
    for scheme in ("v2", "v3"):
        line = f"Verified using {scheme} scheme (APK Signature Scheme {scheme}): true"
        yield f"signed by scheme {scheme}", "" if line in done.stdout else "it is not"
    # The check must be able to fail: one changed byte in the middle of the file.
    broken = apk.with_suffix(".broken")
    content = bytearray(apk.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(content)
    done = subprocess.run([*command[:-1], str(broken)], capture_output=True, text=True)
    broken.unlink()
    yield "a changed byte breaks the signature", "" if done.returncode else "it does not"


def _storage(apk: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    for suffix, alignment in ((".so", LARGEST_PAGE), (".tflite", 4), (".arsc", 4), (".mp4", 4)):
        wrong = []
        names = [info for info in archive.infolist() if info.filename.endswith(suffix)]
        for info in names:
            if info.compress_type != zipfile.ZIP_STORED or _start(apk, info) % alignment:
                wrong.append(info.filename)
        problem = ", ".join(wrong) if names else "there is none"
        yield f"{suffix} stored uncompressed, aligned to {alignment}", problem


def _linked_for_small_pages(apk: Path) -> list[str]:
    """The libraries that do not load on devices with 16 KB pages."""
    with zipfile.ZipFile(apk) as archive:
        return [
            name
            for name in sorted(archive.namelist())
            if name.endswith(".so") and name.split("/")[1] in ABIS_WITH_LARGE_PAGES
            if _load_alignment(archive.read(name)) < LARGEST_PAGE
        ]


def _load_alignment(library: bytes) -> int:
    """The smallest alignment of the LOAD segments of a 64-bit ELF file."""
    (start,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    headers = [start + size * i for i in range(count)]
    loaded = [header for header in headers if library[header : header + 4] == PT_LOAD]
    return min(struct.unpack_from("<Q", library, header + 48)[0] for header in loaded)


def _reads_alignment(target: Path) -> str:
    """The note must be able to appear and to stay away: checks a library linked for each."""
    library = target / "alignment.so"
    for page in (4096, LARGEST_PAGE):
        options = ("-shared", "-nostdlib", f"-Wl,-z,max-page-size={page}", "-x", "c", "/dev/null")
        _output("gcc", *options, "-o", library)
        found = _load_alignment(library.read_bytes())
        library.unlink()
        if found != page:
            return f"{found} instead of {page}"
    return ""


def _start(apk: Path, info: zipfile.ZipInfo) -> int:
    """Where the content begins: the local header's extra field may differ from the directory's."""
    with open(apk, "rb") as file:
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
    return info.header_offset + 30 + name + extra


def _model(target: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    folder = "assets/model/"
    manifest = json.loads(archive.read(folder + "manifest.json"))
    wrong = [
        graph["file"]
        for graph in manifest["graphs"]
        if hashlib.sha256(archive.read(folder + graph["file"])).hexdigest() != graph["sha256"]
    ]
    yield f"model {manifest['name']}, {manifest['precision']}", ", ".join(wrong)
    assets = {f"assets/{p.relative_to(target / 'assets')}" for p in _files(target / "assets")}
    found = {n for n in archive.namelist() if n.startswith("assets/")}
    yield "assets are complete", _difference(found, assets)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _difference(found: set[str], wanted: set[str]) -> str:
    return ", ".join([f"no {n}" for n in sorted(wanted - found)] + sorted(found - wanted))


def _output(*command: object) -> str:
    return subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
