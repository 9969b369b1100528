package fomm.demo.frames

import android.media.MediaFormat
import org.junit.Assert.assertEquals
import org.junit.Test

class VideoTrackTest {
    private val sound = format("audio/mp4a-latm", MediaFormat.KEY_DURATION to 9_000_000L)
    private val still = format("video/hevc", MediaFormat.KEY_DURATION to 33_000L)
    private val moving = format("video/avc", MediaFormat.KEY_DURATION to 3_000_000L)
    private val same = format("video/avc", MediaFormat.KEY_DURATION to 3_000_000L)
    private val dolby = format("video/dolby-vision", MediaFormat.KEY_DURATION to 3_000_000L)
    private val unknown = format("video/avc")

    @Test
    fun theLongestVideoIsPlayed() {
        assertEquals(null, choose(sound))
        assertEquals(1, choose(sound, unknown))
        assertEquals("a motion photo", 2, choose(sound, still, moving))
        assertEquals("the first of two alike", 1, choose(sound, moving, same))
    }

    @Test
    fun aTrackWithADecoderGoesFirst() {
        assertEquals("Dolby Vision, and its base layer as a second track", 1, choose(dolby, moving))
        assertEquals("no decoder promises it", 0, choose(dolby))
    }

    @Test
    fun theDecoderSaysHowPicturesAreCoded() {
        val track = format("video/avc", STANDARD to MediaFormat.COLOR_STANDARD_BT709)
        assertEquals(YuvCoding.BT709, videoColour(format(""), track, 640, 480).coding)
        val decoded = format("", STANDARD to MediaFormat.COLOR_STANDARD_BT601_PAL, RANGE to FULL)
        assertEquals(YuvCoding.BT601_FULL, videoColour(decoded, track, 1920, 1080).coding)
        assertEquals(VideoColour(YuvCoding.BT2020, Hdr.HLG), videoColour(format(""), hdr(HLG), 1920, 1080))
        assertEquals(VideoColour(YuvCoding.BT2020, Hdr.PQ), videoColour(format(""), hdr(PQ), 1920, 1080))
        val toneMapped = format("", STANDARD to MediaFormat.COLOR_STANDARD_BT709, TRANSFER to SDR)
        assertEquals(VideoColour(YuvCoding.BT709, null), videoColour(toneMapped, hdr(HLG), 1920, 1080))
    }

    @Test
    fun withoutTagsTheSizeDecides() {
        val nothing = format("video/avc")
        val unspecified = format("video/avc", STANDARD to 0, RANGE to 0, TRANSFER to 0)
        for (track in listOf(nothing, unspecified)) {
            assertEquals(VideoColour(YuvCoding.BT601, null), videoColour(nothing, track, 720, 576))
            assertEquals(VideoColour(YuvCoding.BT709, null), videoColour(nothing, track, 1280, 536))
            assertEquals(VideoColour(YuvCoding.BT709, null), videoColour(unspecified, track, 406, 720))
        }
    }

    @Test
    fun rotationIsNoneUnlessItIsSaid() {
        assertEquals(0, moving.rotation)
        assertEquals(270, format("video/avc", MediaFormat.KEY_ROTATION to 270).rotation)
    }

    private fun choose(vararg formats: MediaFormat) = chooseTrack(formats.toList()) { it !== dolby }

    private fun hdr(transfer: Int) =
        format("video/hevc", STANDARD to MediaFormat.COLOR_STANDARD_BT2020, TRANSFER to transfer)

    private companion object {
        const val STANDARD = MediaFormat.KEY_COLOR_STANDARD
        const val RANGE = MediaFormat.KEY_COLOR_RANGE
        const val TRANSFER = MediaFormat.KEY_COLOR_TRANSFER
        const val FULL = MediaFormat.COLOR_RANGE_FULL
        const val HLG = MediaFormat.COLOR_TRANSFER_HLG
        const val PQ = MediaFormat.COLOR_TRANSFER_ST2084
        const val SDR = MediaFormat.COLOR_TRANSFER_SDR_VIDEO

        fun format(
            mime: String,
            vararg values: Pair<String, Number>,
        ) = MediaFormat().apply {
            setString(MediaFormat.KEY_MIME, mime)
            for ((key, value) in values) if (value is Long) setLong(key, value) else setInteger(key, value.toInt())
        }
    }
}
