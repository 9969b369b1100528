package fomm.demo.record

import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaFormat
import android.media.MediaMuxer
import fomm.demo.frames.Plane
import java.io.File
import java.io.IOException

/**
 * Encodes results to an MP4 file as they arrive. [file] is incomplete until [finish] returns.
 *
 * For one thread. Any failure is an IOException, after which only [close] may be called.
 */
class Mp4Recorder(
    private val file: File,
    pictureWidth: Int,
    pictureHeight: Int,
) : AutoCloseable {
    private val pixels = VideoPixels(pictureWidth, pictureHeight)
    private val info = MediaCodec.BufferInfo()
    private var encoder: MediaCodec? = null
    private var muxer: MediaMuxer? = null
    private var track = -1
    private var firstNanos: Long? = null
    private var lastMicros = -1L

    /** Opens the encoder and the file. */
    fun start() =
        guarded {
            val format =
                MediaFormat.createVideoFormat(MIME, pixels.width, pixels.height).apply {
                    setInteger(
                        MediaFormat.KEY_COLOR_FORMAT,
                        MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible,
                    )
                    setInteger(MediaFormat.KEY_COLOR_STANDARD, MediaFormat.COLOR_STANDARD_BT601_NTSC)
                    setInteger(MediaFormat.KEY_COLOR_RANGE, MediaFormat.COLOR_RANGE_LIMITED)
                    setInteger(MediaFormat.KEY_COLOR_TRANSFER, MediaFormat.COLOR_TRANSFER_SDR_VIDEO)
                    setInteger(MediaFormat.KEY_BIT_RATE, pixels.width * pixels.height * BITS_PER_PIXEL)
                    setInteger(MediaFormat.KEY_FRAME_RATE, FRAME_RATE)
                    setInteger(MediaFormat.KEY_I_FRAME_INTERVAL, 1)
                }
            encoder =
                MediaCodec.createEncoderByType(MIME).apply {
                    configure(format, null, null, MediaCodec.CONFIGURE_FLAG_ENCODE)
                    start()
                }
            muxer = MediaMuxer(file.path, MediaMuxer.OutputFormat.MUXER_OUTPUT_MPEG_4)
        }

    /** Adds a frame with the time [nanos] of a monotonic clock. Skips it if the encoder has no free buffer. */
    fun add(
        argb: IntArray,
        nanos: Long,
    ) = guarded {
        val encoder = encoder ?: throw IOException("not started")
        drain(0)
        val index = encoder.dequeueInputBuffer(0)
        if (index < 0) return@guarded
        val image = encoder.getInputImage(index) ?: throw IOException("no image to write to")
        val (y, u, v) = image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        pixels.write(argb, y, u, v)
        val first = firstNanos ?: nanos.also { firstNanos = it }
        lastMicros = maxOf(lastMicros + 1, (nanos - first) / NANOS)
        encoder.queueInputBuffer(index, 0, pixels.width * pixels.height * 3 / 2, lastMicros, 0)
    }

    /** Drains the encoder and completes the file. False if there was no frame. */
    fun finish(): Boolean =
        guarded {
            if (firstNanos == null) return@guarded false
            val encoder = encoder ?: throw IOException("not started")
            val index = encoder.dequeueInputBuffer(LAST_WAIT_MICROS)
            if (index < 0) throw IOException("the encoder timed out")
            encoder.queueInputBuffer(index, 0, 0, lastMicros + 1, MediaCodec.BUFFER_FLAG_END_OF_STREAM)
            drain(LAST_WAIT_MICROS)
            if (track < 0) throw IOException("the encoder returned no frame")
            muxer?.stop()
            true
        }

    override fun close() {
        encoder?.release()
        // It throws if it was never started.
        runCatching { muxer?.release() }
        encoder = null
        muxer = null
    }

    /** With [waitMicros] above 0, drains to the end of the stream. */
    private fun drain(waitMicros: Long) {
        val encoder = encoder ?: return
        while (true) {
            val index = encoder.dequeueOutputBuffer(info, waitMicros)
            if (index == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) {
                muxer?.let {
                    track = it.addTrack(encoder.outputFormat)
                    it.start()
                }
            } else if (index >= 0) {
                write(encoder, index)
                if (info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0) return
            } else if (waitMicros > 0 && index == MediaCodec.INFO_TRY_AGAIN_LATER) {
                throw IOException("the encoder timed out")
            } else if (index == MediaCodec.INFO_TRY_AGAIN_LATER) {
                return
            }
        }
    }

    private fun write(
        encoder: MediaCodec,
        index: Int,
    ) {
        val isConfig = info.flags and MediaCodec.BUFFER_FLAG_CODEC_CONFIG != 0
        val buffer = encoder.getOutputBuffer(index)
        if (buffer != null && info.size > 0 && !isConfig) {
            if (track < 0) throw IOException("encoded data before the format")
            muxer?.writeSampleData(track, buffer, info)
        }
        encoder.releaseOutputBuffer(index, false)
    }

    private inline fun <T> guarded(block: () -> T): T =
        try {
            block()
        } catch (error: IllegalStateException) {
            throw IOException(error)
        } catch (error: IllegalArgumentException) {
            throw IOException(error)
        }

    private companion object {
        const val MIME = MediaFormat.MIMETYPE_VIDEO_AVC
        const val FRAME_RATE = 30
        const val BITS_PER_PIXEL = 12
        const val NANOS = 1000L
        const val LAST_WAIT_MICROS = 2_000_000L
    }
}
