"""The commands as a page in the browser: animate pictures, export models. On this computer only."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from fomm_tf.cli import command_parser, positive, run_command
from fomm_tf.errors import ModelError, UserError
from fomm_tf.ui.commands import find_models

DETAILS = """\
examples:
  python -m fomm_tf.ui
  python -m fomm_tf.ui --models models exported --port 7861

The page is for this computer only (127.0.0.1), and asks nothing of other servers. --models names
model folders, exported folders, or folders that hold such ones. Ctrl-C ends.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments."""
    args = _parse(argv)
    models = [path for path in args.models if path.is_dir()]
    if not find_models(*models):
        where = ", ".join(map(str, args.models))
        raise ModelError(f"{where}: no model was found; give --models DIR")
    # Before the import, which reads them.
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    try:
        from fomm_tf.ui.page import THEME, build
    except ModuleNotFoundError as error:
        raise UserError(f"the page needs Gradio ({error}): pip install 'fomm-tf[ui]'") from error
    page = build(models, args.out)
    try:
        page.queue().launch(
            server_name="127.0.0.1",
            server_port=args.port,
            share=False,
            inbrowser=not args.no_browser,
            theme=THEME,
            footer_links=[],
        )
    except OSError as error:
        raise UserError(f"port {args.port} cannot be used; give another --port") from error


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("ui", __doc__, DETAILS)
    add = parser.add_argument
    add(
        "--models",
        type=Path,
        nargs="+",
        default=[Path("models"), Path("exported")],
        metavar="DIR",
        help="where the models are (default: models exported)",
    )
    add(
        "--out",
        type=Path,
        default=Path("exported"),
        metavar="DIR",
        help="where exported folders go (default: exported)",
    )
    add("--port", type=positive, default=7860, metavar="N", help="default: %(default)s")
    add("--no-browser", action="store_true", help="do not open the page")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
