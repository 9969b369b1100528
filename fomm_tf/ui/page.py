"""The page: forms, and what their buttons do. Gradio."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from fomm_tf.errors import UserError
from fomm_tf.face import detect_faces
from fomm_tf.face.crop import choose_face, crop_box
from fomm_tf.inference.loading import load_exported
from fomm_tf.measure.timing import timer
from fomm_tf.media.fitting import fit
from fomm_tf.media.pictures import read_picture
from fomm_tf.ui.commands import (
    animate_line,
    export_line,
    find_models,
    is_trained,
    run,
)

PREVIEW = (256, 256)
HEIGHT = 320
OPTIONS = {
    "crop": ("Crop to the face", "Finds the faces; for pictures that show more than a head."),
    "paste_back": ("Put back", "The whole source picture, with the face in it moving."),
    "side_by_side": ("Side by side", "Source, driving video and result in a row."),
    "absolute": ("Absolute motion", "Adopts the place and size of the driving head."),
    "adapt_scale": ("Adapt scale", "Scales the motion to the size of the source."),
    "best_frame": ("Best frame", "Starts where the driving pose is closest to the source's."),
}
# Asks nothing of other servers: no fonts of the web.
THEME = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"])


def build(models: list[Path], out: Path) -> gr.Blocks:
    """The page. models: folders that are, or hold, models; out: where exported folders go."""
    with gr.Blocks(title="fomm_tf", analytics_enabled=False) as page:
        gr.Markdown("# fomm_tf\nA picture moves as a video does. All on this computer.")
        with gr.Tab("Animate"):
            chooser = _animate_tab(models)
        with gr.Tab("Export"):
            _export_tab(models, out, chooser)
    return page


def _choices(models: list[Path]) -> list[str]:
    return [str(path) for path in find_models(*models)]


def _animate_tab(models: list[Path]) -> gr.Dropdown:
    names = _choices(models)
    model = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label="Model",
        info="Exported folders are faster.",
    )
    with gr.Row():
        source = gr.Image(
            type="filepath", label="Source picture", sources=["upload", "webcam"], height=HEIGHT
        )
        driving = gr.Video(label="Driving video", sources=["upload", "webcam"], height=HEIGHT)
        result = gr.Video(label="Result", interactive=False, height=HEIGHT)
        crop = gr.Image(label="Crop of the source", interactive=False, height=HEIGHT)
    with gr.Row():
        boxes = [gr.Checkbox(label=label, info=info) for label, info in OPTIONS.values()]
    with gr.Row():
        preview = gr.Button("Preview the crop")
        start = gr.Button("Animate", variant="primary", elem_id="animate")
        cancel = gr.Button("Cancel")
    state = gr.Markdown("", elem_id="state")
    preview.click(_preview, [source], [crop], api_name=False)
    running = start.click(
        _animate, [model, source, driving, *boxes], [result, state], api_name=False
    )
    cancel.click(lambda: "Cancelled.", None, [state], cancels=[running], api_name=False)
    return model


def _preview(source: str | None) -> np.ndarray:
    if source is None:
        raise gr.Error("Give a source picture.")
    with _errors():
        picture = read_picture(source)
        face = choose_face(detect_faces(picture), None, "the picture")
        return fit(picture, PREVIEW, box=crop_box([face.box], picture.shape[:2], PREVIEW))


def _animate(
    model: str | None, source: str | None, driving: str | None, *values: bool
) -> Iterator[tuple[Any, str]]:
    if model is None or source is None or driving is None:
        raise gr.Error("Choose a model, and give a source picture and a driving video.")
    flags = dict(zip(OPTIONS, values, strict=True))
    out = Path(tempfile.mkdtemp(prefix="fomm-")) / "result.mp4"
    line = animate_line(Path(model), Path(source), Path(driving), out, **flags)
    yield None, "Starting ..."
    with _errors():
        for progress in run(line):
            yield gr.skip(), _state(progress.fraction, progress.text)
    yield str(out), f"Done. The same in a terminal: `{_shown(line)}`"


def _export_tab(models: list[Path], out: Path, chooser: gr.Dropdown) -> None:
    names = [name for name in _choices(models) if is_trained(Path(name))]
    model = gr.Dropdown(names, value=names[0] if names else None, label="Model folder")
    precision = gr.Radio(
        ["float32", "float16", "dynamic", "int8"],
        value="float32",
        label="Precision",
        info="int8 is the smallest and the fastest, and the least exact.",
    )
    start = gr.Button("Export", variant="primary")
    state = gr.Markdown("")

    def export(name: str | None, kind: str) -> Iterator[tuple[Any, str]]:
        if name is None:
            raise gr.Error("There is no model folder.")
        folder = out / f"{Path(name).name}-{kind}"
        yield gr.skip(), "Starting ..."
        with _errors():
            for progress in run(export_line(Path(name), folder, kind)):
                yield gr.skip(), _state(progress.fraction, progress.text)
            told = describe(folder)
        yield gr.update(choices=_choices([*models, out])), told

    start.click(export, [model, precision], [chooser, state], api_name=False)


def describe(folder: Path) -> str:
    """Size and measured speed of an exported folder, in one line."""
    model = load_exported(folder)
    picture = np.zeros((1, *model.frame_size, 3), np.float32)
    size = sum(file.stat().st_size for file in folder.glob("*.tflite")) / 2**20
    kp, encoded = model.detect(picture), model.encode(picture)

    def frame() -> None:
        model.decode(encoded, kp, model.detect(picture))

    return f"`{folder}`: {size:.1f} MiB, {1000 * timer(frame)():.1f} ms a frame here"


class _errors:
    """Errors of the user become Gradio's, which shows them."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, UserError):
            raise gr.Error(str(error)) from error


def _state(fraction: float | None, text: str) -> str:
    return f"{f'{100 * fraction:.0f} % ' if fraction is not None else ''}{text}"


def _shown(line: list[str]) -> str:
    return shlex.join(["python", *line[1:]])
