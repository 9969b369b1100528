"""Packs and signs the APK: resources, code and libraries; what is memory-mapped is stored aligned.

python3 tools/pack.py BUILD_FOLDER APK KEYSTORE
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
STORED = (".tflite", ".so", ".arsc", ".png", ".mp4")
# Libraries are mapped by pages, of up to 16 KB; for everything else words suffice.
PAGE, WORD = 16384, 4
PADDING_FIELD = 0xD935
LOCAL_HEADER = 30
TIME = (2020, 1, 1, 0, 0, 0)
PASSWORD = "android"
RULES = Path(__file__).with_name("rules.pro")


def main() -> None:
    """Arguments: build folder, APK, keystore. Writes the APK whole or not at all."""
    target, apk, key = (Path(argument) for argument in sys.argv[1:4])
    _dex(target)
    unsigned, signed = target / "unsigned.apk", target / "signed.apk"
    with zipfile.ZipFile(unsigned, "w") as out:
        for name, content in _entries(target):
            _add(out, name, content)
    _make_key(key)
    _run(
        *("apksigner", "sign", "--ks", key, "--ks-pass", f"pass:{PASSWORD}"),
        *("--min-sdk-version", "26", "--v1-signing-enabled", "false"),
        *("--v2-signing-enabled", "true", "--v3-signing-enabled", "true"),
        *("--v4-signing-enabled", "false", "--in", unsigned, "--out", signed),
    )
    os.replace(signed, apk)
    unsigned.unlink()


def _dex(target: Path) -> None:
    """Compiles the app and its libraries to classes.dex, without unused code."""
    folder = target / "dex"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    jars = target / "jars"
    # android-all has Android's classes, but not java.*.
    java_home = Path(shutil.which("java") or "java").resolve().parents[1]
    rules = (RULES, RULES.parents[1] / "app" / "proguard-rules.pro")
    _run(
        *("java", "-cp", jars / "r8.jar", "com.android.tools.r8.R8", "--release"),
        *(
            "--min-api",
            "26",
            "--lib",
            jars / "android-all.jar",
            "--lib",
            java_home,
            "--output",
            folder,
        ),
        *(part for rule in rules for part in ("--pg-conf", rule)),
        *(target / "fomm-demo-1.0.jar", jars / "kotlin-stdlib.jar"),
        *sorted((target / "aar").glob("*/classes.jar")),
    )


def _entries(target: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(target / "res.apk") as resources:
        for name in resources.namelist():
            yield name, resources.read(name)
    for dex in sorted((target / "dex").glob("*.dex")):
        yield dex.name, dex.read_bytes()
    for abi in ABIS:
        for library in sorted((target / "aar").glob(f"*/jni/{abi}/*.so")):
            yield f"lib/{abi}/{library.name}", library.read_bytes()


def _add(out: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, TIME)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    if info.compress_type == zipfile.ZIP_STORED:
        alignment = PAGE if name.endswith(".so") else WORD
        start = out.fp.tell() + LOCAL_HEADER + len(name.encode())
        # An extra field has a header of four bytes, the alignment in two, and zeros as padding.
        fill = -(start + 6) % alignment
        info.extra = b"".join(
            number.to_bytes(2, "little") for number in (PADDING_FIELD, 2 + fill, alignment)
        ) + bytes(fill)
    out.writestr(info, content)


def _make_key(key: Path) -> None:
    """A debug key, created once; for a store, sign with your own."""
    if key.is_file():
        return
    _run(
        *("keytool", "-genkeypair", "-keystore", key, "-storetype", "PKCS12", "-alias", "debug"),
        *("-storepass", PASSWORD, "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000"),
        *("-dname", "CN=FOMM demo debug"),
    )


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {command[0]}: {done.stderr or done.stdout}")


if __name__ == "__main__":
    main()
