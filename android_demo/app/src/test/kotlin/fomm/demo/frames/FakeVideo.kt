package fomm.demo.frames

import android.graphics.ImageFormat
import android.graphics.Rect
import android.media.Image
import android.media.MediaCodec
import android.media.MediaCrypto
import android.media.MediaExtractor
import android.media.MediaFormat
import android.view.Surface
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import java.io.FileDescriptor
import java.nio.ByteBuffer

/** What the fake extractor finds in any file, and what the fake decoder makes of the track that is selected. */
object FakeVideo {
    class Track(
        val format: MediaFormat,
        val decoded: List<Decoded>,
    )

    /** A picture at its time in microseconds, or what the decoder throws instead of giving it. */
    class Decoded(
        val time: Long,
        val format: MediaFormat = MediaFormat(),
        val picture: () -> Image,
    )

    lateinit var tracks: List<Track>
    lateinit var selected: Track
}

/** Gives a sample of one byte, its number, for each picture. */
@Implements(MediaExtractor::class)
class FakeExtractor {
    private var next = 0

    @Implementation
    fun setDataSource(file: FileDescriptor) = Unit

    @Implementation
    fun getTrackCount() = FakeVideo.tracks.size

    @Implementation
    fun getTrackFormat(index: Int) = MediaFormat(FakeVideo.tracks[index].format)

    @Implementation
    fun selectTrack(index: Int) {
        FakeVideo.selected = FakeVideo.tracks[index]
    }

    @Implementation
    fun readSampleData(
        buffer: ByteBuffer,
        offset: Int,
    ): Int {
        if (next == FakeVideo.selected.decoded.size) return -1
        buffer.put(offset, next.toByte())
        return 1
    }

    @Implementation
    fun getSampleTime() = FakeVideo.selected.decoded[next].time

    @Implementation
    fun advance(): Boolean = ++next < FakeVideo.selected.decoded.size

    @Implementation
    fun seekTo(
        time: Long,
        mode: Int,
    ) {
        next = 0
    }
}

/** Decodes one sample after the other; each is out before the next one goes in. */
@Implements(MediaCodec::class)
class FakeDecoder {
    private class Sample(
        val index: Int,
        val size: Int,
        val time: Long,
        val flags: Int,
    )

    private val input = ByteBuffer.allocate(1)
    private var waiting: Sample? = null
    private var shown: FakeVideo.Decoded? = null

    @Implementation
    fun configure(
        format: MediaFormat,
        surface: Surface?,
        crypto: MediaCrypto?,
        flags: Int,
    ) = Unit

    @Implementation
    fun start() = Unit

    @Implementation
    fun dequeueInputBuffer(timeout: Long) = if (waiting == null) 0 else -1

    @Implementation
    fun getInputBuffer(index: Int) = input

    @Implementation
    fun queueInputBuffer(
        index: Int,
        offset: Int,
        size: Int,
        time: Long,
        flags: Int,
    ) {
        waiting = Sample(input[0].toInt(), size, time, flags)
    }

    @Implementation
    fun dequeueOutputBuffer(
        info: MediaCodec.BufferInfo,
        timeout: Long,
    ): Int {
        val sample = waiting ?: return -1
        waiting = null
        shown = FakeVideo.selected.decoded[sample.index]
        info.set(0, sample.size, sample.time, sample.flags)
        return 0
    }

    @Implementation
    fun getOutputImage(index: Int) = shown!!.picture()

    @Implementation
    fun getOutputFormat() = shown!!.format

    @Implementation
    fun releaseOutputBuffer(
        index: Int,
        render: Boolean,
    ) = Unit

    @Implementation
    fun flush() = Unit
}

/** A grey picture in planes as decoders lay them out: rows longer than the picture, U and V interleaved, a crop. */
class FakeImage(
    private val form: Int,
    crop: Rect,
    level: (x: Int, y: Int) -> Int,
) : Image() {
    private val sample = if (form == ImageFormat.YCBCR_P010) 2 else 1
    private val stride = (crop.right + 16) * sample
    private val rows = crop.bottom + 4
    private val planes: List<Plane>

    init {
        mIsImageValid = true
        cropRect = crop
        val luma = ByteArray(stride * rows)
        for (y in 0 until crop.height()) {
            for (x in 0 until crop.width()) {
                luma[(y + crop.top) * stride + (x + crop.left) * sample + sample - 1] = level(x, y).toByte()
            }
        }
        // 10-bit samples have their lowest bits in the first byte, which is noise here.
        if (sample == 2) for (i in luma.indices step 2) luma[i] = (i * 64).toByte()
        val chroma = ByteArray(luma.size) { if (it % sample == sample - 1) 128.toByte() else 0x40 }
        planes = listOf(plane(luma, sample), plane(chroma, 2 * sample), plane(chroma, 2 * sample))
    }

    private fun plane(
        bytes: ByteArray,
        step: Int,
    ) = object : Plane() {
        override fun getRowStride() = stride

        override fun getPixelStride() = step

        override fun getBuffer() = ByteBuffer.wrap(bytes)
    }

    override fun getFormat() = form

    override fun getWidth() = stride / sample

    override fun getHeight() = rows

    override fun getTimestamp() = 0L

    override fun getTransform() = 0

    override fun getScalingMode() = 0

    override fun getPlanes() = planes.toTypedArray()

    override fun close() = Unit
}
