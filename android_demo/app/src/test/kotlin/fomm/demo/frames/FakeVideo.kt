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

/** The tracks that the fake extractor finds in any file, with the output of the fake decoder. */
object FakeVideo {
    class Track(
        val format: MediaFormat,
        val decoded: List<Decoded>,
    )

    /** A decoded picture with its time in microseconds; [picture] may throw as a decoder does. */
    class Decoded(
        val time: Long,
        val format: MediaFormat = MediaFormat(),
        val picture: () -> Image,
    )

    lateinit var tracks: List<Track>
    lateinit var selected: Track
}

/** Returns one sample per picture: a byte, the picture's index. */
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

/** Decodes one sample at a time: each is output before the next is accepted. */
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

/** A grey image in a decoder's layout: padded rows, interleaved U and V, a crop rectangle. */
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
        // The first byte of a 10-bit sample holds its two lowest bits: noise here.
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
