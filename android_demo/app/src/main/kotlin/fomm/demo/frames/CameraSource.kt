package fomm.demo.frames

import android.annotation.SuppressLint
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size

/**
 * The front camera, or the first one if there is no front camera. The caller holds the CAMERA permission.
 *
 * [displayDegrees] gives the display's current rotation.
 */
class CameraSource(
    private val manager: CameraManager,
    private val displayDegrees: () -> Int,
) : FrameSource {
    private val thread = HandlerThread("camera")
    private var reader: ImageReader? = null
    private var device: CameraDevice? = null
    private var onProblem: ((SourceProblem) -> Unit)? = null

    @Volatile private var closed = false

    override fun start(
        frames: FrameExchange,
        onProblem: (SourceProblem) -> Unit,
    ) {
        this.onProblem = onProblem
        thread.start()
        Handler(thread.looper).post {
            guarded {
                val id = choose()
                if (id == null) fail(SourceProblem.NO_CAMERA) else open(id, frames)
            }
        }
    }

    override fun close() {
        closed = true
        if (!thread.isAlive) return
        Handler(thread.looper).post(::release)
        thread.quitSafely()
        thread.join(CLOSE_MILLIS)
    }

    private fun choose(): String? {
        val ids = manager.cameraIdList
        return ids.firstOrNull { characteristic(it, CameraCharacteristics.LENS_FACING) == FRONT } ?: ids.firstOrNull()
    }

    private fun <T> characteristic(
        id: String,
        key: CameraCharacteristics.Key<T>,
    ): T? = manager.getCameraCharacteristics(id).get(key)

    @SuppressLint("MissingPermission")
    private fun open(
        id: String,
        frames: FrameExchange,
    ) {
        if (closed) return
        val sensor = characteristic(id, CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        val front = characteristic(id, CameraCharacteristics.LENS_FACING) == FRONT
        val map = characteristic(id, CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
        val sizes = map?.getOutputSizes(ImageFormat.YUV_420_888).orEmpty().toList()
        val size = smallestNotBelow(sizes, maxOf(frames.width, frames.height)) ?: return fail(SourceProblem.NO_CAMERA)
        val handler = Handler(thread.looper)
        reader =
            ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, IMAGES).apply {
                setOnImageAvailableListener({ put(it, frames, sensor, front) }, handler)
            }
        manager.openCamera(id, Opening(handler), handler)
    }

    /** acquireLatestImage drops older queued images. */
    private fun put(
        reader: ImageReader,
        frames: FrameExchange,
        sensor: Int,
        front: Boolean,
    ) {
        reader.acquireLatestImage()?.use { image ->
            if (closed) return
            frames.put(
                image.toPixels(YuvCoding.BT601_FULL),
                Orientation.ofCamera(sensor, displayDegrees(), front),
            )
        }
    }

    private fun release() {
        device?.close()
        reader?.close()
        device = null
        reader = null
    }

    private fun fail(problem: SourceProblem) {
        release()
        if (!closed) onProblem?.invoke(problem)
        onProblem = null
    }

    /** The camera service throws these when a camera is disconnected, disabled or failing. */
    private inline fun guarded(block: () -> Unit) =
        try {
            block()
        } catch (_: CameraAccessException) {
            fail(SourceProblem.CAMERA_FAILED)
        } catch (_: SecurityException) {
            fail(SourceProblem.CAMERA_FAILED)
        } catch (_: IllegalStateException) {
            fail(SourceProblem.CAMERA_FAILED)
        } catch (_: IllegalArgumentException) {
            fail(SourceProblem.CAMERA_FAILED)
        }

    private inner class Opening(
        private val handler: Handler,
    ) : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            device = camera
            val surface = reader?.surface
            if (closed || surface == null) return release()
            // The replacement with SessionConfiguration needs API 28.
            @Suppress("DEPRECATION")
            guarded { camera.createCaptureSession(listOf(surface), Configuring(), handler) }
        }

        override fun onDisconnected(camera: CameraDevice) {
            device = camera
            fail(SourceProblem.CAMERA_FAILED)
        }

        override fun onError(
            camera: CameraDevice,
            error: Int,
        ) = onDisconnected(camera)
    }

    private inner class Configuring : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            val surface = reader?.surface
            if (closed || surface == null) return
            guarded {
                val request = session.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                request.addTarget(surface)
                session.setRepeatingRequest(request.build(), null, null)
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = fail(SourceProblem.CAMERA_FAILED)
    }

    internal companion object {
        private const val FRONT = CameraCharacteristics.LENS_FACING_FRONT
        private const val IMAGES = 3
        private const val CLOSE_MILLIS = 2000L

        /** Small images convert faster, but below the model's size they would be upscaled. */
        fun smallestNotBelow(
            sizes: List<Size>,
            side: Int,
        ): Size? =
            sizes.filter { minOf(it.width, it.height) >= side }.minByOrNull { it.width * it.height }
                ?: sizes.maxByOrNull { it.width * it.height }
    }
}
