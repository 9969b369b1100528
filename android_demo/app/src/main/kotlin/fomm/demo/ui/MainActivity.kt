package fomm.demo.ui

import android.Manifest.permission
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import fomm.demo.ApplicationListener
import fomm.demo.DemoApplication
import fomm.demo.Engine
import fomm.demo.EngineListener
import fomm.demo.Opened
import fomm.demo.Pictures
import fomm.demo.R
import fomm.demo.Readout
import fomm.demo.Runtime
import fomm.demo.animator.Keypoints
import fomm.demo.animator.ModelException
import fomm.demo.animator.MotionSettings
import fomm.demo.frames.FrameSource
import fomm.demo.frames.toPixels
import fomm.demo.models.StoredModel
import fomm.demo.record.SharedFiles

/** The one screen: what is animated, by what, and what becomes of it. */
class MainActivity :
    Activity(),
    Actions,
    EngineListener,
    ApplicationListener {
    private val app get() = application as DemoApplication
    private val settings by lazy { Settings(this) }
    private val picture by lazy { SourcePicture(this) }
    private val pickers = Pickers(this)
    private lateinit var screen: Screen
    private lateinit var model: StoredModel
    private var driving = Driving.CLIP
    private var video: Uri? = null
    private var engine: Engine? = null
    private var frames: FrameSource? = null
    private var running = false
    private var frozen = false
    private var recording = false
    private var initial: Keypoints? = null
    private var shown: Pictures? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.main)
        screen = Screen(this, this, settings.motion)
        savedInstanceState?.let(::restore)
        @Suppress("DEPRECATION")
        (lastNonConfigurationInstance as? Kept)?.let {
            initial = it.initial
            shown = it.shown
        }
        showDriving()
    }

    override fun onStart() {
        super.onStart()
        app.listener = this
        useModel(app.models.find(settings.modelId))
        showSource()
        shown?.let(screen::showPictures)
        if (app.isImporting) screen.showMessage(getString(R.string.importing))
        if (running) start()
        showState()
    }

    /** In the background it holds neither the camera nor the interpreters. */
    override fun onStop() {
        initial = engine?.initial
        close()
        app.listener = null
        super.onStop()
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(DRIVING, driving.name)
        outState.putParcelable(VIDEO, video)
        outState.putBoolean(RUNNING, running)
        outState.putBoolean(FROZEN, frozen)
    }

    @Deprecated("Its successor is not in the framework")
    override fun onRetainNonConfigurationInstance(): Any = Kept(initial, shown)

    // What the user does.

    override fun onAnimate() {
        screen.showMessage(null)
        running = !running
        if (running) {
            initial = null
            start()
        } else {
            frozen = false
            close()
        }
        showState()
    }

    override fun onFreeze() {
        frozen = !frozen
        engine?.frozen = frozen
        showState()
    }

    override fun onReset() {
        engine?.reset()
    }

    override fun onRecord() {
        recording = !recording
        if (recording) engine?.startRecording() else engine?.stopRecording()
        showState()
    }

    override fun onShare() {
        val video = app.lastRecording ?: return
        if (!pickers.share(video)) screen.showMessage(getString(R.string.problem_no_app))
    }

    override fun onMotion(motion: MotionSettings) {
        settings.motion = motion
        engine?.motion = motion
    }

    override fun onChangeSource() =
        pickers.choose(
            R.string.source,
            listOf(
                getString(R.string.source_bundled) to {
                    picture.useBundled()
                    sourceChanged()
                },
                getString(R.string.source_gallery) to { pick(pickers.document(PICK_PICTURE, "image/*")) },
                getString(R.string.source_photo) to { takePhoto() },
            ),
        )

    override fun onChangeDriving() =
        pickers.choose(
            R.string.driving,
            listOf(
                getString(R.string.driving_clip) to { use(Driving.CLIP) },
                getString(R.string.driving_camera) to { use(Driving.CAMERA) },
                getString(R.string.driving_gallery) to { pick(pickers.document(PICK_VIDEO, "video/*")) },
            ),
        )

    override fun onChangeModel() {
        val models =
            app.models.list().map { it to getString(R.string.model_choice, it.manifest.name, describe(it.manifest)) }
        val choices = models.map { (model, text) -> text to { changeModel(model) } }
        val import = getString(R.string.model_import) to { pick(pickers.document(PICK_MODEL, "application/zip")) }
        val removals =
            models.filter { (model, _) -> model.id != null }.map { (model, text) ->
                getString(R.string.model_remove, text) to { removeModel(model) }
            }
        pickers.choose(R.string.model, choices + import + removals)
    }

    override fun onChangeRuntime() {
        val runtimes = Settings.THREAD_CHOICES.map { Runtime(false, it) } + settings.runtime.copy(gpu = true)
        pickers.choose(
            R.string.runs_on,
            runtimes.map { runtime ->
                describe(runtime) to {
                    settings.runtime = runtime
                    screen.showRuntime(describe(runtime))
                    restart()
                }
            },
        )
    }

    // What pickers and the permission dialog answer.

    @Deprecated("Its successor is not in the framework")
    public override fun onActivityResult(
        requestCode: Int,
        resultCode: Int,
        data: Intent?,
    ) {
        if (resultCode != RESULT_OK) return
        val uri = if (requestCode == TAKE_PHOTO) PHOTO else data?.data
        if (uri == null) return
        when (requestCode) {
            PICK_MODEL -> importModel(uri)
            PICK_VIDEO -> useVideo(uri)
            else -> usePicture(uri)
        }
    }

    override fun onRequestPermissionsResult(
        requestCode: Int,
        permissions: Array<String>,
        grantResults: IntArray,
    ) {
        val granted = grantResults.firstOrNull() == PackageManager.PERMISSION_GRANTED
        if (granted && requestCode == PERMISSION_FOR_PHOTO) return takePhoto()
        if (granted) return use(Driving.CAMERA)
        screen.showMessage(getString(R.string.problem_camera_refused))
    }

    // What the engine, the frames and the application tell.

    override fun onOpened(opened: Opened) = screen.showRuntime(describe(opened, settings.runtime))

    override fun onFrame(
        pictures: Pictures,
        readout: Readout?,
    ) {
        shown = pictures
        screen.showPictures(pictures)
        readout?.let(screen::showReadout)
    }

    override fun onModelProblem(error: ModelException) = stopWith(message(error))

    override fun onSingularInitialFrame() = screen.showMessage(getString(R.string.problem_initial_frame))

    override fun onRecorded(uri: Uri?) {
        recording = false
        screen.showMessage(getString(if (uri == null) R.string.problem_recording else R.string.recorded))
        showState()
    }

    override fun onImported(model: StoredModel) {
        screen.showMessage(getString(R.string.imported, model.manifest.name))
        changeModel(model)
    }

    override fun onImportProblem(error: ModelException) = screen.showMessage(message(error))

    // Starting and stopping.

    private fun start() {
        if (driving == Driving.CAMERA && !hasCamera()) return stopWith(getString(R.string.problem_camera_refused))
        val still = picture.read() ?: return stopWith(getString(R.string.problem_picture))
        val engine = Engine(model, settings.runtime, still.toPixels(), initial, app.recordings, this, app::recorded)
        engine.motion = settings.motion
        engine.frozen = frozen
        this.engine = engine
        val source = frameSource()
        frames = source
        source.start(engine.frames) { problem ->
            runOnUiThread { if (frames === source) stopWith(message(problem)) }
        }
    }

    private fun close() {
        frames?.close()
        engine?.close()
        frames = null
        engine = null
        recording = false
    }

    private fun restart() {
        initial = null
        close()
        if (running) start()
        showState()
    }

    private fun stopWith(message: String) {
        running = false
        frozen = false
        close()
        screen.showMessage(message)
        showState()
    }

    private fun frameSource(): FrameSource =
        when (driving) {
            Driving.CLIP -> app.bundledClip()
            Driving.CAMERA -> app.camera(::displayDegrees)
            Driving.VIDEO -> video?.let(app::video) ?: app.bundledClip()
        }

    @Suppress("DEPRECATION")
    private fun displayDegrees() = windowManager.defaultDisplay.rotation * QUARTER_TURN

    // Choosing.

    private fun use(choice: Driving) {
        if (choice == Driving.CAMERA && !hasCamera()) {
            requestPermissions(arrayOf(permission.CAMERA), PERMISSION_FOR_CAMERA)
            return
        }
        driving = choice
        screen.showMessage(null)
        showDriving()
        restart()
    }

    private fun useVideo(uri: Uri) {
        video = uri
        // Not every provider offers it; without, the video is gone after a restart of the phone.
        runCatching { contentResolver.takePersistableUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION) }
        use(Driving.VIDEO)
    }

    private fun usePicture(uri: Uri) {
        if (picture.replace { contentResolver.openInputStream(uri) }) {
            screen.showMessage(null)
            sourceChanged()
        } else {
            screen.showMessage(getString(R.string.problem_picture))
        }
    }

    private fun takePhoto() {
        // The camera app needs none, unless this app has asked for it in its manifest, as it does.
        if (hasCamera()) {
            pick(pickers.photo(TAKE_PHOTO, PHOTO))
        } else {
            requestPermissions(arrayOf(permission.CAMERA), PERMISSION_FOR_PHOTO)
        }
    }

    private fun sourceChanged() {
        shown = null
        showSource()
        restart()
    }

    private fun importModel(uri: Uri) {
        screen.showMessage(getString(R.string.importing))
        if (!app.isImporting) app.importModel(uri)
    }

    private fun changeModel(model: StoredModel) {
        settings.modelId = model.id
        shown = null
        useModel(model)
        showSource()
        restart()
    }

    private fun removeModel(model: StoredModel) {
        val isUsed = model.id == this.model.id
        if (isUsed) close()
        model.id?.let(app.models::remove)
        if (isUsed) changeModel(app.models.bundled())
    }

    private fun useModel(model: StoredModel) {
        this.model = model
        val manifest = model.manifest
        screen.showModel(manifest.name, describe(manifest), manifest.width, manifest.height)
        screen.showRuntime(describe(settings.runtime))
    }

    private fun hasCamera() = checkSelfPermission(permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private fun pick(started: Boolean) {
        if (!started) screen.showMessage(getString(R.string.problem_no_app))
    }

    // Showing.

    private fun showState() = screen.showState(ScreenState(running, frozen, recording, app.lastRecording != null))

    private fun showDriving() = screen.showDriving(getString(driving.title))

    private fun showSource() {
        val name = getString(if (picture.isBundled) R.string.source_bundled else R.string.source_own)
        val bitmap: Bitmap = picture.read() ?: return screen.showMessage(getString(R.string.problem_picture))
        screen.showSource(bitmap, name)
        if (shown == null) screen.showStill(bitmap)
    }

    private fun restore(state: Bundle) {
        driving = Driving.valueOf(state.getString(DRIVING) ?: Driving.CLIP.name)
        @Suppress("DEPRECATION")
        video = state.getParcelable(VIDEO)
        running = state.getBoolean(RUNNING)
        frozen = state.getBoolean(FROZEN)
    }

    private enum class Driving(
        val title: Int,
    ) {
        CLIP(R.string.driving_clip),
        CAMERA(R.string.driving_camera),
        VIDEO(R.string.driving_own),
    }

    /** Outlives a turn of the phone. */
    private class Kept(
        val initial: Keypoints?,
        val shown: Pictures?,
    )

    private companion object {
        const val DRIVING = "driving"
        const val VIDEO = "video"
        const val RUNNING = "running"
        const val FROZEN = "frozen"
        const val PICK_PICTURE = 1
        const val PICK_VIDEO = 2
        const val PICK_MODEL = 3
        const val TAKE_PHOTO = 4
        const val PERMISSION_FOR_CAMERA = 1
        const val PERMISSION_FOR_PHOTO = 2
        const val QUARTER_TURN = 90
        val PHOTO = SharedFiles.uri(SharedFiles.PHOTOS, "source.jpg")
    }
}
