"""Compiles and links the resources: R.java for the compiler, res.apk for APK and Robolectric."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "fomm.demo"
MIN_SDK, TARGET_SDK = "26", "34"
VERSION_CODE, VERSION_NAME = "1", "1.0"


def main() -> None:
    """Arguments: the build folder, which has the assets, and the app's src/main."""
    target, source = Path(sys.argv[1]), Path(sys.argv[2])
    generated = target / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    generated.mkdir(parents=True)
    # Gradle rejects a manifest with a package, aapt2 one without.
    manifest = generated / "AndroidManifest.xml"
    text = (source / "AndroidManifest.xml").read_text(encoding="utf-8")
    manifest.write_text(
        re.sub(r"<manifest ", f'<manifest package="{PACKAGE}" ', text), encoding="utf-8"
    )
    aapt2, compiled = target / "aapt2", generated / "res.zip"
    _run(aapt2, "compile", "--dir", source / "res", "-o", compiled)
    # Robolectric reads assets from the archive too; the tests have a different model.
    for assets, out in (("assets", "res.apk"), ("test-assets", "test-res.apk")):
        _link(target, manifest, compiled, target / assets, target / out)


def _link(target: Path, manifest: Path, compiled: Path, assets: Path, out: Path) -> None:
    _run(
        *(
            target / "aapt2",
            "link",
            "-I",
            target / "jars" / "android-all.jar",
            "--manifest",
            manifest,
        ),
        *("--min-sdk-version", MIN_SDK, "--target-sdk-version", TARGET_SDK),
        *("--version-code", VERSION_CODE, "--version-name", VERSION_NAME),
        *("--java", target / "generated" / "java", "-A", assets, "-0", ".tflite"),
        *("-o", out, compiled),
    )


def _run(*command: object) -> None:
    if subprocess.run([str(part) for part in command]).returncode:
        sys.exit(1)


if __name__ == "__main__":
    main()
