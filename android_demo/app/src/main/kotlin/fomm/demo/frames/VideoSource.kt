package fomm.demo.frames

import android.content.res.AssetFileDescriptor
import android.graphics.ImageFormat
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaExtractor
import android.media.MediaFormat
import android.os.SystemClock
import java.io.IOException
import kotlin.concurrent.thread

/** A video at its own speed, over and over. [open] gives the file; it is called on the source's thread. */
class VideoSource(
    private val open: () -> AssetFileDescriptor?,
) : FrameSource {
    private var worker: Thread? = null

    @Volatile private var closed = false

    override fun start(
        frames: FrameExchange,
        onProblem: (SourceProblem) -> Unit,
    ) {
        worker =
            thread(name = "video") {
                if (!play(frames) && !closed) onProblem(SourceProblem.VIDEO_FAILED)
            }
    }

    override fun close() {
        closed = true
        worker?.interrupt()
        worker?.join(CLOSE_MILLIS)
    }

    /** False if the file cannot be read or decoded. */
    private fun play(frames: FrameExchange): Boolean =
        try {
            val file = open() ?: throw IOException("no such file")
            file.use { decode(it, frames) }
            true
        } catch (_: InterruptedException) {
            true
        } catch (_: IOException) {
            false
        } catch (_: SecurityException) {
            false
        } catch (_: IllegalArgumentException) {
            false
        } catch (_: IllegalStateException) {
            // MediaCodec.CodecException is one.
            false
        }

    private fun decode(
        file: AssetFileDescriptor,
        frames: FrameExchange,
    ) {
        val extractor = MediaExtractor()
        var decoder: MediaCodec? = null
        try {
            setSource(extractor, file)
            val tracks = (0 until extractor.trackCount)
            val track =
                tracks.firstOrNull { mime(extractor, it).startsWith("video/") } ?: throw IOException("no video in it")
            extractor.selectTrack(track)
            val format = extractor.getTrackFormat(track)
            format.setInteger(MediaFormat.KEY_COLOR_FORMAT, MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible)
            decoder = MediaCodec.createDecoderByType(mime(extractor, track))
            decoder.configure(format, null, null, 0)
            decoder.start()
            Playing(extractor, decoder, frames, format).run()
        } finally {
            decoder?.release()
            extractor.release()
        }
    }

    private fun setSource(
        extractor: MediaExtractor,
        file: AssetFileDescriptor,
    ) {
        if (file.declaredLength < 0) {
            extractor.setDataSource(file.fileDescriptor)
        } else {
            extractor.setDataSource(file.fileDescriptor, file.startOffset, file.declaredLength)
        }
    }

    private fun mime(
        extractor: MediaExtractor,
        track: Int,
    ) = extractor.getTrackFormat(track).getString(MediaFormat.KEY_MIME).orEmpty()

    private inner class Playing(
        private val extractor: MediaExtractor,
        private val decoder: MediaCodec,
        private val frames: FrameExchange,
        format: MediaFormat,
    ) {
        private val orientation = Orientation(format.integer(MediaFormat.KEY_ROTATION) ?: 0)
        private val info = MediaCodec.BufferInfo()
        private var fed = false
        private var shown = 0
        private var started = 0L

        fun run() {
            restart()
            while (!closed) {
                if (!fed) feed()
                drain()
            }
        }

        private fun restart() {
            started = SystemClock.uptimeMillis()
            fed = false
            shown = 0
        }

        private fun feed() {
            val index = decoder.dequeueInputBuffer(WAIT_MICROS)
            if (index < 0) return
            val buffer = decoder.getInputBuffer(index) ?: throw IOException("no input buffer")
            val size = extractor.readSampleData(buffer, 0)
            if (size < 0) {
                fed = true
                decoder.queueInputBuffer(index, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM)
            } else {
                decoder.queueInputBuffer(index, 0, size, extractor.sampleTime, 0)
                extractor.advance()
            }
        }

        private fun drain() {
            val index = decoder.dequeueOutputBuffer(info, WAIT_MICROS)
            if (index < 0) return
            if (info.size > 0) show(index)
            decoder.releaseOutputBuffer(index, false)
            if (info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM == 0) return
            if (shown == 0) throw IOException("no frames")
            extractor.seekTo(0, MediaExtractor.SEEK_TO_CLOSEST_SYNC)
            decoder.flush()
            restart()
        }

        private fun show(index: Int) {
            val image = decoder.getOutputImage(index)
            // 10-bit videos come in another format.
            if (image == null || image.format != ImageFormat.YUV_420_888) throw IOException("unknown format")
            image.use {
                val due = started + info.presentationTimeUs / MICROS - SystemClock.uptimeMillis()
                if (due > 0) Thread.sleep(minOf(due, LONGEST_MILLIS))
                if (!closed) frames.put(it.toPixels(coding(decoder.outputFormat)), orientation)
                shown++
            }
        }
    }

    internal companion object {
        private const val WAIT_MICROS = 10_000L
        private const val MICROS = 1000L
        private const val LONGEST_MILLIS = 1000L
        private const val CLOSE_MILLIS = 2000L

        private fun MediaFormat.integer(key: String) = if (containsKey(key)) getInteger(key) else null

        fun coding(format: MediaFormat): YuvCoding {
            val full = format.integer(MediaFormat.KEY_COLOR_RANGE) == MediaFormat.COLOR_RANGE_FULL
            return if (format.integer(MediaFormat.KEY_COLOR_STANDARD) == MediaFormat.COLOR_STANDARD_BT709) {
                if (full) YuvCoding.BT709_FULL else YuvCoding.BT709
            } else {
                if (full) YuvCoding.BT601_FULL else YuvCoding.BT601
            }
        }
    }
}
