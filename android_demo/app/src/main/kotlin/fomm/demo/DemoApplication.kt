package fomm.demo

import android.app.Application
import android.hardware.camera2.CameraManager
import android.net.Uri
import android.os.Handler
import android.os.Looper
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.frames.CameraSource
import fomm.demo.frames.FrameSource
import fomm.demo.frames.VideoSource
import fomm.demo.models.AssetModel
import fomm.demo.models.ModelStore
import fomm.demo.models.StoredModel
import fomm.demo.record.Recordings
import java.io.File
import java.io.FileNotFoundException
import kotlin.concurrent.thread

/** Results of background work that outlives a screen, delivered to the current one on the main thread. */
interface ApplicationListener {
    fun onRecorded(uri: Uri?)

    fun onImported(model: StoredModel)

    fun onImportProblem(error: ModelException)
}

/** What outlives a screen: models, recordings and frame sources. */
open class DemoApplication : Application() {
    val models by lazy { ModelStore(File(filesDir, "models"), AssetModel(assets, "model"), ::tryOut) }
    val recordings by lazy { Recordings(this) }
    var listener: ApplicationListener? = null

    /** The last recording since the app was started, for sharing. */
    var lastRecording: Uri? = null
        private set

    var isImporting = false
        private set

    fun recorded(uri: Uri?) {
        lastRecording = uri ?: lastRecording
        listener?.onRecorded(uri)
    }

    /** Imports a zipped model in the background. */
    fun importModel(uri: Uri) {
        isImporting = true
        thread(name = "import") {
            val result = runCatching { models.import { open(uri) } }
            Handler(Looper.getMainLooper()).post {
                isImporting = false
                result.onSuccess { listener?.onImported(it) }
                result.onFailure { listener?.onImportProblem(it as? ModelException ?: throw it) }
            }
        }
    }

    open fun camera(displayDegrees: () -> Int): FrameSource =
        CameraSource(getSystemService(CameraManager::class.java), displayDegrees)

    open fun bundledClip(): FrameSource = VideoSource { assets.openFd("driving.mp4") }

    open fun video(uri: Uri): FrameSource = VideoSource { contentResolver.openAssetFileDescriptor(uri, "r") }

    private fun open(uri: Uri) =
        try {
            contentResolver.openInputStream(uri) ?: throw FileNotFoundException("$uri")
        } catch (error: SecurityException) {
            throw ModelException(ModelProblem.NO_ZIP, "$uri", error)
        }
}
