"""Makes a web page that animates pictures with an exported model, in the browser."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import get_args

from tqdm import tqdm

from export.clips import check_animates
from export.npm import fetch_packages
from export.single_page import NOT_IN_FOLDERS, single_page
from export.web_files import PACKAGES, page_files, top_names
from fomm_tf.cli import command_parser, run_command
from fomm_tf.errors import DataError, ModelError
from fomm_tf.files import replacing_folder, write_text
from fomm_tf.inference.loading import load_exported, read_config, read_manifest
from fomm_tf.inference.manifest import MANIFEST_FILE, Precision
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
examples:
  python -m export.web --model models/cartoon-faces --out page
  python -m fomm_tf.serve page

  # one file that opens without a server
  python -m export.web --model models/cartoon-faces --out page.html --single-file

  # a model that was exported before, so as to choose its calibration, recipe or size
  python -m export.convert --model models/vox-256 --out exported --precision int8 \\
      --calibration data/vox/train
  python -m export.web --model exported --out page

The folder holds static files for any web host. The page asks no other host for anything, and sends
nothing: pictures, videos and the camera stay in the browser. LiteRT's runtime and a face detector
are fetched by npm, in a fixed version, and checked; later runs take them from npm's cache.

docs/web.md tells how to host the page and what to expect of it.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    _check_out(args.out, args.single_file)
    _check_model(args.model, args.precision)
    archives = fetch_packages(PACKAGES)
    with _exported(args.model, args.precision or "int8") as folder:
        model = load_exported(folder, threads=1)
        parts = page_files(folder, model, archives)
        files = dict(tqdm(parts, desc="page", unit="file", leave=False, disable=None))
    if args.single_file:
        write_text(args.out, single_page(files))
        print(
            f"web page: {args.out} ({args.out.stat().st_size / 1e6:.1f} MB); open it in a browser"
        )
        return
    with replacing_folder(args.out) as temporary:
        for name in files.keys() - NOT_IN_FOLDERS:
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
    print(f"web page: {args.out}; show it with: python -m fomm_tf.serve {args.out}")


def _is_exported(model: Path) -> bool:
    return (model / MANIFEST_FILE).is_file()


def _check_model(model: Path, precision: Precision | None) -> None:
    """Raises ModelError unless it is a model, trained or exported, that animates."""
    if not _is_exported(model):
        config = read_config(model)
    elif precision:
        raise ModelError(f"{model} is exported already; omit --precision")
    else:
        config = read_manifest(model).config
    check_animates(config, model)


@contextmanager
def _exported(model: Path, precision: Precision) -> Iterator[Path]:
    """The folder of the exported model: `model` itself, or a temporary one."""
    if _is_exported(model):
        yield model
        return
    import_tensorflow()
    from export.conversion import convert

    with tempfile.TemporaryDirectory() as folder:
        convert(model, Path(folder) / "exported", precision)
        yield Path(folder) / "exported"


def _check_out(out: Path, is_single: bool) -> None:
    """Raises DataError unless `out` is free, or a page made before and nothing else."""
    if is_single:
        if out.suffix not in (".html", ".htm") or out.is_dir():
            raise DataError(f"{out}: with --single-file give a file's name ending in .html")
    elif out.is_dir():
        names = {path.name for path in out.iterdir()}
        if names and not ("index.html" in names and names <= top_names()):
            raise DataError(f"{out} is not empty and not a page made before; give another --out")
    elif out.exists() or out.is_symlink():
        raise DataError(f"{out} exists and is not a folder; give another --out")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("web", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder, or an exported one")
    add("--out", type=Path, required=True, metavar="PATH", help="folder to write, or page.html")
    add(
        "--precision",
        choices=get_args(Precision),
        help="of a model folder's export (default: int8)",
    )
    add("--single-file", action="store_true", help="write one HTML file that needs no server")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
