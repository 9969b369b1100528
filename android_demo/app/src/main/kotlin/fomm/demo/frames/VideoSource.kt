package fomm.demo.frames

import android.content.res.AssetFileDescriptor
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaCodecList
import android.media.MediaExtractor
import android.media.MediaFormat
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Plays a video in a loop at its own speed. [open] opens the file; it is called on the source's thread. */
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
        } catch (_: UnsupportedOperationException) {
            // MediaCodec throws it for an output layout that Image cannot represent.
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
            val formats = List(extractor.trackCount, extractor::getTrackFormat)
            val codecs = MediaCodecList(MediaCodecList.REGULAR_CODECS)
            val track =
                chooseTrack(formats) { codecs.findDecoderForFormat(it) != null } ?: throw IOException("no video track")
            extractor.selectTrack(track)
            val format = formats[track]
            decoder = openDecoder(codecs.findDecoderForFormat(format), format)
            format.setInteger(MediaFormat.KEY_COLOR_FORMAT, MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible)
            decoder.configure(format, null, null, 0)
            decoder.start()
            Playing(extractor, decoder, frames, format).run()
        } finally {
            decoder?.release()
            extractor.release()
        }
    }

    /** Decoders may handle more than they declare: without one that declares this format, one for its type is tried. */
    private fun openDecoder(
        name: String?,
        format: MediaFormat,
    ) = if (name == null) MediaCodec.createDecoderByType(format.mime) else MediaCodec.createByCodecName(name)

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

    private inner class Playing(
        private val extractor: MediaExtractor,
        private val decoder: MediaCodec,
        private val frames: FrameExchange,
        private val format: MediaFormat,
    ) {
        private val orientation = Orientation(format.rotation)
        private val info = MediaCodec.BufferInfo()
        private val clock = VideoClock { TimeUnit.NANOSECONDS.toMicros(System.nanoTime()) }
        private var fed = false
        private var shown = 0

        fun run() {
            while (!closed) {
                if (!fed) feed()
                drain()
            }
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
            sleep(clock.waitAtEnd())
            extractor.seekTo(0, MediaExtractor.SEEK_TO_CLOSEST_SYNC)
            decoder.flush()
            fed = false
            shown = 0
        }

        private fun show(index: Int) {
            val image = decoder.getOutputImage(index) ?: throw IOException("no output image")
            image.use {
                sleep(clock.wait(info.presentationTimeUs))
                val crop = it.cropRect
                val colour = videoColour(decoder.outputFormat, format, crop.width(), crop.height())
                if (!closed) frames.put(it.toPixels(colour.coding), orientation, colour.hdr)
                shown++
            }
        }

        private fun sleep(micros: Long) = TimeUnit.MICROSECONDS.sleep(micros)
    }

    private companion object {
        const val WAIT_MICROS = 10_000L
        const val CLOSE_MILLIS = 2000L
    }
}
