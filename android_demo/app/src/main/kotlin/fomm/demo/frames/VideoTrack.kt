package fomm.demo.frames

import android.media.MediaFormat

/**
 * The index of the video track to play: the longest, since a motion photo's still is short, and the first among equals.
 * Tracks that this phone [hasDecoder] for take precedence. Null if there is no video track.
 */
internal fun chooseTrack(
    formats: List<MediaFormat>,
    hasDecoder: (MediaFormat) -> Boolean,
): Int? {
    val tracks = formats.indices.filter { formats[it].mime.startsWith("video/") }
    return tracks
        .filter { hasDecoder(formats[it]) }
        .ifEmpty { tracks }
        .maxByOrNull { formats[it].long(MediaFormat.KEY_DURATION) ?: 0 }
}

/** How a video's colours are coded. */
internal data class VideoColour(
    val coding: YuvCoding,
    val hdr: Hdr?,
)

/**
 * The colour of frames of the given size: by the tags of the decoder's output format, else of the track's. Untagged
 * video is taken as players do: limited range, BT.709 from 720 lines or 1280 columns on, BT.601 below.
 */
internal fun videoColour(
    decoded: MediaFormat,
    track: MediaFormat,
    width: Int,
    height: Int,
): VideoColour {
    fun tag(key: String) = decoded.tag(key) ?: track.tag(key)
    val full = tag(MediaFormat.KEY_COLOR_RANGE) == MediaFormat.COLOR_RANGE_FULL
    val coding =
        when (tag(MediaFormat.KEY_COLOR_STANDARD)) {
            MediaFormat.COLOR_STANDARD_BT709 -> bt709(full)
            MediaFormat.COLOR_STANDARD_BT601_PAL, MediaFormat.COLOR_STANDARD_BT601_NTSC -> bt601(full)
            MediaFormat.COLOR_STANDARD_BT2020 -> if (full) YuvCoding.BT2020_FULL else YuvCoding.BT2020
            else -> if (width >= HD_WIDTH || height >= HD_HEIGHT) bt709(full) else bt601(full)
        }
    val hdr =
        when (tag(MediaFormat.KEY_COLOR_TRANSFER)) {
            MediaFormat.COLOR_TRANSFER_HLG -> Hdr.HLG
            MediaFormat.COLOR_TRANSFER_ST2084 -> Hdr.PQ
            else -> null
        }
    return VideoColour(coding, hdr)
}

private fun bt601(full: Boolean) = if (full) YuvCoding.BT601_FULL else YuvCoding.BT601

private fun bt709(full: Boolean) = if (full) YuvCoding.BT709_FULL else YuvCoding.BT709

internal val MediaFormat.mime get() = getString(MediaFormat.KEY_MIME).orEmpty()

/** Degrees clockwise. A decoder without an output surface does not apply it. */
internal val MediaFormat.rotation
    get() = if (containsKey(MediaFormat.KEY_ROTATION)) getInteger(MediaFormat.KEY_ROTATION) else 0

private fun MediaFormat.long(key: String) = if (containsKey(key)) getLong(key) else null

/** 0 means unspecified. */
private fun MediaFormat.tag(key: String) = if (containsKey(key)) getInteger(key).takeIf { it != 0 } else null

private const val HD_WIDTH = 1280
private const val HD_HEIGHT = 720
