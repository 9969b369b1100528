"""How a sitter moves: every channel is a smooth function of time, drawn once per clip.

The ranges and speeds are those of real talking heads: most hardly turn, a few turn much; lips open
several times a second; lids close wholly for a frame or more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Motion:
    """The state of a head in T frames, relative to the photograph; every field is [T].

    yaw, pitch, roll: degrees (to the picture's right, down, clockwise); x, y: shift of the head,
    sway: of the torso, in eye distances; scale: factor; mouth: the gap between the lips in eye
    distances, not relative; wide, smile: of the corners of the mouth; blink: 0 as in the photograph
    to 1 closed; brow: raised by, in eye distances; gaze_x, gaze_y: -1 to 1, right and down.
    """

    yaw: Array
    pitch: Array
    roll: Array
    x: Array
    y: Array
    sway: Array
    scale: Array
    mouth: Array
    wide: Array
    smile: Array
    blink: Array
    brow: Array
    gaze_x: Array
    gaze_y: Array

    def __len__(self) -> int:
        return len(self.yaw)

    def __getitem__(self, part: slice) -> Motion:
        return Motion(*(getattr(self, field.name)[part] for field in fields(self)))


def at_rest(frames: int, own_gap: float) -> Motion:
    """The photograph as it is, whose mouth is open by `own_gap` eye distances."""
    rest = {field.name: np.zeros(frames) for field in fields(Motion)}
    rest |= {"scale": np.ones(frames), "mouth": np.full(frames, own_gap)}
    return Motion(**rest)


def random_motion(
    rng: np.random.Generator,
    frames: int,
    fps: float,
    own_gap: float = 0.0,
    own_yaw: float = 0.0,
    headroom: float = np.inf,
) -> Motion:
    """`frames` frames of a head that turns, talks, blinks and looks about; the first is at rest.

    own_gap: the photograph's mouth, in eye distances; own_yaw: its yaw in degrees. headroom: how
    far the head may sink, in eye distances, before a part that the photograph cut off would show.
    """

    def wave(seconds: float) -> Array:
        return _smooth_noise(rng, frames, seconds * fps)

    # From a newsreader to somebody who looks around.
    vigour = np.exp(rng.uniform(np.log(0.15), np.log(2.0)))
    slow = rng.uniform(0.3, 1.1)

    def drift(spread: float, offset: float, tremor: float, limit: float) -> Array:
        far = vigour * (spread * wave(slow) + rng.normal(0, offset))
        return limit * np.tanh((far + tremor * wave(0.2)) / limit)

    x = drift(0.14, 0.08, 0.004, 0.45)
    turned = drift(13, 6, 0.7, 27)
    motion = Motion(
        # A sitter who looks aside already may turn as far the other way, not farther.
        yaw=np.clip(turned, -29 - own_yaw, 29 - own_yaw),
        pitch=drift(7, 3, 0.9, 15),
        roll=drift(7, 3, 0.3, 25),
        x=x,
        y=drift(0.05, 0.03, 0.006, 0.15),
        sway=0.45 * x,
        scale=np.exp(drift(0.05, 0.02, 0.003, 0.12)),
        mouth=_speech(rng, frames, fps, own_gap),
        wide=0.1 * wave(0.14) + 0.03 * wave(0.5),
        smile=0.025 * wave(0.8),
        blink=_blinks(rng, frames, fps),
        brow=rng.uniform(0.2, 1) * 0.035 * np.clip(wave(0.4), -1.2, 2.5),
        gaze_x=_glances(rng, frames, fps),
        gaze_y=0.6 * _glances(rng, frames, fps),
    )
    return _starting_at_rest(_below(motion, headroom), own_gap)


def _smooth_noise(rng: np.random.Generator, frames: int, width: float) -> Array:
    """Gaussian noise of unit variance, smoothed by a Gaussian of this many frames."""
    reach = int(4 * width) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 0.5)) ** 2)
    noise = np.convolve(rng.standard_normal(frames + 2 * reach), kernel, "valid")
    return noise / np.sqrt((kernel**2).sum())


def _speech(rng: np.random.Generator, frames: int, fps: float, own_gap: float) -> Array:
    """Syllables in phrases, with pauses in which the mouth rests."""
    time = np.arange(frames) / fps
    talks = _smooth_noise(rng, frames, 0.5 * fps) + rng.choice([-3, 0.3, 2])
    talks = 1 / (1 + np.exp(-6 * talks))
    loud = rng.uniform(0.12, 0.42)
    mouth = np.zeros(frames)
    start = rng.uniform(0, 0.2)
    while start < frames / fps + 0.4:
        half = rng.uniform(0.14, 0.32)
        phase = np.clip((time - start) / half, -1, 1)
        height = loud * rng.beta(1.6, 1.4)
        mouth = np.maximum(mouth, height * (0.5 + 0.5 * np.cos(np.pi * phase)))
        start += half * rng.uniform(0.9, 1.9)
    rest = own_gap * rng.choice([0, 0.5, 1])
    return talks * mouth + (1 - talks) * rest


def _blinks(rng: np.random.Generator, frames: int, fps: float) -> Array:
    """Lids close within a tenth of a second, stay closed for about as long, and open slower."""
    time = np.arange(frames) / fps
    blink = rng.uniform(0, 0.15) * np.clip(_smooth_noise(rng, frames, 0.3 * fps), 0, 1)
    start = rng.uniform(-0.4, 1.5)
    while start < frames / fps:
        closing, closed, opening = rng.uniform((0.06, 0.04, 0.12), (0.09, 0.1, 0.2))
        since = time - start
        shape = np.minimum(1 + since / closing, 1 - (since - closed) / opening)
        blink = np.maximum(blink, np.clip(shape, 0, 1))
        start += rng.exponential(1.8) + 0.5
    return blink


def _glances(rng: np.random.Generator, frames: int, fps: float) -> Array:
    """The eyes rest, and leap within a frame or two; -1 to 1, mostly near 0."""
    glance = np.zeros(frames)
    start, look = 0, 0.0
    while start < frames:
        end = start + 1 + int(rng.uniform(0.25, 1.6) * fps)
        glance[start:end] = look
        start, look = end, rng.choice([0, 1]) * rng.uniform(-1, 1)
    return np.convolve(np.pad(glance, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")


def _below(motion: Motion, headroom: float) -> Motion:
    """The same with roll, pitch and sinking scaled down until the head keeps to its headroom."""
    sinking = motion.y + 0.9 * np.abs(np.sin(np.deg2rad(motion.roll)))
    sinking = sinking + 0.6 * np.sin(np.deg2rad(np.maximum(motion.pitch, 0)))
    share = min(1.0, headroom / max(float(sinking.max()), 1e-6))
    kept = {name: share * getattr(motion, name) for name in ("y", "roll", "pitch")}
    return replace(motion, **kept)


def _starting_at_rest(motion: Motion, own_gap: float) -> Motion:
    rest = at_rest(1, own_gap)
    together = (
        np.concatenate([getattr(rest, field.name), getattr(motion, field.name)[1:]])
        for field in fields(Motion)
    )
    return Motion(*together)
