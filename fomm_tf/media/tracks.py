"""Which of a file's picture and sound tracks are meant."""

from __future__ import annotations

from collections.abc import Sequence

import av
from av.stream import Disposition

# Pictures that accompany a film and are not it.
_NOT_THE_FILM = (
    Disposition.attached_pic
    | Disposition.timed_thumbnails
    | Disposition.still_image
    | Disposition.dependent
)
_ORDINALS = ("first", "second", "third")


def picture_track(container: av.container.InputContainer) -> av.VideoStream | None:
    """The default one, of several such the first that moves; never cover art."""
    best = container.streams.best("video")

    def rank(stream: av.VideoStream) -> tuple[bool, ...]:
        default = bool(stream.disposition & Disposition.default)
        # Matroska does not count frames; there FFmpeg knows it from what it read of the file.
        return default, stream.frames != 1, not stream.frames and stream is best

    # Of equals max takes the first.
    return max(_films(container), key=rank, default=None)


def sound_track(container: av.container.InputContainer) -> av.AudioStream | None:
    """The default one, else the first."""
    return max(container.streams.audio, key=_sound_rank, default=None)


def choice_notices(container: av.container.InputContainer) -> list[str]:
    """One line for the picture and one for the sound, where there is a choice."""
    return [
        *_choice("picture", _films(container), picture_track(container)),
        *_choice("sound", container.streams.audio, sound_track(container)),
    ]


def _films(container: av.container.InputContainer) -> list[av.VideoStream]:
    return [s for s in container.streams.video if not s.disposition & _NOT_THE_FILM]


def _sound_rank(stream: av.AudioStream) -> tuple[bool, ...]:
    return bool(stream.disposition & Disposition.default), stream.codec_context is not None


def _choice(kind: str, tracks: Sequence[av.stream.Stream], chosen: object) -> list[str]:
    if len(tracks) < 2:
        return []
    place = next(i for i, track in enumerate(tracks) if track is chosen)
    which = _ORDINALS[place] if place < len(_ORDINALS) else f"{place + 1}th"
    track = tracks[place]
    details = [track.language] if track.language not in (None, "und") else []
    if isinstance(track, av.VideoStream):
        details.append(f"{track.width}x{track.height}")
    if track.disposition & Disposition.default:
        details.append("the default")
    described = f" ({', '.join(details)})" if details else ""
    return [f"of its {len(tracks)} {kind} tracks the {which}{described} is used"]
