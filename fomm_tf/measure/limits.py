"""How well models follow a known motion, the further it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

from fomm_tf.data.cartoon_faces.poses import Pose, render_poses
from fomm_tf.errors import ModelError
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.media.fitting import fit
from fomm_tf.media.pictures import to_float

# Motion -> the pose at `share` of its greatest amount, and that amount with its unit.
MOTIONS: dict[str, tuple[Callable[[float], Pose], float, str]] = {
    "head turned": (lambda share: Pose(turn=np.radians(35) * share), 35, "degrees"),
    "head shifted": (lambda share: Pose(shift=0.3 * share), 0.3, "picture widths"),
    "camera pan behind a still head": (lambda share: Pose(pan=0.3 * share), 0.3, "picture widths"),
    "head and background moving apart": (
        lambda share: Pose(shift=0.15 * share, pan=-0.15 * share),
        0.3,
        "picture widths",
    ),
}
MEASURES = ("l1", "psnr", "keypoints", "leak")
# Not those of the data that models are usually trained on.
SEED = 77


@dataclass
class Curves:
    """One model's curves: for each motion and measure a value per amount.

    l1, psnr: of the frame, against the one that the motion leads to. keypoints: the mean distance
    of the model's own keypoints in the two, in pixels. leak: the L1 outside the person.
    """

    name: str
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)


def measure_limits(model: Any, name: str, people: int, steps: int) -> list[Curves]:
    """The curves of a model, and if it estimates the background's motion those with that.

    The source is a person at rest; the driving frames show the same person moved, so that the true
    result is known. `steps`: amounts of each motion, from none to the greatest.
    Raises ModelError for a model that does not animate.
    """
    found = [Curves(name)]
    options = [MotionOptions(relative=False)]
    model.check_motion(options[0])
    moving = MotionOptions(relative=False, background=True)
    try:
        model.check_motion(moving)
        found.append(Curves(f"{name} --background"))
        options.append(moving)
    except ModelError:
        pass
    shares = np.linspace(0, 1, steps)
    with tqdm(total=len(MOTIONS) * people, desc=name, unit="clip") as bar:
        for motion, (pose_at, *_) in MOTIONS.items():
            poses = [pose_at(share) for share in shares]
            clips = []
            for person in range(people):
                clips.append([_measure_clip(model, one, person, poses) for one in options])
                bar.update()
            # [people, options, steps, measures]
            means = np.mean(clips, axis=0)
            for curves, table in zip(found, means, strict=True):
                columns = table.T.tolist()
                curves.values[motion] = dict(zip(MEASURES, columns, strict=True))
    return found


def _measure_clip(
    model: Any, options: MotionOptions, person: int, poses: list[Pose]
) -> list[list[float]]:
    """The measures of every pose, in the order of `MEASURES`."""
    height, width = model.frame_size
    pictures, covers = render_poses(SEED, person, [Pose(), *poses], max(height, width))
    frames = [to_float(fit(picture, (height, width)))[None] for picture in pictures]
    source, *driving = frames
    away = [
        fit(np.uint8(np.rint(255 * cover)).repeat(3, -1), (height, width)) == 0 for cover in covers
    ]
    kp_source, encoded = model.detect(source), model.encode(source)
    rows = []
    for frame, outside in zip(driving, away[1:], strict=True):
        kp = model.detect_driving(source, frame) if options.background else model.detect(frame)
        made = model.decode(encoded, kp_source, model.transfer(kp_source, kp, kp_source, options))
        error = np.abs(made - frame)[0]
        distance = (model.detect(made).value - kp.value)[0] / 2 * (width - 1, height - 1)
        rows.append(
            [
                float(error.mean()),
                float(-10 * np.log10(max(np.square(error).mean(), 1e-12))),
                float(np.hypot(*distance.T).mean()),
                float(error[outside].mean()),
            ]
        )
    return rows
