package fomm.demo

import android.net.Uri
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import fomm.demo.animator.Animator
import fomm.demo.animator.Keypoints
import fomm.demo.animator.ModelException
import fomm.demo.animator.MotionSettings
import fomm.demo.animator.SingularInitialFrame
import fomm.demo.animator.transferMotion
import fomm.demo.frames.Fit
import fomm.demo.frames.FrameExchange
import fomm.demo.frames.Orientation
import fomm.demo.frames.Pixels
import fomm.demo.models.StoredModel
import fomm.demo.record.Mp4Recorder
import fomm.demo.record.Recordings
import java.io.File
import java.io.IOException
import java.util.concurrent.atomic.AtomicBoolean

/** Callbacks of an engine, on the main thread and never after it was closed. */
interface EngineListener {
    fun onOpened(opened: Opened)

    fun onFrame(
        pictures: Pictures,
        readout: Readout?,
    )

    /** The model cannot be run; no frames will follow. */
    fun onModelProblem(error: ModelException)

    /** A Jacobian of the initial frame is singular; the next frame becomes the initial one. */
    fun onSingularInitialFrame()
}

/**
 * Animates one source with the frames put into [frames], on its own thread, until it is closed.
 *
 * [initial] holds the keypoints of the initial driving frame, or null to take those of the first frame.
 */
class Engine(
    private val model: StoredModel,
    private val runtime: Runtime,
    private val source: Pixels,
    @Volatile var initial: Keypoints?,
    private val recordings: Recordings,
    private val listener: EngineListener,
    /** Called on the main thread, even after closing; null if the recording failed. */
    private val onRecorded: (Uri?) -> Unit,
) : AutoCloseable {
    private val manifest = model.manifest
    private val main = Handler(Looper.getMainLooper())
    private val thread = HandlerThread("inference").apply { start() }
    private val handler = Handler(thread.looper)
    private val scheduled = AtomicBoolean()
    private val result = IntArray(manifest.width * manifest.height)
    private val renderer = Renderer(manifest.width, manifest.height)
    private val pace = Pace()
    private var animator: Animator? = null
    private var sourceKeypoints: Keypoints? = null
    private var recorder: Mp4Recorder? = null
    private var recording: File? = null

    /** At most one step is pending; it takes the newest frame when it runs. */
    val frames =
        FrameExchange(manifest.width, manifest.height) {
            if (scheduled.compareAndSet(false, true)) handler.post(::step)
        }

    @Volatile var motion = MotionSettings()

    @Volatile var frozen = false

    @Volatile private var closed = false

    init {
        handler.post(::open)
    }

    /** Makes the next driving frame the initial one. */
    fun reset() {
        initial = null
    }

    fun startRecording() {
        handler.post {
            val file = recordings.newFile()
            recorder = Mp4Recorder(file, manifest.width, manifest.height)
            recording = file
            recordingOrNothing { recorder?.start() }
        }
    }

    fun stopRecording() {
        handler.post(::finishRecording)
    }

    /** Finishes a recording and releases the interpreters. The listener is not called any more. */
    override fun close() {
        closed = true
        handler.post {
            finishRecording()
            animator?.close()
            animator = null
        }
        thread.quitSafely()
    }

    private fun open() {
        try {
            val opened = openAnimator(manifest, model.files, runtime)
            animator = opened.animator
            val argb = IntArray(result.size)
            Fit(source.width, source.height, Orientation(), manifest.width, manifest.height).apply(source, argb)
            sourceKeypoints = opened.animator.setSource(argb)
            tell { onOpened(opened) }
        } catch (error: ModelException) {
            tell { onModelProblem(error) }
        }
    }

    private fun step() {
        scheduled.set(false)
        if (closed || frozen) return
        val animator = animator ?: return
        val source = sourceKeypoints ?: return
        val frame = frames.take() ?: return
        try {
            val driving = animator.detect(frame.argb)
            val convert = frame.convertNanos + animator.timings.convert
            val first = initial ?: driving.also { initial = it }
            animator.timings.convert = 0
            animator.animate(transferMotion(source, driving, first, motion), result)
            val now = System.nanoTime()
            recorder?.let { recordingOrNothing { it.add(result, now) } }
            val times = animator.timings
            val readout = pace.add(convert + times.convert, times.detect, times.generate, now)
            val pictures = renderer.render(frame.argb, result)
            tell { onFrame(pictures, readout) }
        } catch (_: SingularInitialFrame) {
            initial = null
            tell { onSingularInitialFrame() }
        } catch (error: ModelException) {
            animator.close()
            this.animator = null
            tell { onModelProblem(error) }
        }
    }

    private fun finishRecording() {
        val recorder = recorder ?: return
        val file = recording ?: return
        recordingOrNothing {
            val any = recorder.finish()
            recorder.close()
            this.recorder = null
            val uri = if (any) recordings.publish(file) else null
            file.delete()
            main.post { onRecorded(uri) }
        }
    }

    /** A failed recording leaves no file behind. */
    private inline fun recordingOrNothing(block: () -> Unit) =
        try {
            block()
        } catch (_: IOException) {
            recorder?.close()
            recorder = null
            recording?.delete()
            main.post { onRecorded(null) }
            Unit
        }

    private fun tell(what: EngineListener.() -> Unit) {
        main.post { if (!closed) listener.what() }
    }
}
